//! What the tests of this crate and the end-to-end tests share.

use crate::Clock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that stands still until it is moved. Clones share it.
#[derive(Clone, Debug)]
pub struct SetClock(Arc<AtomicU64>);

impl SetClock {
    /// A clock that shows this time, in seconds since 1970.
    #[must_use]
    pub fn at(now: u64) -> Self {
        Self(Arc::new(AtomicU64::new(now)))
    }

    /// Moves it forward.
    pub fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An event of an HTTP API, payload format 2.0. It comes from a caller whose token has these claims, or from a caller
/// without a token.
#[must_use]
pub fn event(claims: Option<&Value>, method: &str, path: &str, body: Option<&str>, media_type: &str) -> Value {
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": { "content-type": media_type, "host": "api.example.com", "accept-language": "en" },
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "api.example.com", "domainPrefix": "api",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t" },
            "requestId": "r", "routeKey": "$default", "stage": "$default", "time": "1", "timeEpoch": 1,
        },
        "body": body, "isBase64Encoded": false,
    });
    if let Some(claims) = claims {
        event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    }
    event
}
