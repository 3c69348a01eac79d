//! The custom-message binary on the Lambda runtime API. It never calls Cognito.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use end_to_end::{function, only_response_differs, pool};
use local_cloud::event;
use local_cloud::user_pool::Kind;
use serde_json::Value;

async fn answer(sample: &str) -> Value {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let settings = [("APP_NAME", "Example"), ("APP_URL", "https://app.example.com")];
    let function = function("custom-message", &settings).await.unwrap();
    let event = event::load(sample, &pool).unwrap();
    let answer = function.invoke(&event).await.unwrap().unwrap();
    assert!(only_response_differs(&event, &answer), "{answer}");
    answer
}

#[tokio::test]
async fn every_message_holds_the_placeholders_that_cognito_fills_in() {
    for sample in ["sign-up", "resend-code", "forgot-password", "update-user-attribute", "authentication"] {
        let answer = answer(&format!("custom-message/{sample}")).await;
        let mail = answer["response"]["emailMessage"].as_str().unwrap();
        assert!(mail.contains("{####}"), "{sample}: {mail}");
        assert!(!answer["response"]["emailSubject"].as_str().unwrap().is_empty(), "{sample}");
    }
    let invitation = answer("custom-message/admin-create-user").await;
    let mail = invitation["response"]["emailMessage"].as_str().unwrap();
    assert!(mail.contains("{####}") && mail.contains("{username}"), "{mail}");
}
