//! The inbound-federation binary on the Lambda runtime API. It never calls Cognito.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use end_to_end::{function, only_response_differs, pool};
use local_cloud::event;
use local_cloud::user_pool::Kind;
use serde_json::Value;

const PROVIDERS: (&str, &str) = ("PROVIDERS", "Google:claim,Facebook:always");

#[tokio::test]
async fn email_verified_is_what_the_provider_can_vouch_for() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let function = function("inbound-federation", &[PROVIDERS]).await.unwrap();
    for (sample, proven) in [
        ("google", true),
        ("google-unverified", false),
        ("google-other-subject", false),
        ("facebook", true),
        ("unlisted-oidc", false),
        ("saml-several-addresses", false),
    ] {
        let event = event::load(&format!("inbound-federation/{sample}"), &pool).unwrap();
        let answer: Value = function.invoke(&event).await.unwrap().unwrap();
        assert!(only_response_differs(&event, &answer), "{answer}");
        let map = &answer["response"]["userAttributesToMap"];
        assert_eq!(map.get("email_verified"), proven.then(|| Value::from("true")).as_ref(), "{sample}");
        assert_eq!(map.get("email").is_some(), proven, "{sample}");
    }
    assert!(pool.profiles().await.unwrap().is_empty());
}

#[tokio::test]
async fn neither_tokens_nor_people_reach_the_log() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let function = function("inbound-federation", &[PROVIDERS]).await.unwrap();
    let event = event::load("inbound-federation/google", &pool).unwrap();
    function.invoke(&event).await.unwrap().unwrap();
    let log = function.log();
    let tokens = ["access_token", "id_token"].map(|name| event["request"]["attributes"]["tokenResponse"][name].clone());
    for secret in
        tokens.iter().filter_map(Value::as_str).chain(["ada@example.com", "Lovelace", "123456789012345678901"])
    {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
