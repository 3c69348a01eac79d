use super::*;
use aws_lambda_events::event::cognito::CognitoEventUserPoolsCustomMessage;
use cognito_core::settings::{OVERRIDES, Overridden};
use cognito_core::testing::{
    CapturedLog, answer_to, documented_settings, edited, lookup, only_response_changed, personal_data, raw_answer_to,
    sample, samples, sorted,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

fn trigger(variables: &[(&str, &str)]) -> CustomMessage {
    CustomMessage::new(Settings::from_lookup(&lookup(variables)).unwrap())
}

fn harbour() -> CustomMessage {
    trigger(&[("APP_NAME", "Harbour"), ("APP_URL", "https://app.example.com")])
}

async fn response(trigger: &CustomMessage, event: &str) -> Value {
    let answer = answer_to(trigger, event).await.unwrap();
    assert!(only_response_changed(event, &answer));
    answer["response"].clone()
}

#[tokio::test]
async fn every_sample_gets_a_whole_message_that_the_official_type_can_read() {
    let mut sources = BTreeSet::new();
    for (name, event) in samples("custom-message") {
        let answer = answer_to(&harbour(), &event).await.unwrap();
        let source = &answer["triggerSource"];
        sources.insert(source.to_string());
        let read: CognitoEventUserPoolsCustomMessage = serde_json::from_value(answer.clone()).unwrap();
        for text in [read.response.email_message.unwrap(), read.response.sms_message.unwrap()] {
            assert!(text.contains("{####}"), "{name}: {text}");
            assert_eq!(text.contains("{username}"), source == "CustomMessage_AdminCreateUser", "{name}: {text}");
        }
        assert!(!read.response.email_subject.unwrap().is_empty(), "{name}");
    }
    assert_eq!(sources.len(), Kind::COGNITO.len(), "{sources:?}");
}

#[tokio::test]
async fn events_of_other_triggers_go_back_as_they_came() {
    for name in ["pre-sign-up/native", "post-confirmation/sign-up", "inbound-federation/google"] {
        let event = sample(name);
        let answer = answer_to(&harbour(), &event).await.unwrap();
        assert_eq!(answer, serde_json::from_str::<Value>(&event).unwrap(), "{name}");
    }
}

#[tokio::test]
async fn the_apps_locale_goes_before_the_persons_and_that_before_the_default() {
    let locale = async |metadata: Value, attribute: Value| {
        let event = edited("custom-message/sign-up", |event| {
            event["request"]["clientMetadata"] = metadata;
            event["request"]["userAttributes"]["locale"] = attribute;
        });
        let french = trigger(&[("DEFAULT_LOCALE", "fr")]);
        response(&french, &event).await["smsMessage"].as_str().unwrap().to_owned()
    };
    let german = "{####} ist Ihr Bestätigungscode.";
    assert_eq!(locale(json!({"locale": "de-CH"}), json!("es")).await, german);
    assert_eq!(locale(json!({"other": "x"}), json!("de")).await, german);
    assert_eq!(locale(json!({"locale": "it"}), json!("de")).await, german);
    assert_eq!(locale(Value::Null, json!("it")).await, "{####} est votre code de confirmation.");
    assert_eq!(locale(Value::Null, Value::Null).await, "{####} est votre code de confirmation.");
}

#[tokio::test]
async fn the_language_is_read_under_every_name_and_in_every_form_that_applications_send() {
    for metadata in [
        json!({"locale": "de"}),
        json!({"lang": "de"}),
        json!({"language": "de_AT"}),
        json!({"ui_locales": "it de en"}),
        json!({"locale": "de_DE.UTF-8"}),
        json!({"locale": "de-CH, de;q=0.9, en;q=0.8"}),
        json!({"locale": "en;q=0.5, it, de;q=0.9"}),
        json!({"locale": "it", "lang": "de"}),
    ] {
        let event = edited("custom-message/sign-up", |event| event["request"]["clientMetadata"] = metadata.clone());
        let text = response(&harbour(), &event).await["smsMessage"].clone();
        assert!(text.as_str().unwrap().contains("Bestätigungscode"), "{metadata}: {text}");
    }
}

/// What applications and emulators send: everybody gets a message with the code, and nobody is called "undefined".
#[tokio::test]
async fn reported_forms_of_a_request_get_a_message() {
    for (what, member, value) in [
        ("a name that is the word undefined", "/request/userAttributes/given_name", json!("undefined")),
        ("a name of two such words", "/request/userAttributes/given_name", json!("undefined undefined")),
        ("a name with a code in it", "/request/userAttributes/given_name", json!("Ada {####}")),
        ("a name with joined emoji", "/request/userAttributes/given_name", json!("Ada 👩\u{200d}💻")),
        (
            "LinkedIn's locale of somebody in Germany",
            "/request/userAttributes/locale",
            json!(r#"{"country":"DE","language":"en"}"#),
        ),
        ("a name that is an object", "/request/userAttributes/given_name", json!({"first": "Ada"})),
        ("a language that is a number", "/request/clientMetadata/locale", json!(1033)),
        ("a language that is a list", "/request/clientMetadata/locale", json!(["de"])),
        ("the C locale", "/request/clientMetadata/locale", json!("C.UTF-8")),
        ("metadata that is a text", "/request/clientMetadata", json!("{\"locale\":\"de\"}")),
        ("no link parameter", "/request/linkParameter", Value::Null),
        ("the word None for a user name", "/request/usernameParameter", json!("None")),
        ("a user name with a placeholder", "/userName", json!("{####}")),
        ("no caller", "/callerContext", Value::Null),
        ("a response that is null", "/response", Value::Null),
    ] {
        let event = edited("custom-message/sign-up", |event| *event.pointer_mut(member).unwrap() = value.clone());
        let (answer, log) = CapturedLog::of(answer_to(&harbour(), &event)).await;
        let answer = answer.unwrap();
        let (html, sms) = (answer["response"]["emailMessage"].as_str(), answer["response"]["smsMessage"].as_str());
        assert!(html.is_some_and(|html| html.contains("{####}") && !html.contains("undefined")), "{what}");
        assert!(sms.is_some_and(|sms| sms == "Harbour: {####} is your confirmation code."), "{what}: {sms:?}");
        assert!(!log.contains("ERROR"), "{what}: {log}");
    }
}

#[tokio::test]
async fn a_name_with_half_a_surrogate_pair_gets_its_message() {
    let event = sample("custom-message/sign-up").replace("\"Ada\"", r#""Ada \ud800""#);
    assert!(event.contains("ud800"));
    let answer = raw_answer_to(&harbour(), &event).await.unwrap();
    assert!(answer.get().contains(r#""Ada \ud800""#) && answer.get().contains("{####}"), "{}", answer.get());
}

#[tokio::test]
async fn a_person_is_greeted_by_given_name_then_by_name_then_politely_without() {
    let greeting = async |given: Value, name: Value, greeting: &str| {
        let event = edited("custom-message/sign-up", |event| {
            event["request"]["userAttributes"]["given_name"] = given;
            event["request"]["userAttributes"]["name"] = name;
        });
        let response = response(&harbour(), &event).await;
        assert!(response["emailMessage"].as_str().unwrap().contains(&format!(">{greeting}</p>")), "{greeting}");
    };
    greeting(json!("Ada"), json!("Ada Lovelace"), "Hello Ada,").await;
    greeting(Value::Null, json!("Ada Lovelace"), "Hello Ada Lovelace,").await;
    greeting(Value::Null, Value::Null, "Hello,").await;
    greeting(json!(true), json!(""), "Hello,").await;
}

#[tokio::test]
async fn the_link_names_the_user_by_the_events_user_name() {
    let event = edited("custom-message/sign-up", |event| event["userName"] = json!("ada+1"));
    let response = response(&harbour(), &event).await;
    let html = response["emailMessage"].as_str().unwrap();
    assert!(
        html.contains(
            "https://app.example.com/complete-registration?code={####}&amp;username=ada%2B1&amp;email=ada%40example.com"
        ),
        "{html}"
    );
}

#[tokio::test]
async fn without_its_code_an_event_goes_back_unchanged_with_an_error_to_count() {
    for absent in [Value::Null, json!(""), json!(7)] {
        let event = edited("custom-message/sign-up", |event| event["request"]["codeParameter"] = absent);
        let trigger = harbour();
        let (answer, log) = CapturedLog::of(answer_to(&trigger, &event)).await;
        assert_eq!(answer.unwrap(), serde_json::from_str::<Value>(&event).unwrap());
        assert!(log.contains(TEMPLATE_PASSED_OVER) && log.contains("ERROR") && log.contains("codeParameter"), "{log}");
    }
}

#[tokio::test]
async fn a_broken_own_template_is_an_error_at_start_and_at_each_message_and_the_person_gets_the_code() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("en")).unwrap();
    std::fs::write(directory.path().join("en/sign-up.html"), "{% if %}").unwrap();
    let path = directory.path().to_str().unwrap();
    let (trigger, log) = CapturedLog::of(async { trigger(&[("TEMPLATE_DIR", path)]) }).await;
    assert_eq!(log.matches(TEMPLATE_UNUSABLE).count(), 1, "{log}");
    let (answer, log) = CapturedLog::of(answer_to(&trigger, &sample("custom-message/sign-up"))).await;
    assert!(answer.unwrap()["response"]["emailMessage"].as_str().unwrap().contains("{####}"));
    assert_eq!(log.matches(TEMPLATE_PASSED_OVER).count(), 1, "{log}");
    assert!(log.contains("en/sign-up.html"), "{log}");
}

#[tokio::test]
async fn no_log_line_holds_personal_data() {
    let directory = tempfile::tempdir().unwrap();
    for (locale, kind) in messages::LOCALES.iter().flat_map(|locale| Kind::COGNITO.map(|kind| (locale.tag, kind))) {
        std::fs::create_dir_all(directory.path().join(locale)).unwrap();
        // The engine's own error would quote what it could not include.
        let file = directory.path().join(format!("{locale}/{}.html", kind.name()));
        std::fs::write(file, "{{ code }}{% include name ~ email ~ username %}").unwrap();
    }
    let trigger = trigger(&[("TEMPLATE_DIR", directory.path().to_str().unwrap())]);
    for (name, event) in samples("custom-message") {
        let (answer, log) = CapturedLog::of(answer_to(&trigger, &event)).await;
        answer.unwrap();
        assert!(log.contains(TEMPLATE_PASSED_OVER), "{name}: the test must log something");
        for secret in personal_data(&event) {
            assert!(!log.contains(&secret), "{name}: {secret} is in {log}");
        }
    }
}

#[test]
fn settings_that_are_wrong_stop_the_start() {
    let lookup = |name: &str| (name == "APP_URL").then(|| "ftp://example.com".to_owned());
    let error = Settings::from_lookup(&lookup).unwrap_err().to_string();
    assert!(error.starts_with("environment variable APP_URL is \"ftp://example.com\"; allowed is https://"), "{error}");
}

#[test]
fn the_readme_lists_every_variable() {
    assert_eq!(documented_settings("custom-message"), sorted(&NAMES));
}

#[test]
fn this_function_compiles_no_aws_sdk_and_no_css_inliner() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "custom-message", "--edges", "normal", "--prefix", "none"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("minijinja"), "{tree}");
    for unwanted in ["aws-", "rustls", "css-inline", "html5ever", "toml"] {
        assert!(!tree.lines().any(|line| line.starts_with(unwanted)), "{unwanted} is in {tree}");
    }
}

#[tokio::test]
async fn with_the_account_api_a_token_alone_changes_no_address() {
    let refusing = trigger(&[("DIRECT_EMAIL_CHANGE", "refuse")]);
    let has_code = async |trigger: &CustomMessage, event: &str| {
        response(trigger, event).await["emailMessage"].as_str().is_some_and(|text| text.contains("{####}"))
    };
    for name in ["custom-message/update-user-attribute", "custom-message/verify-user-attribute"] {
        let refused = answer_to(&refusing, &sample(name)).await;
        assert_eq!(refused.unwrap_err(), (CHANGE_ELSEWHERE.code, CHANGE_ELSEWHERE.message), "{name}");
        // If an administrator changes an address without marking it as verified, Cognito sends a code, too.
        for client in [json!("CLIENT_ID_NOT_APPLICABLE"), Value::Null] {
            let by_administrator = edited(name, |event| event["callerContext"]["clientId"] = client);
            assert!(has_code(&refusing, &by_administrator).await, "{name}");
        }
        assert!(has_code(&harbour(), &sample(name)).await, "{name}: allowed unless it is set");
    }
    for name in ["sign-up", "resend-code", "forgot-password", "admin-create-user"] {
        assert!(has_code(&refusing, &sample(&format!("custom-message/{name}"))).await, "{name}");
    }
    assert!(cognito_core::testing::is_documented(CHANGE_ELSEWHERE));
}

/// The members that are not the team's, of what its function said.
fn overruled_of(event: &str, theirs: serde_json::Value) -> Vec<String> {
    let event = Event::parse(event).unwrap();
    let ours = json!({ "emailSubject": "s", "emailMessage": "m", "smsMessage": null });
    let map = |value: serde_json::Value| value.as_object().unwrap().clone();
    let answers = Answers { ours: map(ours.clone()), theirs: map(theirs) };
    let overruled = overruled(&event, &answers);
    for (member, value) in &overruled {
        assert_eq!(value, &ours[member]);
    }
    overruled.keys().cloned().collect()
}

#[test]
fn a_text_of_the_teams_function_counts_if_cognito_can_send_it() {
    let code = |kind: &str| sample(&format!("custom-message/{kind}"));
    let long = "x".repeat(20_001);
    let none: [&str; 0] = [];
    for (theirs, ours) in [
        (
            json!({ "emailSubject": "Welcome", "emailMessage": "Your code is {####}", "smsMessage": "{####} is it" }),
            &none[..],
        ),
        (json!({ "emailSubject": "Only another subject" }), &[]),
        (json!({ "emailMessage": "no code" }), &["emailMessage"]),
        (json!({ "emailSubject": "Welcome", "emailMessage": "no code" }), &["emailMessage", "emailSubject"]),
        (json!({ "emailSubject": "x".repeat(141), "emailMessage": "{####} is it" }), &["emailSubject"]),
        (json!({ "emailMessage": format!("{{####}}{long}") }), &["emailMessage"]),
        (json!({ "smsMessage": format!("{{####}} {}", "x".repeat(140)) }), &["smsMessage"]),
        (json!({ "smsMessage": "no code" }), &["smsMessage"]),
        (json!({ "emailMessage": { "html": "{####}" }, "smsMessage": 7 }), &["emailMessage", "smsMessage"]),
        // A character that stands for the code in our own templates is none.
        (json!({ "emailMessage": "Your code is \u{e000}" }), &["emailMessage"]),
    ] {
        assert_eq!(overruled_of(&code("sign-up"), theirs.clone()), ours, "{theirs}");
    }
}

#[test]
fn a_link_of_cognito_may_stand_for_the_code_and_an_invitation_needs_the_user_name() {
    let with_link =
        edited("custom-message/sign-up", |event| event["request"]["linkParameter"] = json!("{##Click Here##}"));
    assert!(overruled_of(&with_link, json!({ "emailMessage": "Press {##here, please##}" })).is_empty());
    let invitation = sample("custom-message/admin-create-user");
    assert_eq!(overruled_of(&invitation, json!({ "emailMessage": "Your password is {####}" })), ["emailMessage"]);
    assert!(overruled_of(&invitation, json!({ "emailMessage": "{username}, your password is {####}" })).is_empty());
}

async fn response_of(triggers: &Overridden<CustomMessage>, event: String) -> Value {
    answer_to(triggers, &event).await.unwrap()["response"].take()
}

#[tokio::test]
async fn a_link_names_an_app_client_of_the_settings_and_nothing_that_a_caller_writes() {
    let overrides = json!([
        { "client_id": "shop", "settings": { "PAGES_RETURN_URL": "https://shop.example.com/" } },
        { "client_id": "news", "settings": { "APP_NAME": "News", "PAGES_RETURN_URL": " " } },
    ])
    .to_string();
    let lookup = lookup([("APP_URL", "https://app.example.com"), (OVERRIDES, overrides.as_str())]);
    let triggers = Overridden::build(&lookup, |lookup| Settings::from_lookup(lookup).map(CustomMessage::new)).unwrap();
    // A code for a sign-in has no link but the one to a new password.
    for name in ["sign-up", "resend-code", "forgot-password", "verify-user-attribute", "authentication"] {
        for (client, metadata, named) in [
            ("shop", Value::Null, Some("shop")),
            ("news", Value::Null, None),
            ("another", Value::Null, None),
            // The pages have an app client of their own, and say which one people came with.
            ("another", json!({ "return_client": "shop" }), Some("shop")),
            // Anybody can write anything there.
            ("another", json!({ "return_client": "https://evil.example" }), None),
            ("another", json!({ "return_client": "call_0019005550199" }), None),
            ("another", json!({ "return_client": "news" }), None),
            ("shop", json!({ "return_client": "call_0019005550199" }), Some("shop")),
        ] {
            let event = edited(&format!("custom-message/{name}"), |event| {
                event["callerContext"]["clientId"] = json!(client);
                event["request"]["clientMetadata"] = metadata;
            });
            let response = response_of(&triggers, event).await;
            let mail = response["emailMessage"].as_str().unwrap();
            let links =
                mail.split("href=\"https://app.example.com/").skip(1).map(|link| link.split('"').next().unwrap());
            let links: Vec<_> = links.collect();
            assert!(!links.is_empty(), "{name}");
            for link in links {
                let client = link.split_once("&amp;client=").map(|(_, client)| client);
                assert_eq!(client, named, "{name}: {link}");
            }
        }
    }
}

/// Two products over one pool: each app client's people get its own name and templates.
#[tokio::test]
async fn messages_depend_on_the_app_client_and_templates_can_see_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("en")).unwrap();
    std::fs::write(folder.path().join("en/sign-up.subject.txt"), "{{ app }} for {{ client_id }}").unwrap();
    let overrides = json!([
        { "client_id": "shop", "settings": { "APP_NAME": "Shop" } },
        { "client_id": ["news", "news-phone"], "settings": { "APP_NAME": "News", "TEMPLATE_DIR": folder.path() } },
    ])
    .to_string();
    let lookup = lookup([("APP_NAME", "Harbour"), (OVERRIDES, overrides.as_str())]);
    let triggers = Overridden::build(&lookup, |lookup| Settings::from_lookup(lookup).map(CustomMessage::new)).unwrap();
    let subject = async |client: &str| {
        let event = edited("custom-message/sign-up", |event| event["callerContext"]["clientId"] = json!(client));
        response_of(&triggers, event).await["emailSubject"].as_str().unwrap().to_owned()
    };
    assert!(subject("shop").await.contains("Shop"));
    assert_eq!(subject("news-phone").await, "News for news-phone");
    assert!(subject("another").await.contains("Harbour"));
}
