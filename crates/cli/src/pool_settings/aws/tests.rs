use super::*;
use crate::cloud::Cloud;
use serde_json::json;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn a_setting_that_the_sdk_does_not_know_is_read_all_the_same() {
    let answer = json!({ "UserPool": { "Id": "p", "Tomorrow": { "Setting": [1] } } });
    let cloud = Cloud::answering(move |_| (200, answer.to_string()));
    let described = describe(&cloud, "p").await.unwrap();
    assert_eq!(described.0["Tomorrow"], json!({ "Setting": [1] }));
}

#[tokio::test]
async fn an_update_is_sent_as_it_is_with_members_that_the_sdk_does_not_know() {
    let sent = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&sent);
    let cloud = Cloud::answering(move |request| {
        let length = request.headers().get("content-length").map(|value| value.to_str().unwrap().to_owned());
        *kept.lock().unwrap() =
            Some((serde_json::from_slice::<Value>(request.body().bytes().unwrap()).unwrap(), length));
        (200, "{}".to_owned())
    });
    let input = json!({ "UserPoolId": "p", "Policies": { "Tomorrow": true }, "PoolName": "n" });
    update(&cloud, &input).await.unwrap();
    let (body, length) = sent.lock().unwrap().take().unwrap();
    assert_eq!(body, input);
    assert_eq!(length, Some(input.to_string().len().to_string()));
}

#[tokio::test]
async fn a_concurrent_change_is_told_from_other_refusals() {
    for (code, concurrent) in [("ConcurrentModificationException", true), ("InvalidParameterException", false)] {
        let refusal = json!({ "__type": code, "message": "no" }).to_string();
        let cloud = Cloud::answering(move |_| (400, refusal.clone()));
        let error = update(&cloud, &json!({ "UserPoolId": "p" })).await.unwrap_err();
        assert_eq!(matches!(error, NotUpdated::Concurrent(_)), concurrent, "{code}");
        assert!(!matches!(error, NotUpdated::Unknown(_)), "{code}");
    }
}
