//! Functions of a team, in Python and in Node, called by ours: attached by `attach --chain`, at work, and put back.

use std::time::{Duration, Instant};

use crate::deployed::{self, invoke, ours, settings_of, statements, url};
use end_to_end::{Cli, Ran, function, only_response_differs, pool};
use local_cloud::deployment::Language;
use local_cloud::event;
use local_cloud::hosted_login::sign_in;
use local_cloud::http::Http;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::seed::GROUP;
use local_cloud::toolbox::Toolbox;
use local_cloud::user_pool::{ApiError, Kind, UserPool};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Every function's option, its trigger, and a sample event.
const TRIGGERS: [(&str, &str, &str); 5] = [
    ("pre-sign-up", "PreSignUp", "pre-sign-up/native"),
    ("post-confirmation", "PostConfirmation", "post-confirmation/sign-up"),
    ("post-authentication", "PostAuthentication", "post-authentication/native"),
    ("inbound-federation", "InboundFederation", "inbound-federation/google"),
    ("custom-message", "CustomMessage", "custom-message/sign-up"),
];

/// The team's function for any trigger: it refuses one company, confirms registrations, writes mails, adds a claim, and
/// says in the answer what it saw.
const PYTHON: &str = r#"
def handler(event, context):
    source, response = event["triggerSource"], event["response"]
    if event["request"].get("userAttributes", {}).get("email", "").endswith("@rival.example"):
        raise Exception("Rivals may not register, sorry")
    if source == "PreSignUp_SignUp":
        response["autoConfirmUser"] = True
    if source.startswith("CustomMessage_"):
        response["emailSubject"] = "From the team"
        response["emailMessage"] = "The team's code: " + event["request"]["codeParameter"]
    if source.startswith("InboundFederation_"):
        response["userAttributesToMap"]["custom:team"] = "red"
        response["userAttributesToMap"]["email_verified"] = "true"
    response["seen"] = {"source": source, "by": event["request"].get("clientMetadata", None)}
    return event
"#;

const NODE: &str = r"
exports.handler = async (event) => {
  const { triggerSource: source, response } = event;
  if ((event.request.userAttributes?.email ?? '').endsWith('@rival.example')) {
    throw new Error('Rivals may not register, sorry');
  }
  if (source === 'PreSignUp_SignUp') response.autoConfirmUser = true;
  if (source.startsWith('CustomMessage_')) {
    response.emailSubject = 'From the team';
    response.emailMessage = `The team's code: ${event.request.codeParameter}`;
  }
  if (source.startsWith('InboundFederation_')) {
    response.userAttributesToMap['custom:team'] = 'red';
    response.userAttributesToMap.email_verified = 'true';
  }
  response.seen = { source, by: event.request.clientMetadata ?? null };
  return event;
};
";

const REFUSAL: &str = "Rivals may not register, sorry";

async fn script(language: Language, source: &str) -> String {
    let arn = deployed::script(language, source).await;
    // Its start is not what is tested.
    invoke(&arn, &event::sample("pre-sign-up/native").unwrap()).await;
    arn
}

/// Somebody who attaches our functions to a pool.
struct Operator {
    pool: UserPool,
    cli: Cli,
    _folder: TempDir,
}

impl Operator {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cli = Cli::new().unwrap().within(folder.path());
        Self { pool: pool(Kind::EmailAsUsername).await.unwrap(), cli, _folder: folder }
    }

    async fn run(&self, command: &str, arguments: &[&str]) -> Ran {
        let fixed = [command, "--user-pool-id", self.pool.id(), "--output", "json", "--yes"];
        self.cli.run(&[&fixed, arguments].concat()).await.unwrap()
    }

    async fn triggers(&self) -> Value {
        self.pool.admin("DescribeUserPool", json!({})).await.unwrap()["UserPool"]["LambdaConfig"].take()
    }
}

