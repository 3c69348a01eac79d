//! A wrong setting stops a function's start and says what is wrong.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use end_to_end::function;
use local_cloud::function::TRIGGERS;

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
