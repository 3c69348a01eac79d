//! A store in memory, for tests.

use super::{Document, Store, StoreError, StoreFuture, Write, Written, next};
use futures_util::future::FutureExt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most bytes of a key, as for a partition key (DynamoDB developer guide, "Constraints").
const MAX_KEY: usize = 2048;

/// A store in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    documents: BTreeMap<String, Kept>,
    /// The numbers, each with the time until which it is kept.
    numbers: BTreeMap<String, (i64, u64)>,
    is_broken: bool,
}

#[derive(Clone, Debug)]
struct Kept {
    document: Document,
    /// The time until which it is kept.
    until: Option<u64>,
    /// Its list and its place there.
    place: Option<(&'static str, String)>,
}

impl MemoryStore {
    /// Every document, one on each line.
    #[must_use]
    pub fn text(&self) -> String {
        self.state().documents.values().fold(String::new(), |text, kept| text + &kept.document.body + "\n")
    }

    /// Deletes the documents and numbers that need not be kept at this time, in seconds since 1970. DynamoDB does that
    /// some days later.
    pub fn expire(&self, now: u64) {
        let mut state = self.state();
        state.documents.retain(|_, kept| kept.until.is_none_or(|until| now < until));
        state.numbers.retain(|_, (_, until)| now < *until);
    }

    /// How many numbers there are.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.state().numbers.len()
    }

    /// Takes over everything that another store has.
    pub fn copy_from(&self, other: &Self) {
        let copied = other.state().clone();
        *self.state() = copied;
    }

    /// Sets whether every call fails from now on.
    pub fn set_broken(&self, broken: bool) {
        self.state().is_broken = broken;
    }

    fn check(&self, operation: &'static str, key: &str) -> Result<(), StoreError> {
        let code = match (key.len() <= MAX_KEY, self.state().is_broken) {
            (true, false) => return Ok(()),
            (true, true) => "InternalServerError",
            (false, _) => "ValidationException",
        };
        Err(StoreError { operation, code: code.to_owned() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Document>> {
        async move {
            self.check("GetItem", key)?;
            let found = self.state().documents.get(key).map(|kept| kept.document.clone());
            // Lets other tasks run, as they would while the network answers.
            tokio::task::yield_now().await;
            Ok(found)
        }
        .boxed()
    }

    fn save<'a>(&'a self, key: &'a str, version: Option<u64>, write: Write<'a>) -> StoreFuture<'a, Written> {
        async move {
            self.check("PutItem", key)?;
            tokio::task::yield_now().await;
            let documents = &mut self.state().documents;
            if documents.get(key).map(|kept| kept.document.version) != version {
                return Ok(Written::Conflict);
            }
            let document = Document { version: next(version), body: write.body.to_owned() };
            let place = write.listed.map(|listed| (listed.list, listed.place.to_owned()));
            documents.insert(key.to_owned(), Kept { document, until: write.keep_until, place });
            Ok(Written::Stored)
        }
        .boxed()
    }

    fn list<'a>(&'a self, list: &'static str, from: &'a str, to: &'a str, most: u16) -> StoreFuture<'a, Vec<Document>> {
        async move {
            self.check("Query", list)?;
            tokio::task::yield_now().await;
            let state = self.state();
            let mut found: Vec<_> = state
                .documents
                .values()
                .filter_map(|kept| Some((kept.place.as_ref()?, &kept.document)))
                .filter(|((of, place), _)| *of == list && (from..to).contains(&place.as_str()))
                .collect();
            found.sort_by(|one, other| other.0.cmp(one.0));
            Ok(found.into_iter().take(usize::from(most)).map(|(_, document)| document.clone()).collect())
        }
        .boxed()
    }

    fn add<'a>(&'a self, key: &'a str, number: i64, keep_until: u64) -> StoreFuture<'a, i64> {
        async move {
            self.check("UpdateItem", key)?;
            tokio::task::yield_now().await;
            let mut state = self.state();
            let (sum, until) = state.numbers.entry(key.to_owned()).or_default();
            *sum += number;
            *until = keep_until;
            Ok(*sum)
        }
        .boxed()
    }
}
