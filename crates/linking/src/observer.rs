use crate::decision::Destination;
use cognito_core::provider::SourceIdentity;
use std::fmt::Debug;
use std::pin::Pin;

/// Is told of a link before it is made.
///
/// After a link nothing is left to do, because no further invocation comes. So whoever must not miss one is told before,
/// and looks later whether it was made. The same link may be told more than once.
pub trait LinkObserver: Debug + Sync {
    /// `identity` is about to be linked to `to`. The link waits until this returns.
    fn link_begins<'a>(
        &'a self,
        to: &'a Destination,
        identity: &'a SourceIdentity,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}
