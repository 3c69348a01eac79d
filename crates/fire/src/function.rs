//! What answers the sign-ins: the engine in virtual time, the real binary, and the function of the articles.

mod article;
mod binary;
mod engine;

pub use article::Article;
pub use binary::Binary;
pub use engine::Engine;

use serde_json::Value;

/// A pre sign-up function as Lambda runs it: as many processes as there are events at a time.
pub trait Function: 'static {
    /// The name in tables.
    const NAME: &'static str;

    /// Answers an event. The error is the code of the refusal or failure.
    fn invoke(&self, event: &Value) -> impl Future<Output = Result<(), String>>;
}
