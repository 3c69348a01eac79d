//! The post-confirmation binary against a pool.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use end_to_end::{function, native, pool, sqs};
use local_cloud::event;
use local_cloud::runtime_api::Function;
use local_cloud::seed::GROUP;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";

async fn post_confirmation(group: &str) -> Function {
    function("post-confirmation", &[("PROVIDERS", "Google:claim"), ("DEFAULT_GROUP", group)]).await.unwrap()
}

/// The sample event, changed so that it is about the pool's own Ada.
async fn about_ada(pool: &UserPool, sample: &str) -> Value {
    event::about(event::load(sample, pool).unwrap(), &pool.only_profile_of(ADA).await.unwrap())
}

#[tokio::test]
async fn a_confirmed_registration_joins_the_default_group_however_often_it_is_told() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    native(&pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let function = post_confirmation(GROUP).await;
    for _ in 0..2 {
        let event = about_ada(&pool, "post-confirmation/sign-up").await;
        assert_eq!(function.invoke(&event).await.unwrap(), Ok(event));
    }
    assert_eq!(pool.only_profile_of(ADA).await.unwrap().groups, [GROUP]);
}

#[tokio::test]
async fn a_password_reset_touches_no_group() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    native(&pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let event = about_ada(&pool, "post-confirmation/forgot-password").await;
    assert_eq!(post_confirmation(GROUP).await.invoke(&event).await.unwrap(), Ok(event));
    assert!(pool.only_profile_of(ADA).await.unwrap().groups.is_empty());
}

#[tokio::test]
async fn a_group_that_is_not_there_is_logged_and_keeps_nobody_out() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    native(&pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let function = post_confirmation("NoSuchGroup").await;
    let event = about_ada(&pool, "post-confirmation/sign-up").await;
    assert_eq!(function.invoke(&event).await.unwrap(), Ok(event));
    assert!(function.log().contains("ResourceNotFoundException"), "{}", function.log());
}

#[tokio::test]
async fn a_membership_that_cognito_refuses_waits_in_the_queue_until_it_is_written() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let ada = native(&pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let queue = sqs(pool.endpoint(), "CreateQueue", &json!({ "QueueName": format!("retries-{}", ada.username) }))
        .await
        .unwrap();
    let url = queue["QueueUrl"].as_str().unwrap();
    let settings = [("DEFAULT_GROUP", "Late"), ("RETRY_QUEUE_URL", url)];
    let function = function("post-confirmation", &settings).await.unwrap();
    let event = about_ada(&pool, "post-confirmation/sign-up").await;
    assert_eq!(function.invoke(&event).await.unwrap(), Ok(event));
    assert!(function.log().contains("group_waits"), "{}", function.log());

    let kept = sqs(pool.endpoint(), "ReceiveMessage", &json!({ "QueueUrl": url, "WaitTimeSeconds": 1 })).await.unwrap();
    let body = kept["Messages"][0]["Body"].as_str().unwrap();
    // The message has these members, and more that the function does not need (developer guide, "Using Lambda with
    // Amazon SQS").
    let record = json!({ "messageId": "1", "body": body, "attributes": {}, "eventSource": "aws:sqs" });
    let delivery = json!({ "Records": [record] });
    // An error is what leaves it in the queue.
    assert!(function.invoke(&delivery).await.unwrap().is_err());
    pool.create_group("Late").await.unwrap();
    assert_eq!(function.invoke(&delivery).await.unwrap(), Ok(Value::Null));
    assert_eq!(pool.only_profile_of(ADA).await.unwrap().groups, ["Late"]);
}
