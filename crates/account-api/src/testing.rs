//! What the tests of this crate and the end-to-end tests share.

use crate::accounts::Accounts;
use crate::code::Sealer;
use crate::mailer::memory::MemoryMailer;
use crate::queue::memory::MemoryQueue;
use crate::store::memory::MemoryStore;
use crate::{Clock, Parts, Settings};
use cognito_core::settings::SettingError;
use messages::Messages;
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

impl Parts {
    /// The parts of an API whose state, mails and jobs are in memory, and whose clock stands still. A test replaces those
    /// that it looks at.
    ///
    /// # Panics
    ///
    /// Never: the key is long enough.
    #[must_use]
    #[allow(clippy::panic, reason = "only tests use it")]
    pub fn in_memory(settings: Settings, accounts: impl Accounts + 'static) -> Self {
        Self {
            accounts: Arc::new(accounts),
            store: Arc::new(MemoryStore::default()),
            mailer: Arc::new(MemoryMailer::default()),
            queue: Arc::new(MemoryQueue::default()),
            bus: None,
            clock: Arc::new(SetClock::at(0)),
            sealer: Sealer::new(&[7; 32]).unwrap_or_else(|why| panic!("{why}")),
            messages: Messages::new(settings.messages.clone()),
            settings,
        }
    }
}

/// The settings that the API does not start without.
pub const REQUIRED: [(&str, &str); 4] = [
    ("USER_POOL_ID", "eu-central-1_EXAMPLE01"),
    ("TABLE_NAME", "state"),
    ("CODE_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:1:secret:s"),
    ("EMAIL_FROM", "Example <no-reply@example.com>"),
];

/// Reads these settings, and for those that are not among them the ones in [`REQUIRED`].
///
/// # Errors
///
/// Returns [`SettingError`] for the first value that is not allowed.
pub fn settings(own: &[(&str, &str)]) -> Result<Settings, SettingError> {
    let found = |asked: &str| own.iter().chain(&REQUIRED).find(|(name, _)| *name == asked);
    Settings::from_lookup(&|asked| found(asked).map(|(_, value)| (*value).to_owned()))
}

/// The claims of an access token for an account, from a sign-in at this time, in seconds since 1970.
#[must_use]
pub fn claims(sub: &str, user_name: &str, auth_time: u64) -> Value {
    json!({
        "sub": sub, "username": user_name, "token_use": "access", "client_id": "frontend",
        "scope": "openid email", "auth_time": auth_time.to_string(),
    })
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
