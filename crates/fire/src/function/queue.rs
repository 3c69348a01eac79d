//! The queue of memberships that wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cognito_core::retry_queue::{NotKept, RetryQueue};
use tokio::time::{Instant, sleep};

/// How long SQS takes to take a message.
const LATENCY: Duration = Duration::from_millis(20);
/// When a message comes that says nothing of it, as in `template.yaml`.
const DELAY: Duration = Duration::from_secs(30);
/// When a message comes back that could not be written, as in `template.yaml`.
const VISIBILITY: Duration = Duration::from_mins(5);

/// A queue as the template makes it. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Queue(Arc<Mutex<Vec<(Instant, String)>>>);

impl Queue {
    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.messages().len()
    }

    /// Takes a message whose time has come.
    pub(super) fn take(&self) -> Option<String> {
        let mut messages = self.messages();
        let due = messages.iter().position(|(at, _)| *at <= Instant::now())?;
        Some(messages.swap_remove(due).1)
    }

    /// Puts a message back that was not written.
    pub(super) fn put_back(&self, message: String) {
        self.messages().push((Instant::now() + VISIBILITY, message));
    }

    fn messages(&self) -> MutexGuard<'_, Vec<(Instant, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RetryQueue for Queue {
    async fn put(&self, message: String, delay: Option<Duration>) -> Result<(), NotKept> {
        sleep(LATENCY).await;
        self.messages().push((Instant::now() + delay.unwrap_or(DELAY), message));
        Ok(())
    }
}
