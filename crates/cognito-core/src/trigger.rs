//! A trigger function: the sources that it handles, and a handler that edits the response.

use crate::event::{Event, TriggerSource};
use crate::failure::{Failure, Kind};
use crate::next_function::merge::Answers;
use crate::next_function::settings::Defaults;
use crate::settings::Overridden;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How long a function may work on one event, counted from its arrival. Cognito gives up after 5 seconds, whatever the
/// function's own timeout is. The rest is for the network.
pub const TIME_LIMIT: Duration = Duration::from_millis(4500);

/// The `error_code` of the warning about an event with an unknown trigger source.
pub const UNKNOWN_SOURCE: &str = "unknown_source";
/// The `error_code` of the warning about an event with an unknown version.
pub const UNKNOWN_VERSION: &str = "unknown_version";

/// A Cognito trigger function.
pub trait Trigger {
    /// Whether this function can call the team's own at all. A build that cannot has no code for it, and refuses the
    /// setting.
    const CALLS_NEXT_FUNCTION: bool = true;

    /// When the team's own function is called and what its failure means, where the operator chose nothing. As here for
    /// triggers that are told what has happened: ours first, and a failure keeps nobody out.
    const NEXT_FUNCTION: Defaults = Defaults::TOLD_AFTERWARDS;

    /// Whether an error that the team's function throws is a failure like any other where failures are passed over, because
    /// ours has an answer of its own. For all other triggers such an error is a decision.
    const OURS_STANDS_IN: bool = false;

    /// Whether this function has anything to do for a source. It returns events of other sources unchanged and makes no
    /// call for them.
    fn handles(&self, source: TriggerSource) -> bool;

    /// Does the work and sets members of `response`.
    fn handle(&self, event: &mut Event, clock: Clock) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Does the work of something that no trigger event is, such as messages from the function's own queue. `None`, as
    /// by default, if this function does not know it either.
    fn handle_other(&self, payload: &str, clock: Clock) -> impl Future<Output = Option<Result<(), Failure>>> + Send {
        let _ = (payload, clock);
        std::future::ready(None)
    }

    /// The members of `response` that the team's own function may not have its way with, and what they are instead. None
    /// by default: what it said counts, and otherwise what this function said.
    fn overrule(&self, event: &Event, answers: &Answers) -> Map<String, Value> {
        let _ = (event, answers);
        Map::new()
    }

    /// The user pool and the app client that such a message is about. `None`, as by default, if it names no pool.
    #[must_use]
    fn origin_of_other(payload: &str) -> Option<(String, Option<String>)> {
        let _ = payload;
        None
    }
}

/// Where the trigger of an event comes from: one for all events, or one that depends on the event.
pub trait Choose {
    /// The trigger.
    type Trigger: Trigger;

    /// The trigger for this event.
    fn for_event(&self, event: &Event) -> &Self::Trigger;

    /// The trigger for something that is no event.
    fn for_other(&self, payload: &str) -> &Self::Trigger;
}

impl<T: Trigger> Choose for T {
    type Trigger = T;

    fn for_event(&self, _: &Event) -> &T {
        self
    }

    fn for_other(&self, _: &str) -> &T {
        self
    }
}

impl<T: Trigger> Choose for Overridden<T> {
    type Trigger = T;

    fn for_event(&self, event: &Event) -> &T {
        self.fitting(event.user_pool_id(), || event.client_id())
    }

    fn for_other(&self, payload: &str) -> &T {
        match T::origin_of_other(payload) {
            Some((user_pool_id, client_id)) => self.fitting(&user_pool_id, || client_id),
            None => self.base(),
        }
    }
}

/// When the invocation arrived, and its deadline.
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

    /// The same clock with a deadline that leaves `time` for something afterwards.
    #[must_use]
    pub fn leaving(self, time: Duration) -> Self {
        Self { deadline: self.deadline.checked_sub(time).unwrap_or(self.deadline), ..self }
    }

    /// The time until the deadline.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// When an answer must be there.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Runs `work` until the deadline.
    ///
    /// # Errors
    ///
    /// Returns [`Kind::TRY_AGAIN`] if the deadline passes first. `work` is then dropped at its next await, so it must
    /// be safe to cut it off and repeat it.
    pub fn limit<T, W: Future<Output = T>>(&self, work: W) -> impl Future<Output = Result<T, Failure>> + use<T, W> {
        // Boxed first, because moving a future of the SDK's size costs more than the box.
        let work = tokio::time::timeout_at(self.deadline, Box::pin(work));
        async { work.await.map_err(|_| Failure::because(Kind::TRY_AGAIN, "the time for an answer ran out")) }
    }
}

/// Answers one event: reads it, lets `trigger` handle it, and returns the same JSON with only `response` changed. An
/// event with an unknown source is returned unchanged, with a warning. An unknown version is only a warning, because
/// members and source say what an event is, and emulators send other versions. What is no event of Cognito goes to
/// [`Trigger::handle_other`], and the answer is `null`.
///
/// # Errors
///
/// Returns the trigger's [`Failure`], or [`Kind::NOT_A_COGNITO_EVENT`]. It has been logged.
pub async fn answer(trigger: &impl Choose, payload: &RawValue, clock: Clock) -> Result<Box<RawValue>, Failure> {
    answer_by(trigger, payload, clock, async |trigger, event| handle(trigger, event, clock).await).await
}

/// The same, where `work` gets the trigger for an event of Cognito and does what is to be done.
pub(crate) async fn answer_by<T: Choose>(
    trigger: &T,
    payload: &RawValue,
    clock: Clock,
    work: impl AsyncFnOnce(&T::Trigger, &mut Event) -> Result<(), Failure>,
) -> Result<Box<RawValue>, Failure> {
    answer_or_fail(trigger, payload, clock, work).await.inspect_err(Failure::log)
}

async fn answer_or_fail<T: Choose>(
    trigger: &T,
    payload: &RawValue,
    clock: Clock,
    work: impl AsyncFnOnce(&T::Trigger, &mut Event) -> Result<(), Failure>,
) -> Result<Box<RawValue>, Failure> {
    let mut event = match Event::parse(payload.get()) {
        Ok(event) => event,
        Err(why) => match trigger.for_other(payload.get()).handle_other(payload.get(), clock).await {
            Some(done) => return done.map(|()| RawValue::NULL.to_owned()),
            None => return Err(Failure::because(Kind::NOT_A_COGNITO_EVENT, why)),
        },
    };
    tracing::Span::current().record("user_pool_id", event.user_pool_id());
    let trigger = trigger.for_event(&event);
    work(trigger, &mut event).await?;
    event.into_answer().map_err(|why| Failure::because(Kind::NOT_A_COGNITO_EVENT, why))
}

/// Lets `trigger` do its work, if it has any for this event.
pub(crate) async fn handle(trigger: &impl Trigger, event: &mut Event, clock: Clock) -> Result<(), Failure> {
    let source = event.source();
    if source == TriggerSource::Unknown {
        tracing::warn!(error_code = UNKNOWN_SOURCE, "unknown trigger source, the event goes back unchanged");
    } else if trigger.handles(source) {
        if !event.has_supported_version() {
            tracing::warn!(error_code = UNKNOWN_VERSION, source = source.as_str(), "unknown event version");
        }
        trigger.handle(event, clock).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
