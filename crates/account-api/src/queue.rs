//! Work that a later run of the function does, after the answer. So the time of an answer does not show what there was
//! to do, and no run waits.

pub mod lambda;
#[cfg(feature = "testing")]
pub mod memory;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// An invitation that somebody asked for and that is not carried out yet. Its `Debug` output hides the address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Who is invited.
    pub email: String,
    /// Their attributes.
    pub attributes: BTreeMap<String, String>,
    /// The languages of the person who asked, best first.
    pub locales: Vec<String>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job(…)")
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
