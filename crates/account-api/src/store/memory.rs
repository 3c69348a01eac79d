//! The store in memory, for tests.

use super::{Document, Store, StoreError, Written, next};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that a key may have: those of a partition key (DynamoDB developer guide, "Constraints").
const MAX_KEY: usize = 2048;

fn check(operation: &'static str, key: &str) -> Result<(), StoreError> {
    if key.len() <= MAX_KEY {
        return Ok(());
    }
    Err(StoreError { operation, code: "ValidationException".to_owned() })
}

/// A store in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<BTreeMap<String, Document>>>);

impl MemoryStore {
    /// Every document, one a line.
    #[must_use]
    pub fn text(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().fold(String::new(), |text, document| text + &document.body + "\n")
    }
}

impl Store for MemoryStore {
    async fn load(&self, key: &str) -> Result<Option<Document>, StoreError> {
        check("GetItem", key)?;
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        // Others get their turn, as they would while a network answers.
        tokio::task::yield_now().await;
        Ok(found)
    }

    async fn save(&self, key: &str, version: Option<u64>, body: &str, _until: u64) -> Result<Written, StoreError> {
        check("PutItem", key)?;
        tokio::task::yield_now().await;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(key).map(|document| document.version) != version {
            return Ok(Written::Conflict);
        }
        all.insert(key.to_owned(), Document { version: next(version), body: body.to_owned() });
        Ok(Written::Stored)
    }
}
