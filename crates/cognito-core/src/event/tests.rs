use super::*;
use crate::testing::{events_dir, sample};
use aws_lambda_events::event::cognito as official;
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;

fn parse(json: &str) -> Event {
    Event::parse(json).expect("an event")
}

/// The account API is no trigger: its sample is a request.
fn is_trigger(folder: &Path) -> bool {
    folder.is_dir() && !folder.ends_with("account-api")
}

/// The samples of every trigger.
fn samples() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(events_dir()).unwrap().map(|entry| entry.unwrap().path()).filter(|p| is_trigger(p))
    {
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            found.push((file.display().to_string(), std::fs::read_to_string(&file).unwrap()));
        }
    }
    assert!(found.len() > 40, "{} samples", found.len());
    found
}

#[test]
fn every_sample_comes_back_letter_for_letter() {
    for (name, text) in samples() {
        let event = parse(&text);
        assert_ne!(event.source(), TriggerSource::Unknown, "{name}");
        assert!(event.has_supported_version(), "{name}");
        let answer = event.into_answer().unwrap();
        let compact = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(compact(answer.get()), compact(&text), "{name}");
    }
}

/// The official types cannot read everything Cognito sends. Where one reads the event, it must
/// read the answer too, and find the same.
#[test]
fn what_the_official_types_accept_they_accept_back() {
    fn agrees<T: serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
        name: &str,
        before: &str,
        after: &str,
    ) -> bool {
        let Ok(official) = serde_json::from_str::<T>(before) else { return false };
        assert_eq!(serde_json::from_str::<T>(after).unwrap(), official, "{name}");
        true
    }
    let mut accepted = 0;
    for (name, text) in samples() {
        let answer = parse(&text).into_answer().unwrap();
        let agrees = match parse(&text).source().as_str().split('_').next().unwrap() {
            "PreSignUp" => agrees::<official::CognitoEventUserPoolsPreSignup>(&name, &text, answer.get()),
            "PostConfirmation" => agrees::<official::CognitoEventUserPoolsPostConfirmation>(&name, &text, answer.get()),
            "PostAuthentication" => {
                agrees::<official::CognitoEventUserPoolsPostAuthentication>(&name, &text, answer.get())
            }
            "CustomMessage" => agrees::<official::CognitoEventUserPoolsCustomMessage>(&name, &text, answer.get()),
            _ => false,
        };
        accepted += usize::from(agrees);
    }
    assert!(accepted >= 33, "only {accepted} samples were compared");
}

#[test]
fn a_changed_response_leaves_everything_else_letter_for_letter() {
    let text = r#"{"version":"1", "triggerSource":"PreSignUp_SignUp","userPoolId":"p","big":123456789012345678901234567890.5e300,
        "request":{"userAttributes":{"a":null}, "new":[ 1.0,2]},"response":{"autoConfirmUser":false,"later":{"x":1}},"z":null}"#;
    let mut event = parse(text);
    event.respond("autoConfirmUser", true);
    let answer = event.into_answer().unwrap();
    assert_eq!(
        answer.get(),
        r#"{"version":"1","triggerSource":"PreSignUp_SignUp","userPoolId":"p","big":123456789012345678901234567890.5e300,"request":{"userAttributes":{"a":null}, "new":[ 1.0,2]},"response":{"autoConfirmUser":true,"later":{"x":1}},"z":null}"#
    );
}

