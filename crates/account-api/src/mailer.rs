//! Sends mails.

#[cfg(feature = "testing")]
pub mod memory;
pub mod ses;

use cognito_core::email::Email;
use futures_util::future::BoxFuture;
use messages::Letter;

/// A mail that the mailer did not take. The error names AWS's error code and never the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SendEmail: {code}")]
pub struct NotSent {
    /// AWS's error code, or what else went wrong.
    pub code: String,
}

impl NotSent {
    /// Whether SES cannot use the recipient's address. `BadRequestException` stands for a malformed request, and the
    /// recipient is the only part that a stranger chooses: the sender is checked at start, and the letter before it is
    /// sent. `MessageRejected` is never the recipient's fault. It stands for a sender that is not verified, for the
    /// sandbox, which takes no unknown recipients, and for a letter that SES takes for harmful. Its code does not tell
    /// these apart.
    #[must_use]
    pub fn is_recipients(&self) -> bool {
        self.code == "BadRequestException"
    }
}

/// Sends mails from one sender.
pub trait Mailer: Send + Sync {
    /// Hands one mail over. Success does not mean that it arrives.
    fn send<'a>(&'a self, to: &'a Email, letter: &'a Letter) -> BoxFuture<'a, Result<(), NotSent>>;
}
