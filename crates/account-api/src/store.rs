//! Where the state is stored between two calls: documents under a key, each with a version.

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
    /// Leaves the body out, because it may hold addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is stored.
    Stored,
    /// Another call changed the document since it was read. Nothing was written.
    Conflict,
}

/// A call to the store that failed. The error names the operation and AWS's error code and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {code}")]
pub struct StoreError {
    /// AWS's name of the call.
    pub operation: &'static str,
    /// AWS's error code, or what else went wrong.
    pub code: String,
}

/// What a write stores under a key.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    /// JSON.
    pub body: &'a str,
    /// The store may delete the document after this time, in seconds since 1970. Without it the document stays for
    /// good.
    pub keep_until: Option<u64>,
    /// The list that the document is in.
    pub listed: Option<Listed<'a>>,
}

/// A document's place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The name of the list.
    pub list: &'static str,
    /// The place. Lists are read in the order of these texts, from the last one to the first. No two documents of a
    /// list have the same place.
    pub place: &'a str,
}

/// What a call to the store returns.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Stores documents. A write succeeds only if the document still has the version that was read. So if two calls write,
/// one of them fails and knows it. When a write is repeated because its answer was lost, both count as one write.
pub trait Store: Send + Sync {
    /// Reads the document under a key, as the last write left it. Returns `None` if there is none. A document may still
    /// be there some days after its `keep_until`.
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Document>>;

    /// Replaces the document that was read with `version`; with `None` it writes a new one.
    fn save<'a>(&'a self, key: &'a str, version: Option<u64>, write: Write<'a>) -> StoreFuture<'a, Written>;

    /// The documents of a list whose places are `from` or later and before `to`, at most `most` of them, the last place
    /// first. A write may be missing for a moment.
    fn list<'a>(&'a self, list: &'static str, from: &'a str, to: &'a str, most: u16) -> StoreFuture<'a, Vec<Document>>;

    /// Adds to the number under a key and returns the sum. A number begins at zero. A number and a document never have
    /// the same key. A call that is repeated because its answer was lost may count twice.
    fn add<'a>(&'a self, key: &'a str, number: i64, keep_until: u64) -> StoreFuture<'a, i64>;
}

/// The version that follows the one that was read.
pub(crate) fn next(version: Option<u64>) -> u64 {
    version.map_or(1, |version| version.saturating_add(1))
}
