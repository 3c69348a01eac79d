//! How mails leave.

#[cfg(feature = "testing")]
pub mod memory;
pub mod ses;

use cognito_core::email::Email;
use futures_util::future::BoxFuture;
use messages::Letter;

/// A mail that was not taken. It names AWS's error code and never the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SendEmail: {code}")]
pub struct NotSent {
    /// AWS's error code, or what else went wrong.
    pub code: String,
}

impl NotSent {
    /// Whether SES cannot make sense of the recipient. `BadRequestException` stands for a request that is malformed, and of
    /// what we send only the recipient is anybody's word: the sender is read at start, the letter is checked. A sender that
    /// is not verified, or a sandbox that takes no strangers for recipients, is `MessageRejected` and therefore no
    /// recipient's fault; so is a letter that SES takes for harmful, which is not told apart.
    #[must_use]
    pub fn is_recipients(&self) -> bool {
        self.code == "BadRequestException"
    }
}

/// Sends mails from one sender.
pub trait Mailer: Send + Sync {
    /// Hands one mail over. That it was taken does not say that it arrives.
    fn send<'a>(&'a self, to: &'a Email, letter: &'a Letter) -> BoxFuture<'a, Result<(), NotSent>>;
}
