//! State between two calls: typed values under a key. A value is replaced only if nobody changed it since it was read.

use crate::clock::Clock;
use crate::problem::{Code, Problem};
use crate::store::{Store, Written, next};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A value of the table.
pub(crate) trait Entry: Serialize + DeserializeOwned + Default + Send + Sync {
    /// Until when the table must keep it, in seconds since 1970. `None` keeps it for good.
    fn keep_until(&self, now: u64) -> Option<u64>;
}

/// A value as it was read, or as it was just written.
pub(crate) struct Versioned<T> {
    version: Option<u64>,
    pub(crate) value: T,
}

impl<T> Versioned<T> {
    /// Another value, to replace the same version.
    pub(crate) fn with(self, value: T) -> Self {
        Self { value, ..self }
    }

    /// Whether the table has the entry. A missing entry reads as an empty value.
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

    /// Reads a value. A missing entry reads as an empty value.
    pub(crate) async fn load<T: Entry>(&self, key: &str) -> Result<Versioned<T>, Problem> {
        let Some(document) = self.store.load(key).await? else {
            return Ok(Versioned { version: None, value: T::default() });
        };
        // A value that cannot be read may come from a later version of this API. An earlier one must not overwrite it.
        let value = serde_json::from_str(&document.body).map_err(|_| Code::Misconfigured)?;
        Ok(Versioned { version: Some(document.version), value })
    }

    /// Replaces the value that was read. Returns `None` if another call changed it first.
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