#[tokio::test]
async fn a_chain_is_attached_for_every_trigger_works_in_both_languages_and_is_put_back() {
    for language in [Language::Python, Language::Node] {
        let source = if language == Language::Python { PYTHON } else { NODE };
        let operator = Operator::begin().await;
        let theirs = script(language, source).await;
        let value = |trigger: &str| match trigger {
            "InboundFederation" => json!({ "LambdaArn": theirs, "LambdaVersion": "V1_0" }),
            _ => json!(theirs),
        };
        let taken: Vec<_> = TRIGGERS.iter().map(|(_, trigger, _)| (*trigger, value(trigger))).collect();
        operator.pool.attach(&taken).await.unwrap();
        let before = operator.triggers().await;
        for (name, trigger, sample) in TRIGGERS {
            let own = ours(name, &[("PROVIDERS", "Google:never"), ("APP_NAME", "Ours")]).await;
            let former = settings_of(&own).await;
            let option = format!("--{name}");
            operator.run("attach", &[&option, &own]).await.says(3, "--chain");

            let pool = ["attach", "--user-pool-id", operator.pool.id(), "--output", "json"];
            let dry = [&pool[..], &[&option, &own, "--chain", "--dry-run"]].concat();
            operator.cli.run(&dry).await.unwrap().says(0, "NEXT_FUNCTION is not set, and will be");
            assert_eq!((settings_of(&own).await, operator.triggers().await), (former.clone(), before.clone()));

            let ran = operator.run("attach", &[&option, &own, "--chain", "--test"]).await.ends(0);
            assert_eq!(ran.json().unwrap()["changes"][0]["next_function"], json!(theirs));
            assert_eq!(settings_of(&own).await["NEXT_FUNCTION"], json!(theirs));
            assert_eq!((statements(&own).await.len(), statements(&theirs).await.len()), (1, 1));

            let event = event::load(sample, &operator.pool).unwrap();
            let answer = invoke(&own, &event).await;
            assert!(only_response_differs(&event, &answer), "{name}: {answer}");
            let response = &answer["response"];
            assert_eq!(response["seen"]["source"], event["triggerSource"], "{name}: {answer}");
            match name {
                "pre-sign-up" => assert_eq!(response["autoConfirmUser"], json!(true)),
                "custom-message" => {
                    assert_eq!(response["emailMessage"], json!("The team's code: {####}"));
                    // It wrote no text message, so ours is sent.
                    assert!(response["smsMessage"].as_str().unwrap().contains("{####}"));
                }
                "inbound-federation" => {
                    let claims = &response["userAttributesToMap"];
                    assert_eq!(claims["custom:team"], json!("red"));
                    // The provider proves nothing here, and nobody else may say that it does.
                    assert!(claims.get("email_verified").is_none() && claims.get("email").is_none(), "{claims}");
                }
                _ => {}
            }

            operator.run("detach", &[&option]).await.ends(0);
            assert_eq!(operator.triggers().await[trigger], before[trigger]);
            assert_eq!(settings_of(&own).await, former);
            assert_eq!((statements(&own).await.len(), statements(&theirs).await.len()), (0, 0));
        }
        assert_eq!(operator.triggers().await, before);
    }
}

/// Where failures are passed over, the answer to an event does not show that the team's function gave none.
#[tokio::test]
async fn a_chain_to_a_function_that_gives_no_answer_is_found_when_it_is_tried() {
    let operator = Operator::begin().await;
    let mute = script(Language::Python, "def handler(event, context):\n    pass").await;
    operator.pool.attach(&[("CustomMessage", json!(mute))]).await.unwrap();
    let own = ours("custom-message", &[("APP_NAME", "Ours")]).await;
    operator.run("attach", &["--custom-message", &own, "--chain", "--test"]).await.says(3, "next_function_failed");
    assert_eq!(operator.triggers().await["CustomMessage"], json!(mute));
    // Without the test it is attached, and found when it is tried later.
    operator.run("attach", &["--custom-message", &own, "--chain"]).await.ends(0);
    operator.run("attach", &["--custom-message", &own, "--chain", "--test"]).await.says(3, "next_function_failed");
}

/// A pool with a provider, in which ours calls the team's function.
struct Scene {
    pool: UserPool,
    client: String,
    function: String,
    google: IdentityProvider,
}

/// The provider's subject of a person. Without letters, because the pool ignores case.
fn subject(email: &str) -> String {
    email.bytes().map(|byte| byte.to_string()).collect::<String>().chars().take(20).collect()
}

impl Scene {
    async fn begin(language: Language, source: &str, order: &str) -> Self {
        let pool = pool(Kind::EmailAsUsername).await.unwrap();
        let google = IdentityProvider::start(&Toolbox::local_cloud().await.unwrap(), None).await.unwrap();
        google.register(&pool, "Google").await.unwrap();
        let theirs = script(language, source).await;
        let settings = [
            ("PROVIDERS", "Google:claim"),
            ("DEFAULT_GROUP", GROUP),
            ("NEXT_FUNCTION", theirs.as_str()),
            ("NEXT_FUNCTION_ORDER", order),
        ];
        let function = ours("pre-sign-up", &settings).await;
        pool.attach(&[("PreSignUp", json!(function))]).await.unwrap();
        let client = pool.create_client(&["Google"]).await.unwrap();
        Self { pool, client, function, google }
    }

