//! What answers the sign-ins: the engine in virtual time, the real binary, and the function of the articles.

mod article;
mod binary;
mod engine;
mod queue;

pub use article::Article;
pub use binary::Binary;
pub use engine::Engine;
pub use queue::Queue;

use cognito_core::trigger::{Clock, TIME_LIMIT, Trigger, answer};
use serde_json::Value;
use serde_json::value::to_raw_value;

/// When Cognito calls a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before it makes an account.
    PreSignUp,
    /// After the first sign-in.
    PostConfirmation,
}

/// The functions of a first sign-in as Lambda runs them: as many processes as there are events at a time.
pub trait Function: 'static {
    /// The name in tables.
    const NAME: &'static str;

    /// Answers an event. The error is the code of the refusal or failure.
    fn invoke(&self, when: When, event: &Value) -> impl Future<Output = Result<(), String>>;

    /// How many memberships wait in the queue.
    fn waiting(&self) -> usize {
        0
    }

    /// Hands one of them to post confirmation, if its time has come. Returns whether it was written.
    fn hand_over(&self) -> impl Future<Output = bool> {
        std::future::ready(false)
    }
}

/// Lets a function answer an event as its binary does. The error is the code of the refusal or failure.
pub(crate) async fn answered(trigger: &impl Trigger, event: &Value) -> Result<(), String> {
    let event = to_raw_value(event).map_err(|why| why.to_string())?;
    let answered = answer(trigger, &event, Clock::starting_now(TIME_LIMIT)).await;
    answered.map(drop).map_err(|failure| failure.kind().code.to_owned())
}
