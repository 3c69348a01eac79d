//! What it takes to hand a request on to another server.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode};
use local_cloud::http::{Answer, Http};

/// Hands a call to AWS on to this address. The error is for whoever called.
pub(super) async fn hand_on(
    http: &Http,
    method: &Method,
    url: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Answer, StatusCode> {
    let headers = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    http.hand_on(method.as_str(), url, headers, body).await.map_err(|_| StatusCode::BAD_GATEWAY)
}
