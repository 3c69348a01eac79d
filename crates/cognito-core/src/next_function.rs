//! The team's own function, called before or after ours.
//!
//! A trigger of a user pool calls one function. Where a team has one already, ours takes its place and calls it:
//! `NEXT_FUNCTION`. It gets Cognito's event and answers as it did for Cognito. What it says in `response` is merged with
//! what ours says, and everything else of the event stays as Cognito sent it. `docs/NEXT_FUNCTION.md` is the operator's
//! page.
//!
//! - `settings`: what the operator chose;
//! - `answer`: reads what came back, and takes nothing that is no answer to this event;
//! - `merge`: what ours says and what theirs says become one `response`;
//! - `name`: which function is meant;
//! - [`Next`]: when it is called, for how long, and what its failure means.

mod answer;
pub(crate) mod merge;
mod name;
pub(crate) mod settings;
#[cfg(test)]
mod tests;

pub use answer::{Broken, Reply};
pub use merge::Answers;
pub use name::FunctionName;
pub use settings::{
    Defaults, NAMES, NEXT_FUNCTION, NEXT_FUNCTION_FAILURE, NEXT_FUNCTION_ORDER, OnFailure, Order, Settings, refuse,
};

use crate::event::{Event, TriggerSource};
use crate::failure::{Failure, Kind};
use crate::trigger::{Clock, Trigger, handle};
use merge::{Theirs, merged};
use std::pin::Pin;
use std::time::Duration;

/// What our own `AdminCreateUser` passes as `clientMetadata`, by name and value. Cognito calls pre sign-up for it, so the
/// team's function sees an event of our making and can tell it from an administrator's.
pub const CREATED_BY: (&str, &str) = ("created_by", "cognito-triggers");
/// The value where the account API invites somebody. The team's function was never asked about that person before, so a
/// failure of it counts as its settings say.
pub const INVITED_BY: &str = "cognito-triggers-invitation";

/// The `error_code` if the team's function did not answer, or with something that is no answer.
pub const FAILED: Kind = Kind {
    code: "next_function_failed",
    message: "This is not possible at the moment, please try again later",
    refusal: false,
};
/// The `error_code` if the team's function threw an error. The person sees that error's text and not this one.
pub const REFUSED: Kind = Kind::refusal("next_function_refused", "The text of your own function");
/// The `error_code` of the warning that something the team's function said does not count.
pub const OVERRULED: &str = "next_function_overruled";

/// How the source of an event begins that `attach --test` sends. Cognito sends none of the kind.
pub const DRY_RUN: &str = "DryRun_";

/// The member of the client context that says which functions an event came through.
pub(crate) const CAME_THROUGH: &str = "cognito-triggers-came-through";

/// The time that stays for ours where theirs is called first. Ours then makes two calls to Cognito, or six for a new
/// account.
const FOR_OURS: Duration = Duration::from_secs(2);
/// The time that stays for theirs where ours works first.
const FOR_THEIRS: Duration = Duration::from_millis(1500);
/// The time for theirs where our own `AdminCreateUser` led to the event: Cognito lets that call wait, and it is given up
/// after 1.5 seconds.
const NESTED: Duration = Duration::from_secs(1);
/// The waits before the calls that follow one that Lambda throttled. Theirs has not run then, so nothing is done twice.
const PAUSES: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(400)];

/// Which functions an event came through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Via {
    /// This function's ARN without an alias, or its name.
    pub own: String,
    /// Functions of this project that have passed the event on, the first one first.
    pub earlier: Vec<String>,
    /// The trace that Lambda counts a chain of functions by.
    pub trace: Option<String>,
}

impl Via {
    fn is_loop(&self) -> bool {
        !self.own.is_empty() && self.earlier.contains(&self.own)
    }
}

/// The way to the team's function.
pub trait Caller {
    /// Calls it once with an event, and waits for its reply. Whoever calls it stops waiting when time is over.
    fn call(&self, event: &str, via: &Via) -> impl Future<Output = Result<Reply, Broken>>;
}

/// A way to the team's function of which the type does not say what it is, so that a function that has none carries no
/// code for it.
pub struct AnyCaller(Box<dyn CallBoxed>);

impl AnyCaller {
    /// Hides which way it is.
    pub fn new(caller: impl Caller + 'static) -> Self {
        Self(Box::new(caller))
    }
}

type BoxedCall<'a> = Pin<Box<dyn Future<Output = Result<Reply, Broken>> + 'a>>;

trait CallBoxed {
    fn call_boxed<'a>(&'a self, event: &'a str, via: &'a Via) -> BoxedCall<'a>;
}

impl<C: Caller> CallBoxed for C {
    fn call_boxed<'a>(&'a self, event: &'a str, via: &'a Via) -> BoxedCall<'a> {
        Box::pin(self.call(event, via))
    }
}

