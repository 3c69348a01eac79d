//! A queue for tests. It keeps the jobs it is given.

use super::{Job, NotTaken, Queue};
use futures_util::future::{BoxFuture, FutureExt};
use std::sync::{Arc, Mutex, PoisonError};

/// A queue in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryQueue(Arc<Mutex<Vec<Job>>>);

impl MemoryQueue {
    /// Takes every job out.
    #[must_use]
    pub fn take(&self) -> Vec<Job> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Queue for MemoryQueue {
    fn put<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), NotTaken>> {
        async {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(job.clone());
            Ok(())
        }
        .boxed()
    }
}
