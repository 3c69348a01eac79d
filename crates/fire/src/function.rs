//! What answers the sign-ins: the engine in virtual time, the real binary, and the function of the articles.

mod article;
mod binary;
mod engine;
mod queue;

pub use article::Article;
pub use binary::Binary;
pub use engine::Engine;
pub use queue::Queue;

use serde_json::Value;

/// A pre sign-up function as Lambda runs it: as many processes as there are events at a time.
pub trait Function: 'static {
    /// The name in tables.
    const NAME: &'static str;

    /// Answers an event. The error is the code of the refusal or failure.
    fn invoke(&self, event: &Value) -> impl Future<Output = Result<(), String>>;

    /// How many memberships wait in the queue.
    fn waiting(&self) -> usize {
        0
    }

    /// Hands one of them to post confirmation, if its time has come. Returns whether it was written.
    fn hand_over(&self) -> impl Future<Output = bool> {
        std::future::ready(false)
    }
}
