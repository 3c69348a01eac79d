//! What holds for the real binary of every function.

use end_to_end::{function, pool};
use local_cloud::event;
use local_cloud::function::TRIGGERS;
use local_cloud::user_pool::Kind;
use serde_json::Value;

async fn start_failure(name: &str, settings: &[(&str, &str)]) -> String {
    function(name, settings).await.map(drop).unwrap_err().to_string()
}

#[tokio::test]
async fn a_wrong_value_stops_the_start_and_names_variable_value_and_what_is_allowed() {
    for name in ["inbound-federation", "pre-sign-up", "post-confirmation", "post-authentication"] {
        let failure = start_failure(name, &[("PROVIDERS", "Google:sometimes")]).await;
        for part in ["ended before it asked for an event", "PROVIDERS", "Google:sometimes", "always, claim, never"] {
            assert!(failure.contains(part), "{name} does not say {part}:\n{failure}");
        }
    }
}

#[tokio::test]
async fn a_trigger_starts_with_no_settings_at_all() {
    for name in TRIGGERS {
        function(name, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn the_account_api_says_what_it_cannot_start_without() {
    let failure = start_failure("account-api", &[]).await;
    assert!(failure.contains("ended before it asked for an event") && failure.contains("USER_POOL_ID"), "{failure}");
}

#[tokio::test]
async fn neither_tokens_nor_people_reach_the_log_of_inbound_federation() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let function = function("inbound-federation", &[("PROVIDERS", "Google:claim")]).await.unwrap();
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
