use super::*;
use crate::sdk::http::tests::server::once;
use std::thread::JoinHandle;

const ANSWER: &str = r#"{"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"very-secret-key","Token":"a-token","Expiration":"2030-01-02T03:04:05Z"}"#;

/// Answers one request with a status and a body, and returns the request.
fn server(status: u16, body: &str) -> (String, JoinHandle<String>) {
    let (url, request) = once(format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    (format!("{url}/credentials"), request)
}

fn credentials(url: &str, token: Option<&str>, file: Option<String>) -> ContainerCredentials {
    let source = ContainerSource::new(url, token.map(str::to_owned), file).unwrap();
    source.over(Connections::new(&|_| None).unwrap())
}

#[tokio::test]
async fn credentials_come_with_their_end_and_the_token_goes_along() {
    let (url, request) = server(200, ANSWER);
    let got = credentials(&url, Some("let-me-in"), None).provide_credentials().await.unwrap();
    assert_eq!(
        (got.access_key_id(), got.secret_access_key(), got.session_token()),
        ("AKIDEXAMPLE", "very-secret-key", Some("a-token"))
    );
    let end = got.expiry().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(end.as_secs(), 1_893_553_445);
    let request = request.join().unwrap().to_ascii_lowercase();
    assert!(
        request.starts_with("get /credentials http/1.1\r\n") && request.contains("authorization: let-me-in"),
        "{request}"
    );
}

#[tokio::test]
async fn the_token_of_a_file_is_read_each_time() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "second-token\n").unwrap();
    let (url, request) = server(200, ANSWER);
    let path = file.path().display().to_string();
    credentials(&url, Some("first-token"), Some(path)).provide_credentials().await.unwrap();
    assert!(request.join().unwrap().contains("second-token"));
}

#[tokio::test]
async fn a_refusal_and_an_unreadable_answer_are_errors_without_what_was_said() {
    for (status, body) in [(403, ANSWER), (200, "very-secret-key"), (200, r#"{"SecretAccessKey":"very-secret-key"}"#)] {
        let (url, _request) = server(status, body);
        let error = credentials(&url, None, None).provide_credentials().await.unwrap_err();
        let text = format!("{error:?} {error}");
        assert!(!text.contains("very-secret-key"), "{text}");
    }
}

#[test]
fn a_token_does_not_go_to_another_machine_in_the_open() {
    assert!(ContainerSource::new("http://169.254.170.23/v1/credentials", None, None).is_none());
    assert!(ContainerSource::new("http://127.0.0.1:9001/", None, None).is_some());
    assert!(ContainerSource::new("https://credentials.example.com/", None, None).is_some());
}

#[test]
fn the_token_is_in_no_debug_text() {
    let source = ContainerSource::new("http://127.0.0.1/", Some("let-me-in".to_owned()), None).unwrap();
    assert!(!format!("{source:?}").contains("let-me-in"));
}
