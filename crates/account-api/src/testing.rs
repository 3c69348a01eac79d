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

    /// Sets it.
    pub fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
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

/// The sample event of the API, changed so that it comes from a caller whose token has these claims, or from a caller
/// without a token.
///
/// # Panics
///
/// If the sample is not JSON.
#[must_use]
#[allow(clippy::panic, reason = "only tests use it")]
pub fn event(claims: Option<&Value>, method: &str, path: &str, body: Option<&str>, media_type: &str) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../../events/account-api/email-change.json"))
        .unwrap_or_else(|why| panic!("the sample event is not JSON: {why}"));
    event["rawPath"] = json!(path);
    event["body"] = json!(body);
    event["headers"]["content-type"] = json!(media_type);
    let context = &mut event["requestContext"];
    context["http"]["method"] = json!(method);
    context["http"]["path"] = json!(path);
    context["authorizer"] = claims.map_or(Value::Null, |claims| json!({ "jwt": { "claims": claims, "scopes": null } }));
    event
}
