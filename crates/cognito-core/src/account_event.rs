//! What happens to accounts, told to the application on an event bus of Amazon `EventBridge`.
//!
//! [`AccountEvent`] is what goes out; it holds no personal data beyond the `sub`. [`EventBus`] takes it. The adapter is
//! `sdk::EventBridge`.

use crate::settings::{self, Lookup, SettingError};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::pin::Pin;

/// `EVENT_BUS`: the event bus that is told what happens to accounts.
pub const EVENT_BUS: &str = "EVENT_BUS";

/// The `source` of every event.
pub const SOURCE: &str = "cognito-triggers";

/// The version of the events' schema. It changes when a member goes or means something else, not when one is added.
pub const VERSION: u32 = 1;

/// Something that happened to an account: the `detail` of an event.
///
/// An event may come more than once, and events may come in another order than they happened in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEvent {
    /// [`VERSION`].
    pub version: u32,
    /// The user pool's id.
    pub user_pool_id: String,
    /// The account's `sub`.
    pub sub: String,
    /// When it happened, as far as the teller knows, in seconds since 1970.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened to an account: the `detail-type` of an event, which `detail` repeats as `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum What {
    /// Pre-sign-up is about to link an identity of this provider. The account API looks whether it did, and tells
    /// [`What::Linked`]. An application has no use for this one.
    #[serde(rename = "account.link-begun")]
    LinkBegun {
        /// The provider's name in the pool.
        provider: String,
    },
    /// An identity of this provider signs in to the account now.
    #[serde(rename = "account.linked")]
    Linked {
        /// The provider's name in the pool.
        provider: String,
    },
    /// An identity of this provider does not sign in to the account any more.
    #[serde(rename = "account.unlinked")]
    Unlinked {
        /// The provider's name in the pool.
        provider: String,
    },
    /// Another account became one with this one, and was deleted. What the application keeps under its `sub` belongs to
    /// this account now.
    #[serde(rename = "account.merged")]
    Merged {
        /// The `sub` of the deleted account.
        old_sub: String,
    },
    /// The account was deleted by its owner.
    #[serde(rename = "account.deleted")]
    Deleted,
    /// The account has another address. The pool has it.
    #[serde(rename = "email.changed")]
    EmailChanged,
    /// Somebody accepted an invitation, and this is their account.
    #[serde(rename = "invitation.completed")]
    InvitationCompleted,
}

impl What {
    /// The `detail-type`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LinkBegun { .. } => "account.link-begun",
            Self::Linked { .. } => "account.linked",
            Self::Unlinked { .. } => "account.unlinked",
            Self::Merged { .. } => "account.merged",
            Self::Deleted => "account.deleted",
            Self::EmailChanged => "email.changed",
            Self::InvitationCompleted => "invitation.completed",
        }
    }
}

impl AccountEvent {
    /// An event of today's version.
    #[must_use]
    pub fn new(user_pool_id: &str, sub: &str, at: u64, what: What) -> Self {
        Self { version: VERSION, user_pool_id: user_pool_id.to_owned(), sub: sub.to_owned(), at, what }
    }
}

/// What becomes of events that a bus is handed.
pub type Taking<'a> = Pin<Box<dyn Future<Output = Result<(), NotTaken>> + Send + 'a>>;

/// Takes events for the application.
pub trait EventBus: Debug + Send + Sync {
    /// Hands events over. Once it has taken them, it delivers each at least once.
    fn put<'a>(&'a self, events: &'a [AccountEvent]) -> Taking<'a>;
}

/// Events that the bus did not take, or not all of them. It names AWS's error code and nothing of the events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("PutEvents: {code}")]
pub struct NotTaken {
    /// AWS's error code, or what else went wrong.
    pub code: String,
    /// Whether a later try may succeed.
    pub may_pass: bool,
}

impl NotTaken {
    /// Logs each event that was lost, with all that an operator needs to send it by hand. It is nothing personal.
    pub fn log(&self, events: &[AccountEvent]) {
        for event in events {
            let (error_code, cause, detail) =
                ("event_not_sent", self.to_string(), serde_json::to_string(event).unwrap_or_default());
            tracing::error!(error_code, cause, sub = event.sub, detail, "the event bus was not told");
        }
    }
}

/// The name of an event bus, in words.
pub const BUS_NAME: &str = "the name of an event bus, such as default";

/// Reads [`EVENT_BUS`].
///
/// # Errors
///
/// Returns [`SettingError`] if the value is no name of a bus.
pub fn bus_from_lookup(lookup: Lookup<'_>) -> Result<Option<String>, SettingError> {
    settings::optional(lookup, EVENT_BUS, BUS_NAME, parse_bus)
}

/// Reads the name of an event bus (API model of `EventBridge`, `EventBusName`).
#[must_use]
pub fn parse_bus(text: &str) -> Option<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "/.-_".contains(c);
    ((1..=256).contains(&text.len()) && text.chars().all(is_allowed)).then(|| text.to_owned())
}

/// A bus in memory. Clones share it.
#[cfg(feature = "testing")]
#[derive(Clone, Debug, Default)]
pub struct MemoryBus {
    events: std::sync::Arc<std::sync::Mutex<Vec<AccountEvent>>>,
    fails: std::sync::Arc<std::sync::Mutex<Option<NotTaken>>>,
}

#[cfg(feature = "testing")]
impl MemoryBus {
    /// The events that it took, the oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<AccountEvent> {
        self.events.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// From now on it takes nothing and answers this; with `None` it takes events again.
    pub fn fail(&self, with: Option<NotTaken>) {
        *self.fails.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = with;
    }
}

#[cfg(feature = "testing")]
impl EventBus for MemoryBus {
    fn put<'a>(&'a self, events: &'a [AccountEvent]) -> Taking<'a> {
        Box::pin(async move {
            if let Some(error) = self.fails.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone() {
                return Err(error);
            }
            self.events.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(events.iter().cloned());
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn an_events_detail_is_what_the_manual_says() {
        let detail =
            |what| serde_json::to_value(AccountEvent::new("eu-central-1_A", "1-2", 1_700_000_000, what)).unwrap();
        let with = |kind: &str, more: Value| {
            let mut detail = json!({ "version": 1, "user_pool_id": "eu-central-1_A", "sub": "1-2", "at": 1_700_000_000, "type": kind });
            detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            detail
        };
        let google = || "Google".to_owned();
        for (what, more) in [
            (What::LinkBegun { provider: google() }, json!({ "provider": "Google" })),
            (What::Linked { provider: google() }, json!({ "provider": "Google" })),
            (What::Unlinked { provider: google() }, json!({ "provider": "Google" })),
            (What::Merged { old_sub: "3".into() }, json!({ "old_sub": "3" })),
            (What::Deleted, json!({})),
            (What::EmailChanged, json!({})),
            (What::InvitationCompleted, json!({})),
        ] {
            let name = what.name();
            assert_eq!(detail(what.clone()), with(name, more));
            let read: AccountEvent = serde_json::from_value(detail(what.clone())).unwrap();
            assert_eq!(read.what, what);
        }
    }

    #[test]
    fn a_bus_has_a_name() {
        for bus in ["default", "accounts", "team/accounts-1.b_c"] {
            assert_eq!(parse_bus(bus).as_deref(), Some(bus));
        }
        for wrong in ["", "a bus", "arn:aws:events:eu-central-1:1:event-bus/accounts", "a:b", &"x".repeat(257)] {
            assert_eq!(parse_bus(wrong), None, "{wrong}");
        }
    }
}
