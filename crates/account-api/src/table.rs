//! State between two calls: typed values under a key. A value is replaced only if nobody changed it since it was read.

use crate::clock::Clock;
use crate::problem::{Code, Problem};
use crate::store::{Document, Listed, Store, Write, Written, next};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A value of the table.
pub(crate) trait Entry: Serialize + DeserializeOwned + Default + Send + Sync {
    /// Until when the table must keep it, in seconds since 1970. `None` keeps it for good.
    fn keep_until(&self, now: u64) -> Option<u64>;

    /// The list that the table keeps it in, and its place there.
    fn listed(&self) -> Option<(&'static str, String)> {
        None
    }
}

/// A value as it was read, or as it was just written.
pub(crate) struct Versioned<T> {
    pub(crate) key: String,
    version: Option<u64>,
    pub(crate) value: T,
}

impl<T> Versioned<T> {
    /// What is read where there is nothing, to write a value only if there is none.
    pub(crate) fn nothing(key: String) -> Self
    where
        T: Default,
    {
        Self { key, version: None, value: T::default() }
    }

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
    pub(crate) async fn load<T: Entry>(&self, key: String) -> Result<Versioned<T>, Problem> {
        let Some(document) = self.store.load(&key).await? else { return Ok(Versioned::nothing(key)) };
        Ok(Versioned { key, version: Some(document.version), value: read(&document)? })
    }

    /// Reads a part of a list, as [`Store::list`] does.
    pub(crate) async fn list<T: Entry>(
        &self,
        list: &'static str,
        from: &str,
        to: &str,
        most: u16,
    ) -> Result<Vec<T>, Problem> {
        self.store.list(list, from, to, most).await?.iter().map(read).collect()
    }

    /// Replaces the value that was read. Returns `None` if another call changed it first.
    pub(crate) async fn replace<T: Entry>(
        &self,
        read: Versioned<T>,
        value: T,
    ) -> Result<Option<Versioned<T>>, Problem> {
        self.change(read, |_| value).await
    }

    /// The same with a value that is made of the one that was read.
    pub(crate) async fn change<T: Entry>(
        &self,
        read: Versioned<T>,
        change: impl FnOnce(T) -> T,
    ) -> Result<Option<Versioned<T>>, Problem> {
        let Versioned { key, version, value } = read;
        let value = change(value);
        let body = serde_json::to_string(&value).map_err(|_| Code::Misconfigured)?;
        let listed = value.listed();
        let listed = listed.as_ref().map(|(list, place)| Listed { list, place });
        let write = Write { body: &body, keep_until: value.keep_until(self.now()), listed };
        Ok(match self.store.save(&key, version, write).await? {
            Written::Stored => Some(Versioned { key, version: Some(next(version)), value }),
            Written::Conflict => None,
        })
    }
}

/// A value that cannot be read may come from a later version of this API. An earlier one must not overwrite it.
fn read<T: Entry>(document: &Document) -> Result<T, Problem> {
    serde_json::from_str(&document.body).map_err(|_| Code::Misconfigured.into())
}
