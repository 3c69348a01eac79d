use super::*;
use crate::account_event::What;
use crate::sdk::http::tests::server::once;
use crate::testing::lookup;
use std::net::TcpListener;

fn bus(url: &str) -> EventBridge {
    let lookup = lookup([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "very-secret-key"),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", url),
    ]);
    EventBridge::new("accounts".to_owned(), &Aws::from_lookup(&lookup).unwrap())
}

fn event() -> AccountEvent {
    AccountEvent::new("eu-central-1_A", "1-2", 1_700_000_000, What::Merged { old_sub: "3-4".into() })
}

/// What becomes of one event if the server answers this.
async fn answered(status: &str, body: &str) -> Result<(), NotTaken> {
    let (url, _request) = once(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    bus(&url).put(&[event()]).await
}

#[tokio::test]
async fn an_event_is_signed_and_sent_to_its_bus() {
    let body = r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#;
    let (url, request) = once(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    bus(&url).put(&[event()]).await.unwrap();
    let request = request.join().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    for part in ["x-amz-target: awsevents.putevents", "application/x-amz-json-1.1", "/eu-central-1/events/aws4_request"]
    {
        assert!(head.contains(part), "{part}: {head}");
    }
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let entry = &body["Entries"][0];
    assert_eq!(entry["EventBusName"], "accounts");
    assert_eq!(entry["Source"], "cognito-triggers");
    assert_eq!(entry["DetailType"], "account.merged");
    assert_eq!(entry["Time"], 1_700_000_000);
    let detail: AccountEvent = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail, event());
}

#[tokio::test]
async fn an_event_that_failed_alone_is_a_failure_although_the_call_succeeded() {
    let one = |code: &str| format!(r#"{{"FailedEntryCount":1,"Entries":[{{"ErrorCode":"{code}"}}]}}"#);
    let passing = answered("200 OK", &one("ThrottlingException")).await.unwrap_err();
    assert_eq!((passing.code.as_str(), passing.may_pass), ("ThrottlingException", true));
    let denied = answered("200 OK", &one("AccessDeniedException")).await.unwrap_err();
    assert_eq!((denied.code.as_str(), denied.may_pass), ("AccessDeniedException", false));
    assert!(answered("200 OK", r#"{"FailedEntryCount":1,"Entries":[]}"#).await.is_err());
    assert!(answered("200 OK", "<html>").await.unwrap_err().may_pass);
}

#[tokio::test]
async fn a_refusal_names_its_code_and_not_what_was_sent() {
    let body = r#"{"__type":"com.amazonaws.events#AccessDeniedException","message":"no bus for 1-2"}"#;
    let refused = answered("400 Bad Request", body).await.unwrap_err();
    assert_eq!(refused.to_string(), "PutEvents: status 400 AccessDeniedException");
    assert!(!refused.may_pass);
    assert!(answered("503 Service Unavailable", "").await.unwrap_err().may_pass);
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    assert!(bus(&format!("http://{closed}")).put(&[event()]).await.unwrap_err().may_pass);
}

#[tokio::test]
async fn a_bus_that_says_nothing_is_given_up_in_a_second() {
    // The system takes the connection, and nobody reads from it.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (bus, event) = (bus(&format!("http://{}", silent.local_addr().unwrap())), [event()]);
    let why = tokio::time::timeout(Duration::from_secs(2), bus.put(&event)).await.expect("within the limit");
    assert_eq!(why.unwrap_err(), NotTaken { code: "timed out".into(), may_pass: true });
}

#[tokio::test]
async fn more_than_ten_events_take_more_than_one_call() {
    let body = r#"{"FailedEntryCount":0,"Entries":[]}"#;
    let (url, request) = once(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let events = vec![event(); MOST + 1];
    assert!(bus(&url).put(&events).await.is_err(), "nobody answers the second call");
    let request = request.join().unwrap();
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["Entries"].as_array().unwrap().len(), MOST);
}

#[test]
fn without_an_endpoint_of_its_own_the_bus_is_where_aws_has_it() {
    let lookup = lookup([("AWS_REGION", "cn-north-1"), ("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "k")]);
    let bus = EventBridge::new("accounts".to_owned(), &Aws::from_lookup(&lookup).unwrap());
    assert_eq!(bus.url, "https://events.cn-north-1.amazonaws.com.cn");
}
