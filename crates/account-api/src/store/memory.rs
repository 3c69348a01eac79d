//! A store in memory, for tests.

use super::{Document, Store, StoreError, Written, next};
use futures_util::future::{BoxFuture, FutureExt};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most bytes of a key, as for a partition key (DynamoDB developer guide, "Constraints").
const MAX_KEY: usize = 2048;

fn check(operation: &'static str, key: &str) -> Result<(), StoreError> {
    if key.len() <= MAX_KEY {
        return Ok(());
    }
    Err(StoreError { operation, code: "ValidationException".to_owned() })
}

/// A store in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Each document with the time until which it is kept.
    documents: BTreeMap<String, (Document, Option<u64>)>,
    numbers: BTreeMap<String, i64>,
}

impl MemoryStore {
    /// Every document, one on each line.
    #[must_use]
    pub fn text(&self) -> String {
        self.state().documents.values().fold(String::new(), |text, (document, _)| text + &document.body + "\n")
    }

    /// Deletes the documents that need not be kept at this time, in seconds since 1970. DynamoDB does that some days
    /// later.
    pub fn expire(&self, now: u64) {
        self.state().documents.retain(|_, (_, until)| until.is_none_or(|until| now < until));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Document>, StoreError>> {
        async move {
            check("GetItem", key)?;
            let found = self.state().documents.get(key).map(|(document, _)| document.clone());
            // Lets other tasks run, as they would while the network answers.
            tokio::task::yield_now().await;
            Ok(found)
        }
        .boxed()
    }

    fn save<'a>(
        &'a self,
        key: &'a str,
        version: Option<u64>,
        body: &'a str,
        until: Option<u64>,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        async move {
            check("PutItem", key)?;
            tokio::task::yield_now().await;
            let documents = &mut self.state().documents;
            if documents.get(key).map(|(document, _)| document.version) != version {
                return Ok(Written::Conflict);
            }
            let document = Document { version: next(version), body: body.to_owned() };
            documents.insert(key.to_owned(), (document, until));
            Ok(Written::Stored)
        }
        .boxed()
    }

    fn add<'a>(&'a self, key: &'a str, number: i64, _until: u64) -> BoxFuture<'a, Result<i64, StoreError>> {
        async move {
            check("UpdateItem", key)?;
            tokio::task::yield_now().await;
            let mut state = self.state();
            let sum = state.numbers.entry(key.to_owned()).or_default();
            *sum += number;
            Ok(*sum)
        }
        .boxed()
    }
}
