//! Tells the application's event bus what happened to accounts.

use crate::clock::Clock;
use crate::problem::{Code, Problem};
use crate::queue::{Job, Queue};
use cognito_core::account_event::{AccountEvent, EventBus, What};
use std::sync::Arc;

/// The bus, if there is one, and the queue for events that it does not take at once.
#[derive(Clone)]
pub(crate) struct Events {
    pub(crate) bus: Option<Arc<dyn EventBus>>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) user_pool_id: String,
}

impl Events {
    /// Tells what happened to an account. Call it before the end of the work is written: whoever completes the work after a
    /// cut then tells it again. An event that the bus does not take now is left to a later run, and never keeps the work
    /// from its end.
    pub(crate) async fn tell(&self, sub: &str, happened: impl IntoIterator<Item = What>) {
        self.tell_of(sub, self.clock.now(), happened).await;
    }

    /// The same of something that happened at this time.
    pub(crate) async fn tell_of(&self, sub: &str, at: u64, happened: impl IntoIterator<Item = What>) {
        let Some(bus) = &self.bus else { return };
        let event = |what| AccountEvent::new(&self.user_pool_id, sub, at, what);
        let events: Vec<_> = happened.into_iter().map(event).collect();
        let Err(why) = bus.put(&events).await else { return };
        if !why.may_pass {
            return why.log(&events);
        }
        for event in &events {
            if let Err(full) = self.queue.put(&Job::Event { event: event.clone() }).await {
                Problem::from(full).log(Some(sub));
                why.log(std::slice::from_ref(event));
            }
        }
    }

    /// Tells an event that was left to a later run. Nobody knows which run is the last, so each failure is logged.
    pub(crate) async fn tell_again(&self, event: &AccountEvent) -> Result<(), Problem> {
        let Some(bus) = &self.bus else { return Ok(()) };
        let events = std::slice::from_ref(event);
        let Err(why) = bus.put(events).await else { return Ok(()) };
        why.log(events);
        if why.may_pass { Err(Problem::from(Code::TryAgain).because(&why)) } else { Ok(()) }
    }
}