#[test]
fn a_response_that_is_null_or_absent_is_made_when_needed_only() {
    for (response, after) in [(r#","response":null"#, r#","response":null"#), ("", "")] {
        let text = |response: &str| {
            format!(r#"{{"triggerSource":"PreSignUp_SignUp","userPoolId":"p","request":{{}}{response}}}"#)
        };
        assert_eq!(parse(&text(response)).into_answer().unwrap().get(), text(after));
        let mut event = parse(&text(response));
        event.respond("autoConfirmUser", true);
        assert_eq!(event.into_answer().unwrap().get(), text(r#","response":{"autoConfirmUser":true}"#));
    }
}

#[test]
fn what_is_not_a_cognito_event_is_refused_by_what_is_missing() {
    for (text, why) in [
        ("[]", "a Cognito event is a JSON object whose members appear once"),
        ("\"x\"", "a Cognito event is a JSON object whose members appear once"),
        (r#"{"userPoolId":"p","request":{}}"#, "a Cognito event has a member `triggerSource` that is a string"),
        (
            r#"{"triggerSource":7,"userPoolId":"p","request":{}}"#,
            "a Cognito event has a member `triggerSource` that is a string",
        ),
        (r#"{"triggerSource":"x","request":{}}"#, "a Cognito event has a member `userPoolId` that is a string"),
        (
            r#"{"triggerSource":"x","userPoolId":"p","request":[]}"#,
            "a Cognito event has a member `request` that is an object",
        ),
        (
            r#"{"triggerSource":"x","userPoolId":"p","request":{},"response":[]}"#,
            "a Cognito event has a member `response` that is an object or null",
        ),
        (
            r#"{"triggerSource":"x","userPoolId":"p","userPoolId":"q","request":{}}"#,
            "a Cognito event is a JSON object whose members appear once",
        ),
    ] {
        assert_eq!(Event::parse(text).unwrap_err().to_string(), why, "{text}");
    }
}

#[test]
fn half_a_surrogate_pair_is_read_as_no_character_and_given_back_letter_for_letter() {
    let text = r#"{"triggerSource":"PostConfirmation_ConfirmSignUp","userPoolId":"p","userName":"a\ud800","request":{"userAttributes":{"name":"\udc00Ada \ud83d\ude00"}},"response":{"later":"\ud800"}}"#;
    let mut event = parse(text);
    assert_eq!(event.user_name(), Some("a\u{fffd}"));
    assert_eq!(event.user_attributes().text("name"), Some("\u{fffd}Ada \u{1f600}"));
    event.respond("autoConfirmUser", true);
    let expected = text.replace(r#""later":"\ud800""#, r#""later":"\ud800","autoConfirmUser":true"#);
    assert_eq!(event.into_answer().unwrap().get(), expected);
}

#[test]
fn absent_and_null_members_read_as_nothing() {
    let event = parse(
        r#"{"triggerSource":"PostAuthentication_Authentication","userPoolId":"p","callerContext":{"clientId":null},
            "request":{"clientMetadata":null,"validationData":null,"userAttributes":{"email":"","email_verified":true}}}"#,
    );
    assert!(event.user_name().is_none());
    assert!(event.request("newDeviceUsed").is_none() && event.request("validationData").is_none());
    assert!(event.client_metadata().iter().next().is_none());
    assert!(event.user_attributes().text("email").is_none());
    assert!(event.user_attributes().flag("email_verified"));
    assert!(!event.has_supported_version());
}

#[test]
fn the_version_may_be_a_number_as_in_some_samples_of_aws() {
    let with = |version: &str| {
        parse(&format!(r#"{{"version":{version},"triggerSource":"x","userPoolId":"p","request":{{}}}}"#))
            .has_supported_version()
    };
    assert!(with("1") && with("\"1\""));
    assert!(!with("2") && !with("\"3\"") && !with("null") && !with("[1]"));
}

#[test]
fn an_event_does_not_show_itself() {
    assert!(!format!("{:?}", parse(&sample("pre-sign-up/google"))).contains("ada"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[a-zA-Z:_]{0,12}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_else_is_in_an_event_survives(extra in any_json(), request in any_json(), more in any_json()) {
        let event = json!({
            "triggerSource": "PreSignUp_SignUp", "userPoolId": "p", "future": extra,
            "request": {"userAttributes": request}, "response": {"future": more},
        });
        let mut parsed = parse(&event.to_string());
        parsed.respond("autoConfirmUser", true);
        let answer: Value = serde_json::from_str(parsed.into_answer().unwrap().get()).unwrap();
        let mut expected: Value = serde_json::from_str(&event.to_string()).unwrap();
        expected["response"]["autoConfirmUser"] = json!(true);
        prop_assert_eq!(answer, expected);
    }

    #[test]
    fn no_text_makes_parsing_panic(text in "\\PC{0,80}", json in any_json()) {
        let _ = Event::parse(&text);
        let _ = Event::parse(&json.to_string());
    }
}
