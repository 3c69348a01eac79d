//! Stands between the API and its table, and throttles at random, as DynamoDB does where a table or a partition has
//! reached its limit.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use local_cloud::http::Http;
use local_cloud::server::Server;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::hand_on::hand_on;

/// How DynamoDB says that it throttles.
const THROTTLED: [&str; 3] = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"];

/// The running proxy. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Table {
    shared: Arc<Shared>,
    server: Server,
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
        let shared = Arc::new(Shared {
            dynamodb: dynamodb.to_owned(),
            http: Http::default(),
            percent: AtomicU32::default(),
            random: StdRng::seed_from_u64(seed).into(),
            calls: AtomicU64::default(),
            thrown_back: AtomicU64::default(),
        });
        let server = Server::start(Router::new().fallback(answer).with_state(shared.clone())).await?;
        Ok(Self { shared, server })
    }

    /// Where the API reaches its table.
    pub(super) fn url(&self) -> &str {
        &self.server.url
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
    match hand_on(&shared.http, &Method::POST, &shared.dynamodb, &headers, body).await {
        Ok(answer) => (answer.status, json_type, answer.body).into_response(),
        Err(status) => status.into_response(),
    }
}
