//! Work that a later run of the function does, after the answer. So the time of an answer does not show what there was
//! to do, and no run waits.

pub mod lambda;
#[cfg(feature = "testing")]
pub mod memory;

use crate::identities::Owner;
use cognito_core::account_event::AccountEvent;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What is left to a later run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Job {
    /// An invitation is carried out.
    Invite(Invite),
    /// An event goes to the application's bus that did not take it before.
    Event {
        /// The event.
        event: AccountEvent,
    },
    /// What an account's owner has begun is completed.
    Complete {
        /// The account.
        complete: Owner,
    },
    /// Pre-sign-up has begun to link an identity, so the owner of the account is told if it did.
    LinkBegun {
        /// The event that it sent.
        link_begun: AccountEvent,
    },
}

/// An invitation that somebody asked for and that is not carried out yet. Its `Debug` output hides the address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// Who is invited.
    pub email: String,
    /// Their attributes.
    pub attributes: BTreeMap<String, String>,
    /// The languages of the person who asked, best first.
    pub locales: Vec<String>,
    /// The app client that the link names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invite(…)")
    }
}

/// A job that the queue did not take. The error names AWS's error code and nothing of the job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invoke: {code}")]
pub struct NotTaken {
    /// AWS's error code, or what else went wrong.
    pub code: String,
}

/// Takes jobs. A job that it took is carried out at least once.
pub trait Queue: Send + Sync {
    /// Hands one job over.
    fn put<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), NotTaken>>;
}
