//! A server on 127.0.0.1 between the command line and a user pool, or instead of one.

use std::sync::Arc;

use anyhow::Result;
use axum::body::{Bytes, to_bytes};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, extract};
use local_cloud::http::Http;
use local_cloud::server::Server;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stall {
    /// It never reaches the pool.
    Before,
    /// The pool carries it out, and the answer never arrives.
    After,
    /// Neither it nor any later call reaches the pool.
    AllFrom,
}

/// Hands calls on to the local cloud, and never answers the chosen ones.
#[derive(Debug)]
pub struct Proxy {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    target: String,
    stall: Option<(usize, Stall)>,
    calls: Mutex<Vec<String>>,
    stalled: tokio::sync::Notify,
    http: Http,
}

impl Proxy {
    /// Starts a proxy that hands every call on, or all but the n-th, counted from 1.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start(target: &str, stall: Option<(usize, Stall)>) -> Result<Self> {
        let state = Arc::new(State {
            target: target.to_owned(),
            stall,
            calls: Mutex::default(),
            stalled: tokio::sync::Notify::new(),
            http: Http::default(),
        });
        let shared = state.clone();
        let server = serve(move |operation, body| {
            let state = shared.clone();
            async move { state.hand_on(operation, body).await }
        })
        .await?;
        Ok(Self { server, state })
    }

    /// Where clients find it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.url.clone()
    }

    /// Waits until the chosen call has come.
    pub async fn stalled(&self) {
        self.state.stalled.notified().await;
    }

    /// The operations called so far.
    pub async fn calls(&self) -> Vec<String> {
        self.state.calls.lock().await.clone()
    }
}

impl State {
    async fn hand_on(&self, operation: String, body: Bytes) -> (StatusCode, Bytes) {
        let number = {
            let mut calls = self.calls.lock().await;
            calls.push(operation.clone());
            calls.len()
        };
        let is_chosen = |(at, fate): &(usize, Stall)| *at == number || (*fate == Stall::AllFrom && *at < number);
        let fate = self.stall.filter(is_chosen).map(|(_, fate)| fate);
        if matches!(fate, Some(Stall::Before | Stall::AllFrom)) {
            self.never().await;
        }
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let headers = [("X-Amz-Target", target.as_str()), ("Content-Type", "application/x-amz-json-1.1")];
        let answer = match self.http.send_body("POST", &self.target, &headers, body).await {
            Ok(answer) => (answer.status, answer.body),
            Err(_) => (StatusCode::BAD_GATEWAY, Bytes::new()),
        };
        if fate == Some(Stall::After) {
            self.never().await;
        }
        answer
    }

    async fn never(&self) {
        self.stalled.notify_one();
        std::future::pending::<()>().await;
    }
}

/// A pool whose profiles are generated while they are listed: none is stored.
#[derive(Debug)]
pub struct EndlessPool(Server);

impl EndlessPool {
    /// Starts a pool of so many profiles. Every tenth person has a native and a Google profile, far apart in the list.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start(profiles: usize) -> Result<Self> {
        let server = serve(move |operation, body| async move {
            let input: Value = serde_json::from_slice(&body).unwrap_or_default();
            let answer = match operation.as_str() {
                "DescribeUserPool" => description(profiles),
                "ListUsers" => page(&input, profiles),
                _ => {
                    return (
                        StatusCode::BAD_REQUEST,
                        Bytes::from_static(b"{\"__type\":\"InvalidParameterException\"}"),
                    );
                }
            };
            (StatusCode::OK, Bytes::from(answer.to_string()))
        })
        .await?;
        Ok(Self(server))
    }

    /// Where clients find it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.0.url.clone()
    }
}

fn description(profiles: usize) -> Value {
    json!({ "UserPool": {
        "Id": "eu-central-1_Endless",
        "EstimatedNumberOfUsers": profiles,
        "UsernameAttributes": ["email"],
        "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] },
        "SchemaAttributes": [],
    } })
}

fn page(input: &Value, profiles: usize) -> Value {
    let start = input["PaginationToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
    let end = profiles.min(start + 60);
    let mut page = json!({ "Users": (start..end).map(|n| profile(n, profiles)).collect::<Vec<_>>() });
    if end < profiles {
        page["PaginationToken"] = end.to_string().into();
    }
    page
}

/// The second half of the list repeats the addresses of every tenth profile of the first half, as Google's.
fn profile(n: usize, profiles: usize) -> Value {
    let half = profiles.div_ceil(2);
    let federated = n >= half && (n - half).is_multiple_of(10);
    let person = if federated { n - half } else { n };
    // Addresses come in no order.
    let email = format!("person.{:08x}.{person}@example.com", person.wrapping_mul(2_654_435_761) & 0xffff_ffff);
    let mut attributes = vec![
        json!({ "Name": "sub", "Value": format!("00000000-0000-4000-8000-{n:012}") }),
        json!({ "Name": "email", "Value": email }),
        json!({ "Name": "email_verified", "Value": "true" }),
        json!({ "Name": "given_name", "Value": "Somebody" }),
        json!({ "Name": "family_name", "Value": "With a name of ordinary length" }),
        json!({ "Name": "locale", "Value": "en" }),
    ];
    let (user_name, status) = if federated {
        let identity = json!([{ "userId": n.to_string(), "providerName": "Google", "providerType": "Google",
            "issuer": null, "primary": true, "dateCreated": 1_790_000_000_000_u64 }]);
        attributes.push(json!({ "Name": "identities", "Value": identity.to_string() }));
        (format!("google_{n}"), "EXTERNAL_PROVIDER")
    } else {
        (format!("00000000-0000-4000-8000-{n:012}"), "CONFIRMED")
    };
    json!({
        "Username": user_name,
        "Attributes": attributes,
        "UserCreateDate": 1_700_000_000.0,
        "UserLastModifiedDate": 1_700_000_000.0,
        "Enabled": true,
        "UserStatus": status,
    })
}

/// Answers calls of the user pools API with what `answer` makes of operation and body.
async fn serve<F, A>(answer: F) -> Result<Server>
where
    F: Fn(String, Bytes) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = (StatusCode, Bytes)> + Send + 'static,
{
    serve_any(move |request: Request<Bytes>| {
        let target = request.headers().get("x-amz-target").and_then(|name| name.to_str().ok());
        let operation = target.and_then(|name| name.rsplit('.').next()).unwrap_or_default().to_owned();
        let answer = answer(operation, request.into_body());
        async move { answer.await.into_response() }
    })
    .await
}

/// Answers every request with what `answer` makes of it.
pub(crate) async fn serve_any<F, A>(answer: F) -> Result<Server>
where
    F: Fn(Request<Bytes>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let respond = async move |request: extract::Request| {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let mut response = answer(Request::from_parts(head, body)).await;
        let kind = HeaderValue::from_static("application/x-amz-json-1.1");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    };
    Server::start(Router::new().fallback(respond)).await
}
