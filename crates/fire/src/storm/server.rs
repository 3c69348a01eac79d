//! A server on this machine, and what it takes to hand a request on to another one.

use std::net::Ipv4Addr;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode};
use local_cloud::http::{Answer, Http};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Server {
    /// Its address, without a slash at its end.
    pub(super) url: String,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts one on a free port.
    pub(super) async fn start(router: Router) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { url, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

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
