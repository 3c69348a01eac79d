use super::*;
use crate::failure::{Failure, Kind};
use crate::sdk::http::tests::server::once;
use crate::testing::lookup;
use std::net::TcpListener;
use std::thread::JoinHandle;

/// Answers one request, and returns it.
fn server(answer: &str) -> (String, JoinHandle<String>) {
    let (url, request) = once(format!("HTTP/1.1 {answer}"));
    (format!("{url}/123456789012/retries"), request)
}

fn queue(url: &str) -> Result<Option<SqsQueue>, SettingError> {
    let lookup = lookup([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "very-secret-key"),
        ("AWS_SESSION_TOKEN", "a-token"),
        ("QUEUE", url),
    ]);
    SqsQueue::from_lookup(&lookup, "QUEUE", &Aws::from_lookup(&lookup)?)
}

#[tokio::test]
async fn a_message_is_signed_and_sent_to_its_queue() {
    let (url, request) = server("200 OK\r\nContent-Length: 2\r\n\r\n{}");
    queue(&url).unwrap().unwrap().put("a \"message\"".to_owned(), Some(Duration::from_secs(90))).await.unwrap();
    let request = request.join().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    for part in [
        "post /123456789012/retries http/1.1",
        "x-amz-target: amazonsqs.sendmessage",
        "content-type: application/x-amz-json-1.0",
        "x-amz-security-token: a-token",
        "authorization: aws4-hmac-sha256 credential=akidexample/",
        "/eu-central-1/sqs/aws4_request, signedheaders=content-type;host;x-amz-date;",
    ] {
        assert!(head.contains(part), "{part}: {head}");
    }
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, json!({"QueueUrl": url, "MessageBody": "a \"message\"", "DelaySeconds": 90}));
}

#[tokio::test]
async fn a_refusal_names_its_code_and_not_what_was_sent() {
    let body = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no queue for ada@example.com"}"#;
    let answer = format!("400 Bad Request\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let (url, _request) = server(&answer);
    let error = queue(&url).unwrap().unwrap().put("ada@example.com".to_owned(), None).await.unwrap_err();
    let cause = Failure::because(Kind::TRY_AGAIN, error).cause_chain();
    assert_eq!(cause, "SendMessage: status 400 QueueDoesNotExist");
}

#[tokio::test]
async fn nobody_listens() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    assert!(queue(&format!("http://{closed}/q")).unwrap().unwrap().put(String::new(), None).await.is_err());
}

#[tokio::test]
async fn a_queue_that_says_nothing_is_given_up_in_a_second() {
    // The system takes the connection, and nobody reads from it.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let queue = queue(&format!("http://{}/q", silent.local_addr().unwrap())).unwrap().unwrap();
    let put = tokio::time::timeout(Duration::from_secs(2), queue.put(String::new(), None));
    assert!(put.await.expect("within the limit").is_err());
}

#[test]
fn without_a_url_there_is_no_queue_and_a_wrong_one_stops_the_start() {
    assert!(queue("").unwrap().is_none());
    assert_eq!(queue("retries").unwrap_err().name, "QUEUE");
}
