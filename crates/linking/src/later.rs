use crate::decision::Destination;
use std::fmt::Debug;
use std::pin::Pin;

/// A way to let a new person join the group a little later.
///
/// A new account costs two updates, the group and the link, and Cognito lets 25 through each second, for good. The link
/// cannot wait. If the group waits, twice as many people come in.
pub trait Later: Debug + Sync {
    /// Whether Cognito threw updates back a moment ago. Then the group is not even tried, because each try that succeeds
    /// takes a link from somebody else.
    fn is_busy(&self) -> bool;

    /// Cognito threw an update back.
    fn note_throttling(&self);

    /// Notes the membership durably. Returns whether that succeeded. The link may follow then.
    fn keep<'a>(&'a self, to: &'a Destination) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
}
