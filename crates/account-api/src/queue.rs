//! Work that is done after the answer: in a later run of the function, so that nobody learns from the time of an answer
//! what there was to do, and no run waits.

pub mod lambda;
#[cfg(feature = "testing")]
pub mod memory;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// An invitation that was asked for and is still to be carried out. It holds an address, so it does not show itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Who is invited.
    pub email: String,
    /// What is known of them.
    pub attributes: BTreeMap<String, String>,
    /// The languages of whoever asked, best first.
    pub locales: Vec<String>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job(…)")
    }
}

/// A job that was not taken. It names AWS's error code and nothing of the job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invoke: {code}")]
pub struct NotTaken {
    /// AWS's error code, or what else went wrong.
    pub code: String,
}

/// Takes jobs. One that is taken is carried out at least once.
pub trait Queue: Send + Sync {
    /// Hands one job over.
    fn put<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), NotTaken>>;
}
