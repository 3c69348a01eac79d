//! The `email_verified` of the ID token, with and without the inbound federation trigger.
//!
//! `cargo xtask test -- -p end-to-end --test email_verified -- --nocapture` prints the table.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use end_to_end::{binary, cloud, function, pool};
use local_cloud::client_environment;
use local_cloud::deployment::deploy;
use local_cloud::event;
use local_cloud::hosted_login::sign_in;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::toolbox::Toolbox;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};

const PROVIDERS: &str = "Google:claim,Facebook:always,Okta:claim";

/// A person at a provider, and what the token must say at the first and the second sign-in.
struct Case {
    who: &'static str,
    provider: &'static str,
    claims: Value,
    without: [&'static str; 2],
    with: [&'static str; 2],
}

fn cases() -> [Case; 4] {
    let case = |who, provider, claims, without, with| Case { who, provider, claims, without, with };
    [
        // The first sign-in links her, so both tokens are of the account that was made for her.
        case("Google, verified", "Google", json!({ "email_verified": true }), ["true"; 2], ["true"; 2]),
        case("Google, not verified", "Google", json!({ "email_verified": false }), ["false"; 2], ["false"; 2]),
        // Without the trigger, the local cloud keeps the value that pre sign-up set for the new account. Cognito
        // overwrites it with its placeholder, false, if there is no claim.
        case("Facebook, which has no such claim", "Facebook", json!({}), ["true"; 2], ["true"; 2]),
        // The claim comes from an untrusted provider. Only the trigger keeps it out of the token.
        case(
            "an unlisted provider that says so",
            "Unlisted",
            json!({ "email_verified": true }),
            ["true"; 2],
            ["false"; 2],
        ),
    ]
}

async fn deployed(function: &str, settings: &[(&str, &str)]) -> Value {
    let name = format!("{function}-{}", uuid::Uuid::new_v4().simple());
    let own = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let all: Vec<_> = client_environment(&cloud().unwrap()).into_iter().chain(own).collect();
    json!(deploy(&cloud().unwrap(), &name, &binary(function).unwrap(), &all).await.unwrap())
}

/// The `email_verified` of the tokens of two sign-ins in a new pool.
async fn two_sign_ins(case: &Case, with_trigger: bool) -> [String; 2] {
    let pool: UserPool = pool(Kind::EmailAsUsername).await.unwrap();
    let provider = IdentityProvider::start(&Toolbox::local_cloud().await.unwrap(), None).await.unwrap();
    provider.register(&pool, case.provider).await.unwrap();
    let mut claims = case.claims.clone();
    claims["email"] = json!("ada@example.com");
    provider.knows("1234567890", &claims).await.unwrap();
    let mut triggers = vec![("PreSignUp", deployed("pre-sign-up", &[("PROVIDERS", PROVIDERS)]).await)];
    if with_trigger {
        let arn = deployed("inbound-federation", &[("PROVIDERS", PROVIDERS)]).await;
        triggers.push(("InboundFederation", json!({ "LambdaVersion": "V1_0", "LambdaArn": arn })));
    }
    pool.attach(&triggers).await.unwrap();
    let client = pool.create_client(&[case.provider]).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let token = sign_in(&pool, &client, case.provider, "1234567890").await.unwrap();
        seen.push(match &token["email_verified"] {
            Value::Null => "false".to_owned(),
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        });
    }
    seen.try_into().unwrap()
}

#[tokio::test]
async fn the_trigger_makes_the_token_tell_what_the_provider_proves() {
    println!("{:36} {:8} {:14} {:14}", "email_verified in the ID token", "trigger", "first sign-in", "second sign-in");
    for case in cases() {
        for (with_trigger, expected) in [(false, case.without), (true, case.with)] {
            let seen = two_sign_ins(&case, with_trigger).await;
            let trigger = if with_trigger { "with" } else { "without" };
            println!("{:36} {trigger:8} {:14} {:14}", case.who, seen[0], seen[1]);
            assert_eq!(seen, expected, "{} {trigger} the trigger", case.who);
        }
    }
}

/// Cognito changes the subject to lower case before pre sign-up sees it. The local cloud does not, so this test uses
/// the events that Cognito sends.
#[tokio::test]
async fn a_lower_cased_subject_is_linked_with_the_raw_one_and_refused_without() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let before = end_to_end::native(&pool, Kind::EmailAsUsername, "ada@example.com").await.unwrap();
    let settings = [("PROVIDERS", PROVIDERS), ("SUBJECT_ATTRIBUTE", "custom:idp_subject")];
    let function = function("pre-sign-up", &settings).await.unwrap();
    let lower_cased = event::load("pre-sign-up/oidc-lower-cased", &pool).unwrap();
    let refusal = function.invoke(&lower_cased).await.unwrap().unwrap_err();
    assert_eq!(refusal.error_type, "unreliable_subject");
    assert_eq!(pool.profiles().await.unwrap(), [before]);
    let with_raw_subject = event::load("pre-sign-up/oidc-raw-subject", &pool).unwrap();
    function.invoke(&with_raw_subject).await.unwrap().unwrap();
    let ada = pool.only_profile_of("ada@example.com").await.unwrap();
    assert!(ada.has_identity("Okta", "00uAbC1dEfGHIjKlM5d7"), "{ada:?}");
}