impl Caller for AnyCaller {
    async fn call(&self, event: &str, via: &Via) -> Result<Reply, Broken> {
        self.0.call_boxed(event, via).await
    }
}

/// The team's function with what the operator chose.
#[derive(Clone, Copy, Debug)]
pub struct Next<C> {
    caller: C,
    order: Order,
    on_failure: OnFailure,
}

impl<C: Caller> Next<C> {
    /// The function behind `caller`, called as `chosen`.
    pub fn new(caller: C, chosen: Defaults) -> Self {
        Self { caller, order: chosen.order, on_failure: chosen.on_failure }
    }

    /// Lets `trigger` and the team's function do their work, in the order that was chosen.
    ///
    /// # Errors
    ///
    /// Returns the failure of `trigger`, the error that the team's function threw ([`REFUSED`]), or [`FAILED`].
    pub async fn handle<T: Trigger>(
        &self,
        trigger: &T,
        event: &mut Event,
        clock: Clock,
        via: &Via,
    ) -> Result<(), Failure> {
        // Before anything is done, and whatever the operator chose: otherwise ours would work twice.
        if via.is_loop() {
            return Err(Failure::because(FAILED, Broken::Loop));
        }
        let theirs = match self.order {
            Order::Before => {
                let theirs = self.ask::<T>(event, clock.leaving(FOR_OURS), via).await?;
                handle(trigger, event, clock).await?;
                theirs
            }
            Order::After => {
                handle(trigger, event, clock.leaving(FOR_THEIRS)).await?;
                self.ask::<T>(event, clock, via).await?
            }
        };
        if let Some(theirs) = theirs {
            let response = merged(&event.response(), &theirs, |answers| trigger.overrule(event, answers));
            event.set_response(response);
        }
        Ok(())
    }

    /// What the team's function says. `None` if it could not be asked and that is to be passed over.
    async fn ask<T: Trigger>(&self, event: &mut Event, clock: Clock, via: &Via) -> Result<Option<Theirs>, Failure> {
        let nested = is_of_our_making(event);
        let limit = if nested { clock.left().min(NESTED) } else { clock.left() };
        let on_failure = if nested {
            // It is asked about the person in the sign-in that makes us create the account, and refusing here would
            // break that.
            OnFailure::Pass
        } else if is_dry_run(event) {
            OnFailure::Refuse
        } else {
            self.on_failure
        };
        let broken = match self.reply(event, via, limit).await {
            Ok(Reply::Answer(body)) => match answer::read(event, &body) {
                Ok(theirs) => return Ok(Some(theirs)),
                Err(broken) => broken,
            },
            Ok(Reply::Error(body)) => match answer::thrown(&body) {
                Ok((error_type, _)) if T::OURS_STANDS_IN && on_failure == OnFailure::Pass => {
                    Broken::Threw { error_type }
                }
                Ok((error_type, words)) => {
                    return Err(Failure::in_words_of_another(REFUSED, Broken::Threw { error_type }, words));
                }
                Err(broken) => broken,
            },
            Err(broken) => broken,
        };
        let failure = Failure::because(FAILED, broken);
        match on_failure {
            OnFailure::Refuse => Err(failure),
            OnFailure::Pass => {
                let (error_code, cause) = (FAILED.code, failure.cause_chain());
                tracing::error!(error_code, cause, "the next function is passed over");
                Ok(None)
            }
        }
    }

    async fn reply(&self, event: &mut Event, via: &Via, limit: Duration) -> Result<Reply, Broken> {
        let late = || Broken::Late { milliseconds: limit.as_millis() };
        if limit.is_zero() {
            return Err(late());
        }
        let json = event.written().map_err(|why| Broken::NotAsked(why.into()))?;
        let called = async {
            for pause in PAUSES {
                match self.caller.call(json.get(), via).await {
                    Err(Broken::Refused { status: TOO_MANY_REQUESTS, .. }) => tokio::time::sleep(pause).await,
                    replied => return replied,
                }
            }
            self.caller.call(json.get(), via).await
        };
        tokio::time::timeout(limit, called).await.map_err(|_| late())?
    }
}

/// The HTTP status of a call that Lambda throttles.
const TOO_MANY_REQUESTS: u16 = 429;

fn is_dry_run(event: &Event) -> bool {
    event.members().read("triggerSource").is_some_and(|source: String| source.starts_with(DRY_RUN))
}

/// Whether our own `AdminCreateUser` led to the event.
fn is_of_our_making(event: &Event) -> bool {
    let (name, value) = CREATED_BY;
    event.source() == TriggerSource::PreSignUpAdminCreateUser && event.client_metadata().text(name) == Some(value)
}
