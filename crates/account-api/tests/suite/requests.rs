//! Requests that are not what the API describes.

use crate::house::{House, access_token, event};
use cognito_core::user_pool::memory::native;
use serde_json::json;

const ADA: &str = "ada@example.com";

#[tokio::test(start_paused = true)]
async fn what_is_no_request_is_refused_without_an_echo() {
    let house = House::new([native(ADA)]);
    let claims = access_token(ADA);
    let send = async |body: Option<&str>, media_type: &str| {
        house.send(&event(Some(&claims), "POST", "/email-change", body, media_type)).await.unwrap()
    };
    for body in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"new_email": 1}"#,
        r#"{"new_email": "a@example.com", "secret-member": 1}"#,
        r#"{"new_email": "a@example.com"} trailing"#,
    ] {
        let answer = send(Some(body), "application/json").await;
        answer.is_refused(400, "invalid-request");
        assert!(!answer.body.to_string().contains("secret-member"));
    }
    send(None, "application/json").await.is_refused(400, "invalid-request");
    send(Some("new_email=a"), "application/x-www-form-urlencoded").await.is_refused(415, "unsupported-media-type");
    let large = json!({ "new_email": "a".repeat(40_000) }).to_string();
    send(Some(&large), "application/json").await.is_refused(413, "body-too-large");
}

#[tokio::test(start_paused = true)]
async fn unknown_paths_and_methods_are_problems_too() {
    let house = House::new([]);
    for path in ["/", "/email-changes", "/email-change/", "/.env", "//"] {
        house.as_nobody("GET", path, None).await.is_refused(404, "not-found");
    }
    house.as_nobody("PUT", "/email-change", None).await.is_refused(405, "method-not-allowed");
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_kept_on_the_way() {
    let house = House::new([native(ADA)]);
    let body = || Some(json!({ "new_email": "new@example.com" }));
    for answer in [
        house.as_owner(ADA, "POST", "/email-change", body()).await,
        house.as_nobody("POST", "/email-change", body()).await,
        house.as_nobody("GET", "/nothing", None).await,
    ] {
        assert_eq!(answer.headers["cache-control"], "no-store", "{answer:?}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_neighbour_is_told_as_such_and_nothing_of_it_gets_out() {
    let house = House::with(
        cognito_core::user_pool::memory::PoolKind::EmailUserNames,
        [native(ADA)],
        &[],
        crate::house::Trap::Fail,
    );
    house.fuse.after(0);
    let answer = house.as_owner(ADA, "GET", "/email-change", None).await;
    answer.is_refused(503, "try-again");
    assert!(answer.retry_after().is_some());
    assert!(!answer.body.to_string().contains("InternalServerError"));
}
