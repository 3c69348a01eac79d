//! What a trigger function is: sources it handles, and a handler that edits the response.

use crate::event::{Event, TriggerSource};
use crate::failure::{Failure, Kind};
use serde_json::value::RawValue;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How long a function may work on one event, counted from its arrival. Cognito gives up after
/// 5 seconds, whatever the function's own timeout; the rest is for the way there and back.
pub const TIME_LIMIT: Duration = Duration::from_millis(4500);

/// `error_code` of the warning about an event of a trigger source that is not known here.
pub const UNKNOWN_SOURCE: &str = "unknown_source";
/// `error_code` of the warning about an event of a version that is not known here.
pub const UNKNOWN_VERSION: &str = "unknown_version";

/// A Cognito trigger function.
pub trait Trigger {
    /// Whether this function has anything to do for a source. Events of other sources go back
    /// untouched and without any call.
    fn handles(&self, source: TriggerSource) -> bool;

    /// Does the work and sets what `response` should say.
    fn handle(&self, event: &mut Event, clock: Clock) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// When the invocation arrived and when it must have answered.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now: SystemTime,
    deadline: Instant,
}

impl Clock {
    /// A clock for an event that arrives now and may take `limit`, at most [`TIME_LIMIT`].
    #[must_use]
    pub fn starting_now(limit: Duration) -> Self {
        Self { now: SystemTime::now(), deadline: Instant::now() + limit.min(TIME_LIMIT) }
    }

    /// The time of arrival.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Runs `work` until the deadline.
    ///
    /// # Errors
    ///
    /// [`Kind::TRY_AGAIN`] if the deadline passes first; `work` is dropped at its next await, so
    /// it must be safe to cut off and repeat.
    pub fn limit<T, W: Future<Output = T>>(&self, work: W) -> impl Future<Output = Result<T, Failure>> + use<T, W> {
        // Boxed before anything holds it: moving a future of the SDK's size about costs more than the box.
        let work = tokio::time::timeout_at(self.deadline, Box::pin(work));
        async { work.await.map_err(|_| Failure::because(Kind::TRY_AGAIN, "the time for an answer ran out")) }
    }
}

/// Answers one event: reads it, lets `trigger` handle it, and gives back the same JSON with only
/// `response` changed. A source that is not known goes back as it came, with a warning. A version that is not known is
/// a warning only: what an event is comes from its members and its source, and emulators send versions of their own.
///
/// # Errors
///
/// The trigger's [`Failure`], or [`Kind::NOT_A_COGNITO_EVENT`]. It has been logged.
pub async fn answer(trigger: &impl Trigger, payload: &RawValue, clock: Clock) -> Result<Box<RawValue>, Failure> {
    answer_or_fail(trigger, payload, clock).await.inspect_err(Failure::log)
}

async fn answer_or_fail(trigger: &impl Trigger, payload: &RawValue, clock: Clock) -> Result<Box<RawValue>, Failure> {
    let mut event = Event::parse(payload.get()).map_err(|why| Failure::because(Kind::NOT_A_COGNITO_EVENT, why))?;
    let source = event.source();
    if source == TriggerSource::Unknown {
        tracing::warn!(error_code = UNKNOWN_SOURCE, "unknown trigger source, the event goes back unchanged");
    } else if trigger.handles(source) {
        if !event.has_supported_version() {
            tracing::warn!(error_code = UNKNOWN_VERSION, source = source.as_str(), "unknown event version");
        }
        trigger.handle(&mut event, clock).await?;
    }
    event.into_answer().map_err(|why| Failure::because(Kind::NOT_A_COGNITO_EVENT, why))
}

#[cfg(test)]
mod tests;
