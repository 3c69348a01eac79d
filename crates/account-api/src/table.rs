//! State between two calls: values of a type under a key, each replaced only as it was read.

use crate::clock::Clock;
use crate::problem::{Code, Problem};
use crate::store::{Store, Written, next};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A value of the table.
pub(crate) trait Entry: Serialize + DeserializeOwned + Default + Send + Sync {
    /// Until when the table must keep it, in seconds since 1970; none keeps it for good.
    fn keep_until(&self, now: u64) -> Option<u64>;
}

/// A value as it was read, or as it was just written.
pub(crate) struct Versioned<T> {
    version: Option<u64>,
    pub(crate) value: T,
}

impl<T> Versioned<T> {
    /// Another value, to be written in place of the same version.
    pub(crate) fn with(self, value: T) -> Self {
        Self { value, ..self }
    }

    /// Whether the table has it: what is not there reads as empty.
    pub(crate) fn is_stored(&self) -> bool {
        self.version.is_some()
    }
}

/// The store, with types and the time.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Table {
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Reads a value; what is not there is empty.
    pub(crate) async fn load<T: Entry>(&self, key: &str) -> Result<Versioned<T>, Problem> {
        let Some(document) = self.store.load(key).await? else {
            return Ok(Versioned { version: None, value: T::default() });
        };
        // What a later version wrote is not to be overwritten by an earlier one.
        let value = serde_json::from_str(&document.body).map_err(|_| Code::Misconfigured)?;
        Ok(Versioned { version: Some(document.version), value })
    }

    /// Writes a value in place of what was read; `None` if somebody else came first.
    pub(crate) async fn replace<T: Entry>(
        &self,
        key: &str,
        read: Versioned<T>,
        value: T,
    ) -> Result<Option<Versioned<T>>, Problem> {
        let body = serde_json::to_string(&value).map_err(|_| Code::Misconfigured)?;
        let until = value.keep_until(self.now());
        Ok(match self.store.save(key, read.version, &body, until).await? {
            Written::Stored => Some(Versioned { version: Some(next(read.version)), value }),
            Written::Conflict => None,
        })
    }
}
