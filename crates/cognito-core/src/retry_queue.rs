//! Where a function leaves what it could not write, to be handed to post confirmation later.

use crate::event::Event;
use crate::user_pool::UserName;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::time::Duration;

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

/// The queue did not take a message. The cause holds nothing of the message.
#[derive(Debug, thiserror::Error)]
#[error("SendMessage")]
pub struct NotKept(#[source] pub Box<dyn Error + Send + Sync>);

/// A queue in memory. Clones share it.
#[cfg(feature = "testing")]
#[derive(Clone, Debug, Default)]
pub struct MemoryQueue {
    messages: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

#[cfg(feature = "testing")]
impl MemoryQueue {
    /// The messages that were put into it, the oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

#[cfg(feature = "testing")]
impl RetryQueue for MemoryQueue {
    async fn put(&self, message: String, _: Option<Duration>) -> Result<(), NotKept> {
        self.messages.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(message);
        Ok(())
    }
}
