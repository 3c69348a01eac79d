//! Where a function leaves what it could not write, to be handed to post confirmation later.

use crate::event::Event;
use crate::user_pool::UserName;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// `RETRY_QUEUE_URL`: the SQS queue for memberships that could not be written.
pub const RETRY_QUEUE_URL: &str = "RETRY_QUEUE_URL";

/// A queue that keeps messages and hands each to post confirmation again until that has no error.
pub trait RetryQueue {
    /// Leaves a message of at most 256 KiB. It comes after `delay`, at most 15 minutes, or else when the queue itself
    /// says.
    fn put(&self, message: String, delay: Option<Duration>) -> impl Future<Output = Result<(), NotKept>> + Send;
}

/// Somebody who joins the default group, as it waits in the queue. The group itself is not part of it, so that the setting
/// of today counts: that of the pool and of the app client.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The user pool.
    pub user_pool_id: String,
    /// The exact user name.
    pub user_name: String,
    /// The `sub`, if it is known.
    pub sub: Option<String>,
    /// The app client with which the person came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

impl Membership {
    /// The membership of a person whom the event is about.
    #[must_use]
    pub fn of(event: &Event, user: &UserName, sub: Option<&str>) -> Self {
        let (user_pool_id, user_name) = (event.user_pool_id().to_owned(), user.as_str().to_owned());
        Self { user_pool_id, user_name, sub: sub.map(str::to_owned), client_id: event.client_id() }
    }

    /// Leaves it in the queue.
    ///
    /// # Errors
    ///
    /// Returns [`NotKept`] if the queue does not take it.
    pub async fn keep(&self, queue: &impl RetryQueue, delay: Option<Duration>) -> Result<(), NotKept> {
        let message = serde_json::to_string(self).map_err(|why| NotKept(why.into()))?;
        queue.put(message, delay).await
    }
}

/// How long no membership is tried after Cognito threw one back.
pub const RUSH: Duration = Duration::from_secs(30);

/// When a membership that waits for the end of a rush comes back, in seconds: when it may be over, and not all at once.
const BACK: std::ops::Range<u64> = 240..480;

/// Until when this process takes it that many people come at once. Their memberships wait in the queue then, so that
/// Cognito's quota is left for the links.
#[derive(Debug, Default)]
pub struct Rush(Mutex<Option<Instant>>);

impl Rush {
    /// Whether Cognito threw an update back a moment ago.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() < until)
    }

    /// Cognito threw an update back.
    pub fn begin(&self) {
        *self.until() = Some(Instant::now() + RUSH);
    }

    /// After how long a membership may come back. `None` if nothing says that many people come.
    #[must_use]
    pub fn comes_back(&self) -> Option<Duration> {
        self.is_on().then(|| Duration::from_secs(rand::random_range(BACK)))
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queue did not take a message. The cause holds nothing of the message.
#[derive(Debug, thiserror::Error)]
#[error("SendMessage")]
pub struct NotKept(#[source] pub Box<dyn Error + Send + Sync>);

/// A queue in memory. Clones share it.
#[cfg(feature = "testing")]
#[derive(Clone, Debug, Default)]
pub struct MemoryQueue {
    messages: std::sync::Arc<Mutex<Vec<String>>>,
}

#[cfg(feature = "testing")]
impl MemoryQueue {
    /// The messages that were put into it, the oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(feature = "testing")]
impl RetryQueue for MemoryQueue {
    async fn put(&self, message: String, _: Option<Duration>) -> Result<(), NotKept> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        Ok(())
    }
}
