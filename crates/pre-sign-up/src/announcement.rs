//! Tells the event bus that a link is about to be made, so that the account API tells the owner of the account.

use cognito_core::account_event::{AccountEvent, EventBus, What};
use cognito_core::event::Event;
use cognito_core::provider::SourceIdentity;
use linking::{Destination, LinkObserver};
use std::fmt;
use std::pin::Pin;
use std::time::SystemTime;

/// The bus, for the person of one event.
pub(crate) struct Announcement<'a> {
    pub(crate) bus: &'a dyn EventBus,
    pub(crate) event: &'a Event,
    /// The time of the invocation.
    pub(crate) now: SystemTime,
}

impl fmt::Debug for Announcement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Announcement(…)")
    }
}

impl LinkObserver for Announcement<'_> {
    fn link_begins<'a>(
        &'a self,
        to: &'a Destination,
        identity: &'a SourceIdentity,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let at = self.now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let what = What::LinkBegun { provider: identity.provider().to_owned() };
            let event = AccountEvent::new(self.event.user_pool_id(), &to.sub, at, what);
            // A bus that fails must not keep people out.
            let events = [event];
            if let Err(why) = self.bus.put(&events).await {
                why.log(&events);
            }
        })
    }
}

#[cfg(test)]
mod tests;
