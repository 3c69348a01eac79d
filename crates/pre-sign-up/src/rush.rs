//! Many people come at once: their memberships of the default group wait in the queue, so that Cognito's quota is left for
//! the links.

use cognito_core::event::Event;
use cognito_core::failure::{Failure, Kind};
use cognito_core::retry_queue::{Membership, RetryQueue, Rush};
use linking::{Destination, Later};
use std::fmt;
use std::pin::Pin;

/// The queue, for the person of one event.
pub(crate) struct Waits<'a, Q> {
    pub(crate) queue: &'a Q,
    pub(crate) rush: &'a Rush,
    pub(crate) event: &'a Event,
}

impl<Q> fmt::Debug for Waits<'_, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waits(…)")
    }
}

impl<Q: RetryQueue + Sync> Later for Waits<'_, Q> {
    fn is_busy(&self) -> bool {
        self.rush.is_on()
    }

    fn note_throttling(&self) {
        self.rush.begin();
    }

    fn keep<'a>(&'a self, to: &'a Destination) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move {
            let membership = Membership::of(self.event, &to.user_name, Some(&to.sub));
            let kept = membership.keep(self.queue, self.rush.comes_back()).await;
            let is_kept = kept.is_ok();
            match kept {
                Ok(()) => {
                    let message = "many people sign in at once; the new user joins the group later";
                    tracing::warn!(error_code = "group_waits", sub = to.sub, "{message}");
                }
                Err(why) => {
                    let cause = Failure::because(Kind::TRY_AGAIN, why).cause_chain();
                    tracing::error!(
                        error_code = "retry_queue_failed",
                        cause,
                        "the retry queue did not take a membership"
                    );
                }
            }
            is_kept
        })
    }
}

#[cfg(test)]
mod tests;
