use super::*;
use aws_smithy_types::retry::ErrorKind;
use proptest::prelude::*;
use server::{CLOSE, OK, Part, Server, bytes};
use std::time::Instant;

pub(in crate::sdk) mod server;

const NO_SETTINGS: fn(&str) -> Option<String> = |_| None;

fn connections() -> Connections {
    Connections::new(&NO_SETTINGS).unwrap()
}

fn patient() -> HttpConnectorSettings {
    HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(5))
        .build()
}

fn get(url: &str) -> HttpRequest {
    HttpRequest::get(url).unwrap()
}

async fn call(connections: &Connections, url: &str) -> Result<String, ConnectorError> {
    let answer = connections.connector(&patient()).call(get(url)).await?;
    let body = read(answer.into_body(), 1 << 20).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() {
    let server = Server::start(|_, _| bytes(OK)).await;
    let connections = connections();
    for _ in 0..5 {
        assert_eq!(call(&connections, &server.url).await.unwrap(), "ok");
    }
    assert_eq!((server.accepted(), server.requests()), (1, 5));
}

#[tokio::test]
async fn calls_at_once_have_a_connection_each_and_both_are_kept() {
    let server = Server::start(|_, _| vec![Part::Wait(Duration::from_millis(50)), Part::Bytes(OK.into())]).await;
    let connections = connections();
    for _ in 0..3 {
        let (one, other) = tokio::join!(call(&connections, &server.url), call(&connections, &server.url));
        assert_eq!((one.unwrap().as_str(), other.unwrap().as_str()), ("ok", "ok"));
    }
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_connection_whose_answer_is_not_read_yet_is_not_used() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nno".to_vec();
    let rest = vec![Part::Bytes(head), Part::Wait(Duration::from_millis(100)), Part::Bytes(b"te".to_vec())];
    let server = Server::start(move |_, _| rest.clone()).await;
    let connections = connections();
    let first = connections.connector(&patient()).call(get(&server.url)).await.unwrap();
    assert_eq!(call(&connections, &server.url).await.unwrap(), "note");
    assert_eq!(read(first.into_body(), 100).await.unwrap().as_ref(), b"note");
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn chunks_are_put_together() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let server = Server::start(move |_, _| bytes(answer)).await;
    let connections = connections();
    assert_eq!(call(&connections, &server.url).await.unwrap(), "abcde");
    assert_eq!(call(&connections, &server.url).await.unwrap(), "abcde");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_connection_closed_while_the_process_was_frozen_costs_no_error() {
    let server = Server::start(|_, _| vec![Part::Bytes(OK.into()), CLOSE]).await;
    let connections = connections();
    for round in 1..=3 {
        assert_eq!(call(&connections, &server.url).await.unwrap(), "ok");
        assert_eq!(server.requests(), round);
        // The server closes the connection and this process does not see it, as in Lambda between two events.
        server.wait_for_closed(round).await;
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_request_that_may_have_arrived_is_not_sent_again() {
    let server = Server::start(|connection, request| match (connection, request) {
        (1, 2) => vec![CLOSE],
        _ => bytes(OK),
    })
    .await;
    let connections = connections();
    call(&connections, &server.url).await.unwrap();
    let error = call(&connections, &server.url).await.unwrap_err();
    assert!(error.is_io() || error.as_other() == Some(ErrorKind::TransientError), "{error:?}");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn what_is_not_http_is_an_error_that_nobody_should_repeat() {
    let server = Server::start(|_, _| vec![Part::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()), CLOSE]).await;
    let error = call(&connections(), &server.url).await.unwrap_err();
    assert!(error.is_other() && error.as_other().is_none(), "{error:?}");
}

#[tokio::test]
async fn an_answer_cut_off_in_its_head_is_transient_and_one_cut_off_in_its_body_is_an_error() {
    let server = Server::start(|_, _| vec![Part::Bytes(b"HTTP/1.1 200 O".to_vec()), CLOSE]).await;
    let error = call(&connections(), &server.url).await.unwrap_err();
    assert!(error.is_io() || error.as_other() == Some(ErrorKind::TransientError), "{error:?}");
    let server =
        Server::start(|_, _| vec![Part::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()), CLOSE])
            .await;
    assert!(call(&connections(), &server.url).await.is_err());
}

#[tokio::test]
async fn endless_headers_are_an_error() {
    let head = format!("HTTP/1.1 200 OK\r\n{}", "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(50_000));
    let server = Server::start(move |_, _| bytes(&head)).await;
    assert!(call(&connections(), &server.url).await.is_err());
}

#[tokio::test]
async fn a_body_is_not_read_beyond_its_limit() {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}", "a".repeat(1000));
    let server = Server::start(move |_, _| bytes(&answer)).await;
    let answer = connections().connector(&patient()).call(get(&server.url)).await.unwrap();
    assert!(read(answer.into_body(), 999).await.is_err());
}

#[tokio::test]
async fn a_server_that_stalls_is_a_timeout() {
    let server = Server::start(|_, _| vec![Part::Wait(Duration::from_mins(1))]).await;
    let limit = Duration::from_millis(50);
    let connections = connections();
    let reading = connections.connector(&HttpConnectorSettings::builder().read_timeout(limit).build());
    assert!(reading.call(get(&server.url)).await.unwrap_err().is_timeout());
    // It accepts the connection and then does not answer the TLS handshake.
    let connecting = connections.connector(&HttpConnectorSettings::builder().connect_timeout(limit).build());
    let error = connecting.call(get(&server.url.replace("http:", "https:"))).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_an_io_error() {
    let error = call(&connections(), "http://127.0.0.1:9/").await.unwrap_err();
    assert!(error.is_io(), "{error:?}");
}

#[tokio::test]
async fn a_url_of_another_scheme_is_the_callers_error() {
    let error = call(&connections(), "ftp://127.0.0.1/").await.unwrap_err();
    assert!(error.is_user(), "{error:?}");
}

#[tokio::test]
async fn a_poisoned_connection_is_not_used_again() {
    let server = Server::start(|_, _| bytes(OK)).await;
    let connections = connections();
    let mut request = get(&server.url);
    let capture = CaptureSmithyConnection::new();
    request.add_extension(capture.clone());
    let answer = connections.connector(&patient()).call(request).await.unwrap();
    read(answer.into_body(), 100).await.unwrap();
    capture.get().unwrap().poison();
    call(&connections, &server.url).await.unwrap();
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn the_first_call_uses_the_connection_that_was_opened_ahead() {
    let server = Server::start(|_, _| bytes(OK)).await;
    let connections = connections();
    connections.open_ahead(&server.url);
    connections.opened(Duration::from_secs(5)).await;
    assert_eq!(call(&connections, &server.url).await.unwrap(), "ok");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_is_slow_to_open_holds_nobody_up_and_is_used_when_it_is_there() {
    let (server, bundle) = Server::start_tls(|_, _| bytes(OK), Duration::from_millis(200)).await;
    let path = bundle.path().display().to_string();
    let connections = Connections::new(&|name| (name == "SSL_CERT_FILE").then(|| path.clone())).unwrap();
    let start = Instant::now();
    connections.open_ahead(&server.url);
    connections.opened(Duration::from_millis(10)).await;
    assert!(start.elapsed() < Duration::from_millis(150), "{:?}", start.elapsed());
    assert_eq!(call(&connections, &server.url).await.unwrap(), "ok");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_failure_to_open_ahead_is_left_to_the_first_call() {
    let connections = connections();
    for url in ["http://127.0.0.1:9/", "https://127.0.0.1:9/", "not a url"] {
        connections.open_ahead(url);
        connections.opened(Duration::from_secs(5)).await;
    }
    assert!(call(&connections, "http://127.0.0.1:9/").await.is_err());
}

#[tokio::test]
async fn only_the_bundle_of_the_environment_is_trusted_where_there_is_one() {
    let (server, bundle) = Server::start_tls(|_, _| bytes(OK), Duration::ZERO).await;
    let path = bundle.path().display().to_string();
    for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let trusting = Connections::new(&|asked| (asked == name).then(|| path.clone())).unwrap();
        assert_eq!(call(&trusting, &server.url).await.unwrap(), "ok");
    }
    let error = call(&connections(), &server.url).await.unwrap_err();
    assert!(error.is_io(), "{error:?}");
}

#[test]
fn a_bundle_that_holds_no_certificate_stops_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no certificate").unwrap();
    for path in [file.path().to_str().unwrap(), "/nowhere/at/all.pem"] {
        let error = Connections::new(&|name| (name == "AWS_CA_BUNDLE").then(|| path.to_owned())).unwrap_err();
        assert_eq!((error.name, error.value.as_str()), ("AWS_CA_BUNDLE", path));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the server sends, there is an answer or an error in time.
    #[test]
    fn no_answer_hangs_or_panics(
        start in prop_oneof![Just(""), Just("HTTP/1.1 200 OK\r\n"), Just("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")],
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let answer = [start.as_bytes(), &rest].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start(move |_, _| vec![Part::Bytes(answer.clone()), CLOSE]).await;
            let done = tokio::time::timeout(Duration::from_secs(5), call(&connections(), &server.url)).await;
            assert!(done.is_ok());
        });
    }
}
