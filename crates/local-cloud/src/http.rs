//! Plain HTTP to servers on this machine, without TLS or proxies. It does not follow redirects.

use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// How long one answer may take. The limit is high, because a first call may start a function on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A client for local servers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http(Client<HttpConnector, Full<Bytes>>);

/// The answer of a server.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The target of a redirect, as the server wrote it, absolute or not.
    pub location: Option<String>,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// Fails if it is not JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("the server answered {} with something that is not JSON", self.status))
    }
}

impl Default for Http {
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }
}

impl Http {
    /// Sends a GET request.
    ///
    /// # Errors
    ///
    /// Fails if the server does not answer, or not in time.
    pub async fn get(&self, url: &str) -> Result<Answer> {
        self.send(url, Request::get(url).body(Full::default())?).await
    }

    /// Sends a body with the given method, headers included.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Http::get`].
    pub async fn send_body(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(url, request.body(Full::new(body.into()))?).await
    }

    /// Sends JSON with the given method.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Http::get`].
    pub async fn send_json(&self, method: &str, url: &str, body: &Value) -> Result<Answer> {
        self.send_body(method, url, &[(CONTENT_TYPE.as_str(), "application/json")], body.to_string()).await
    }

    /// Submits a form.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Http::get`].
    pub async fn submit(&self, url: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let form = [(CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
        self.send_body("POST", url, &form, form_encode(fields)).await
    }

    /// Hands a request on to another server, without the headers that are about its own connection.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Http::get`].
    pub async fn hand_on<'a>(
        &self,
        method: &str,
        url: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let own = ["host", "content-length", "connection", "transfer-encoding"];
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| !own.contains(name)).collect();
        self.send_body(method, url, &headers, body).await
    }

    async fn send(&self, url: &str, request: Request<Full<Bytes>>) -> Result<Answer> {
        let exchange = async {
            let response = self.0.request(request).await?;
            let status = response.status();
            let location =
                response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok(Answer { status, location, body })
        };
        let host = url.split('?').next().unwrap_or(url);
        tokio::time::timeout(TIMEOUT, exchange)
            .await
            .with_context(|| format!("{host} did not answer within {} s", TIMEOUT.as_secs()))?
            .with_context(|| format!("{host} cannot be reached"))
    }
}

/// Writes fields as a query string or a form body.
#[must_use]
pub fn form_encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