    async fn comes_from_google(&self, email: &str) -> Result<Value, String> {
        self.google.knows(&subject(email), &json!({ "email": email, "email_verified": true })).await.unwrap();
        let session = sign_in(&self.pool, &self.client, "Google", &subject(email)).await;
        session.map_err(|error| error.downcast_ref::<ApiError>().unwrap().message.clone())
    }

    /// Registers with a password. The local cloud answers nothing else while it waits for pre sign-up there, so the
    /// function gets the event that Cognito would send.
    async fn registers(&self, email: &str) -> Result<Value, String> {
        let mut event = event::load("pre-sign-up/native", &self.pool).unwrap();
        event["request"]["userAttributes"]["email"] = json!(email);
        let mut answer = invoke(&self.function, &event).await;
        match answer["errorMessage"].as_str() {
            Some(words) => Err(words.to_owned()),
            None => Ok(answer["response"]["autoConfirmUser"].take()),
        }
    }
}

#[tokio::test]
async fn people_are_confirmed_or_refused_by_the_teams_function_and_linked_by_ours_in_both_orders() {
    for (language, source, order) in
        [(Language::Python, PYTHON, "before"), (Language::Node, NODE, "before"), (Language::Node, NODE, "after")]
    {
        let pool = Scene::begin(language, source, order).await;
        assert_eq!(pool.registers("grace@example.com").await.unwrap(), json!(true), "{order}");
        let refused = pool.registers("eve@rival.example").await.unwrap_err();
        assert_eq!(refused, REFUSAL);

        let token = pool.comes_from_google("ada@example.com").await.unwrap();
        let ada = pool.pool.only_profile_of("ada@example.com").await.unwrap();
        assert_eq!(
            (token["sub"].as_str().unwrap(), ada.groups.as_slice()),
            (ada.attribute("sub"), &[GROUP.to_owned()][..])
        );
        assert!(ada.is_native() && ada.has_identity("Google", &subject("ada@example.com")), "{ada:?}");

        let refused = pool.comes_from_google("mallory@rival.example").await.unwrap_err();
        assert!(refused.contains(REFUSAL), "{refused}");
        let made = pool.pool.only_profile_of("mallory@rival.example").await;
        // Ours has worked by then: the account is whole, and the next sign-in reaches it. So `before` is the default.
        assert_eq!(made.is_ok(), order == "after", "{order}: {made:?}");
        if let Ok(made) = made {
            assert!(
                made.has_identity("Google", &subject("mallory@rival.example")) && made.groups == [GROUP],
                "{made:?}"
            );
            let token = pool.comes_from_google("mallory@rival.example").await.unwrap();
            assert_eq!(token["sub"], made.attribute("sub"));
            assert_eq!(pool.pool.profiles().await.unwrap().len(), 2);
        }
    }
}

