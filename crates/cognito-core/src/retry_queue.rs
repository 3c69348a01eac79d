//! Where a function leaves what it could not write, to be handed it again later.

use std::error::Error;

/// A queue that keeps messages and hands each to the function again until the function has no error.
pub trait RetryQueue {
    /// Leaves a message of at most 256 KiB.
    fn put(&self, message: String) -> impl Future<Output = Result<(), NotKept>> + Send;
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
    async fn put(&self, message: String) -> Result<(), NotKept> {
        self.messages.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(message);
        Ok(())
    }
}
