//! The SDK over the connections of this crate: which calls are repeated, and whether the SDK or the connections do it.

use super::*;
use crate::sdk::http::tests::server::{CLOSE, Part, Server};
use crate::testing::lookup;
use aws_sdk_cognitoidentityprovider::Client;

fn answer(status: u16, body: &str) -> Part {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n");
    Part::Bytes([head.as_bytes(), body.as_bytes()].concat())
}

fn client(url: &str) -> Client {
    let lookup = lookup([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", url),
    ]);
    Client::new(&config(&lookup).unwrap())
}

async fn people(client: &Client) -> Option<usize> {
    let list = client.list_users().user_pool_id("eu-central-1_EXAMPLE01").send().await;
    list.ok().map(|list| list.users().len())
}

#[tokio::test]
async fn the_sdk_repeats_what_failed_on_the_way_and_what_the_server_could_not_do() {
    let server = Server::start(|connection, _| match connection {
        1 => vec![CLOSE],
        2 => vec![answer(503, "{}"), CLOSE],
        _ => vec![answer(200, r#"{"Users":[]}"#)],
    })
    .await;
    assert_eq!(people(&client(&server.url)).await, Some(0));
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn the_sdk_gives_up_after_three_attempts() {
    let server = Server::start(|_, _| vec![CLOSE]).await;
    assert_eq!(people(&client(&server.url)).await, None);
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn what_the_server_refuses_is_not_repeated() {
    let server = Server::start(|_, _| vec![answer(400, r#"{"__type":"InvalidParameterException"}"#)]).await;
    assert_eq!(people(&client(&server.url)).await, None);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_body_that_stalls_does_not_hold_a_call_for_longer_than_it_may_take() {
    let half = b"HTTP/1.1 200 X\r\nContent-Length: 12\r\n\r\n{\"Use".to_vec();
    let server = Server::start(move |_, _| vec![Part::Bytes(half.clone()), Part::Wait(Duration::from_mins(1))]).await;
    let start = std::time::Instant::now();
    assert_eq!(people(&client(&server.url)).await, None);
    assert!(start.elapsed() < Duration::from_millis(4500), "{:?}", start.elapsed());
}
