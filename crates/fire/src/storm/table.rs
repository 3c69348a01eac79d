//! Stands between the API and its table, and throttles at random, as DynamoDB does where a table or a partition has
//! reached its limit.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use local_cloud::http::Http;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How DynamoDB says that it throttles.
const THROTTLED: [&str; 3] = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"];

/// The running proxy. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    dynamodb: String,
    http: Http,
    percent: AtomicU32,
    random: Mutex<StdRng>,
    calls: AtomicU64,
    thrown_back: AtomicU64,
}

impl Table {
    pub(super) async fn start(dynamodb: &str, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            dynamodb: dynamodb.to_owned(),
            http: Http::default(),
            percent: AtomicU32::default(),
            random: StdRng::seed_from_u64(seed).into(),
            calls: AtomicU64::default(),
            thrown_back: AtomicU64::default(),
        });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { url, shared, server })
    }

    /// Throws back so many of a hundred calls from now on.
    pub(super) fn throttle(&self, percent: u32) {
        self.shared.percent.store(percent, Ordering::Relaxed);
    }

    /// The calls so far, and how many of them were thrown back.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.shared.calls.load(Ordering::Relaxed), self.shared.thrown_back.load(Ordering::Relaxed))
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    /// What to throw a call back with, if it is.
    fn throttles(&self) -> Option<&'static str> {
        let percent = self.percent.load(Ordering::Relaxed);
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let throttles = random.random_range(0..100) < percent;
        throttles.then(|| THROTTLED[random.random_range(0..THROTTLED.len())])
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    shared.calls.fetch_add(1, Ordering::Relaxed);
    let json_type = [("content-type", "application/x-amz-json-1.0")];
    if let Some(code) = shared.throttles() {
        shared.thrown_back.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "throttled" });
        return (StatusCode::BAD_REQUEST, json_type, body.to_string()).into_response();
    }
    let passed = ["content-type", "x-amz-target", "authorization", "x-amz-date"];
    let passed: Vec<_> =
        passed.into_iter().filter_map(|name| Some((name, headers.get(name)?.to_str().ok()?))).collect();
    match shared.http.send_body("POST", &shared.dynamodb, &passed, body).await {
        Ok(answer) => (answer.status, json_type, answer.body).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