/// Nothing is linked twice or lost because the team's function failed after ours had worked.
#[tokio::test]
async fn a_repeated_sign_in_converges_where_the_teams_function_failed_after_ours() {
    let once = r#"
import os, pathlib
def handler(event, context):
    mark = pathlib.Path(os.environ.get("TMPDIR", "/tmp"), event["userPoolId"] + ".mark")
    if event["triggerSource"] == "PreSignUp_ExternalProvider" and not mark.exists():
        mark.touch()
        return "not an event"
    return event
"#;
    let pool = Scene::begin(Language::Python, once, "after").await;
    let refused = pool.comes_from_google("ada@example.com").await.unwrap_err();
    assert!(refused.contains("not possible at the moment"), "{refused}");
    let made = pool.pool.only_profile_of("ada@example.com").await.unwrap();
    let token = pool.comes_from_google("ada@example.com").await.unwrap();
    assert_eq!(token["sub"], made.attribute("sub"));
    let after = pool.pool.only_profile_of("ada@example.com").await.unwrap();
    assert_eq!((after.identities, after.groups, after.status), (made.identities, made.groups, made.status));
    assert_eq!(pool.pool.profiles().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_function_that_gives_no_answer_refuses_or_is_passed_over_and_each_says_why_in_the_log() {
    let event = event::sample("custom-message/sign-up").unwrap();
    for (source, why) in [
        ("def handler(event, context):\n    pass", "did not return an event"),
        ("def handler(event, context):\n    return '<html></html>'", "did not return an event"),
        ("def handler(event, context):\n    return {'statusCode': 200}", "triggerSource is not what it got"),
        ("def handler(event, context):\n    event['userPoolId'] = 'other'\n    return event", "userPoolId is not"),
        ("def handler(event, context):\n    event['userName'] = 'other'\n    return event", "userName is not"),
        (
            "def handler(event, context):\n    event['request']['codeParameter'] = '7'\n    return event",
            "request is not",
        ),
        (
            "def handler(event, context):\n    event['response'] = 'x' * 6000000\n    return event",
            "more than 1048576 bytes",
        ),
        ("def handler(event, context):\n    import time\n    time.sleep(8)", "did not answer within"),
    ] {
        let theirs = deployed::script(Language::Python, source).await;
        let next = ("NEXT_FUNCTION", theirs.as_str());
        let passing = function("custom-message", &[next]).await.unwrap();
        let start = Instant::now();
        let answer = passing.invoke(&event).await.unwrap().unwrap();
        assert!(answer["response"]["emailMessage"].as_str().unwrap().contains("{####}"), "{source}");
        assert!(start.elapsed() < Duration::from_secs(5), "{source}");
        assert!(passing.log().contains(why) && passing.log().contains("next_function_failed"), "{}", passing.log());
        let refusing = function("custom-message", &[next, ("NEXT_FUNCTION_FAILURE", "refuse")]).await.unwrap();
        let error = refusing.invoke(&event).await.unwrap().unwrap_err();
        assert_eq!(error.error_type, "next_function_failed", "{source}");
    }
    let deleted = function("pre-sign-up", &[("NEXT_FUNCTION", "deleted")]).await.unwrap();
    let error = deleted.invoke(&event::sample("pre-sign-up/native").unwrap()).await.unwrap().unwrap_err();
    assert_eq!(error.error_type, "next_function_failed");
    assert!(deleted.log().contains("404 ResourceNotFoundException"), "{}", deleted.log());
}

#[tokio::test]
async fn a_wrong_name_and_the_function_itself_stop_the_start() {
    for (name, ..) in TRIGGERS {
        // The runtime of the tests gives every function its crate's name.
        for value in ["arn:aws:s3:::bucket", name] {
            let why = function(name, &[("NEXT_FUNCTION", value)]).await.map(drop).unwrap_err().to_string();
            assert!(why.contains("NEXT_FUNCTION") && why.contains(value), "{name}: {why}");
        }
    }
}

#[tokio::test]
async fn doctor_finds_what_is_wrong_with_a_chain() {
    let operator = Operator::begin().await;
    let theirs = script(Language::Python, PYTHON).await;
    operator.pool.attach(&[("PreSignUp", json!(theirs))]).await.unwrap();
    let own = ours("pre-sign-up", &[]).await;
    operator.run("attach", &["--pre-sign-up", &own, "--chain"]).await.ends(0);
    let diagnose = async || {
        let arguments = ["doctor", "--user-pool-id", operator.pool.id(), "--output", "json"];
        operator.cli.run(&arguments).await.unwrap().stdout
    };
    let found = diagnose().await;
    // The function's own time limit is 30 seconds here.
    assert!(found.contains("next_function_slow") && !found.contains("next_function_gone"), "{found}");
    let delete = url(&theirs, "");
    Http::default().send_json("DELETE", delete.trim_end_matches('/'), &json!({})).await.unwrap();
    let found = diagnose().await;
    assert!(found.contains("next_function_gone"), "{found}");
}

/// Printed and not asserted: it says how busy this machine is, too.
#[tokio::test]
async fn the_time_that_a_chain_adds() {
    let theirs = script(Language::Node, NODE).await;
    let alone = ours("post-authentication", &[]).await;
    let chained = ours("post-authentication", &[("NEXT_FUNCTION", &theirs)]).await;
    let event = event::sample("post-authentication/native").unwrap();
    let mut medians = Vec::new();
    for function in [&theirs, &alone, &chained] {
        invoke(function, &event).await;
        let mut times = Vec::new();
        for _ in 0..20 {
            let start = Instant::now();
            let answer = invoke(function, &event).await;
            times.push(start.elapsed());
            assert_eq!(answer["userName"], event["userName"], "{answer}");
        }
        times.sort_unstable();
        medians.push(times[times.len() / 2]);
    }
    let [direct, ours, both] = medians[..] else { unreachable!() };
    println!("median of 20: the team's function {direct:?}, ours {ours:?}, ours calling the team's {both:?}");
}
