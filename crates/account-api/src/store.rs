//! Where the state lies between two calls: documents under a key, each with a version.

#[cfg(feature = "testing")]
pub mod contract;
pub mod dynamodb;
#[cfg(feature = "testing")]
pub mod memory;

use futures_util::future::BoxFuture;
use std::fmt;

/// A document as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Grows with every change.
    pub version: u64,
    /// JSON.
    pub body: String,
}

impl fmt::Debug for Document {
    /// Never the body: it may hold addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("version", &self.version).finish_non_exhaustive()
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is stored.
    Stored,
    /// Somebody else wrote since the document was read; nothing is changed.
    Conflict,
}

/// A call to the store that failed. It names the operation and AWS's error code and repeats nothing else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {code}")]
pub struct StoreError {
    /// AWS's name of the call.
    pub operation: &'static str,
    /// AWS's error code, or what else went wrong.
    pub code: String,
}

/// Keeps documents. Every write of one is conditional on the version that was read, so that of two writers one loses and
/// knows. A write that is repeated because its answer was lost is the same write, and has not lost against itself.
pub trait Store: Send + Sync {
    /// The document under a key, as of the last write; `None` if there is none. A document outlives the time it was to
    /// be kept until by up to some days.
    fn load<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Document>, StoreError>>;

    /// Writes a document in place of the one that was read with `version`, or of none. It may be thrown away after
    /// `keep_until`, in seconds since 1970; with none it is kept for good.
    fn save<'a>(
        &'a self,
        key: &'a str,
        version: Option<u64>,
        body: &'a str,
        keep_until: Option<u64>,
    ) -> BoxFuture<'a, Result<Written, StoreError>>;

    /// Adds to the number under a key, which begins at zero, and returns the sum. Keys of numbers and documents are never
    /// the same. A call that is repeated because its answer was lost may count twice.
    fn add<'a>(&'a self, key: &'a str, number: i64, keep_until: u64) -> BoxFuture<'a, Result<i64, StoreError>>;
}

/// The version that follows the one that was read.
pub(crate) fn next(version: Option<u64>) -> u64 {
    version.map_or(1, |version| version.saturating_add(1))
}
