//! The team's own function, called before or after ours.
//!
//! A trigger of a user pool calls one function. Where a team has one already, ours takes its place and calls it:
//! `NEXT_FUNCTION`. It gets Cognito's event and answers as it did for Cognito. What it says in `response` is merged with
//! what ours says, and everything else of the event stays as Cognito sent it. `docs/NEXT_FUNCTION.md` is the operator's
//! page.
//!
//! - `answer`: reads what came back, and takes nothing that is no answer to this event;
//! - `merge`: what ours says and what theirs says become one `response`;
//! - `name`: which function is meant;
//! - [`Next`]: when it is called, for how long, and what its failure means.

mod answer;
mod merge;
mod name;
#[cfg(test)]
mod tests;

pub use answer::{Broken, Reply};
pub use merge::Answers;
pub use name::FunctionName;

use crate::event::{Event, TriggerSource};
use crate::failure::{Failure, Kind};
use crate::settings::{self, Lookup, SettingError};
use crate::trigger::{Clock, Trigger, handle};
use merge::{Theirs, merged};
use std::pin::Pin;
use std::time::Duration;

/// `NEXT_FUNCTION`: the team's own function, by name or ARN.
pub const NEXT_FUNCTION: &str = "NEXT_FUNCTION";
/// `NEXT_FUNCTION_ORDER`: whether it is called before ours or after.
pub const NEXT_FUNCTION_ORDER: &str = "NEXT_FUNCTION_ORDER";
/// `NEXT_FUNCTION_FAILURE`: whether the event is refused or answered by ours alone if it cannot be asked.
pub const NEXT_FUNCTION_FAILURE: &str = "NEXT_FUNCTION_FAILURE";
/// The variables that every trigger function reads for it.
pub const NAMES: [&str; 3] = [NEXT_FUNCTION, NEXT_FUNCTION_ORDER, NEXT_FUNCTION_FAILURE];

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

/// When the team's function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Before ours does anything.
    Before,
    /// When ours is done, with the event as ours leaves it.
    After,
}

/// What happens if the team's function cannot be asked, is late, or gives no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The event is refused.
    Refuse,
    /// Ours answers alone.
    Pass,
}

/// What applies to a trigger where the operator chose nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// `NEXT_FUNCTION_ORDER`.
    pub order: Order,
    /// `NEXT_FUNCTION_FAILURE`.
    pub on_failure: OnFailure,
}

impl Defaults {
    /// It may refuse people, so it is asked before anything is created or linked, and nobody passes who was not asked about.
    pub const ASKED_FIRST: Self = Self { order: Order::Before, on_failure: OnFailure::Refuse };
    /// It changes what ours decided, and what it would have changed must not be stored unchanged.
    pub const CHANGES_AFTERWARDS: Self = Self { order: Order::After, on_failure: OnFailure::Refuse };
    /// It is told what happened, or writes what ours can write, too.
    pub const TOLD_AFTERWARDS: Self = Self { order: Order::After, on_failure: OnFailure::Pass };
}

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
    /// Calls it once with an event, and waits for its reply. Whoever calls it stops waiting after `limit`.
    fn call(&self, event: &str, via: &Via, limit: Duration) -> impl Future<Output = Result<Reply, Broken>>;
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
    fn call_boxed<'a>(&'a self, event: &'a str, via: &'a Via, limit: Duration) -> BoxedCall<'a>;
}

impl<C: Caller> CallBoxed for C {
    fn call_boxed<'a>(&'a self, event: &'a str, via: &'a Via, limit: Duration) -> BoxedCall<'a> {
        Box::pin(self.call(event, via, limit))
    }
}

impl Caller for AnyCaller {
    async fn call(&self, event: &str, via: &Via, limit: Duration) -> Result<Reply, Broken> {
        self.0.call_boxed(event, via, limit).await
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
                let theirs = self.ask(trigger, event, clock.leaving(FOR_OURS), via).await?;
                handle(trigger, event, clock).await?;
                theirs
            }
            Order::After => {
                handle(trigger, event, clock.leaving(FOR_THEIRS)).await?;
                self.ask(trigger, event, clock, via).await?
            }
        };
        if let Some(theirs) = theirs {
            let response = merged(&event.response(), &theirs, |answers| trigger.overrule(event, answers));
            event.set_response(response);
        }
        Ok(())
    }

    /// What the team's function says. `None` if it could not be asked and that is to be passed over.
    async fn ask<T: Trigger>(
        &self,
        _: &T,
        event: &mut Event,
        clock: Clock,
        via: &Via,
    ) -> Result<Option<Theirs>, Failure> {
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
                match self.caller.call(json.get(), via, limit).await {
                    Err(Broken::Refused { status: TOO_MANY_REQUESTS, .. }) => tokio::time::sleep(pause).await,
                    replied => return replied,
                }
            }
            self.caller.call(json.get(), via, limit).await
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

/// Refuses the setting in a build that cannot call another function.
///
/// # Errors
///
/// Returns [`SettingError`] if `NEXT_FUNCTION` is set.
pub fn refuse(lookup: Lookup<'_>) -> Result<(), SettingError> {
    let allowed = "nothing, because this build calls no other function: build it with --features next-function, as \
                   docs/NEXT_FUNCTION.md says";
    settings::optional(lookup, NEXT_FUNCTION, allowed, |_| None::<()>)?;
    Ok(())
}

/// What the operator chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `NEXT_FUNCTION`. `None` if there is none.
    pub function: Option<FunctionName>,
    /// `NEXT_FUNCTION_ORDER` and `NEXT_FUNCTION_FAILURE`.
    pub chosen: Defaults,
}

impl Settings {
    /// Reads the settings of a trigger with these defaults.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] for the first variable with a value that is not allowed. A function must not call itself.
    pub fn from_lookup(lookup: Lookup<'_>, defaults: Defaults) -> Result<Self, SettingError> {
        let set = |name: &str| lookup(name).unwrap_or_default();
        let (own, region) = (set("AWS_LAMBDA_FUNCTION_NAME"), set("AWS_REGION"));
        let parse = |text: &str| FunctionName::parse(text).filter(|function| !function.may_be(&own, &region));
        Ok(Self {
            function: settings::optional(lookup, NEXT_FUNCTION, FunctionName::ALLOWED, parse)?,
            chosen: Defaults {
                order: settings::choice(
                    lookup,
                    NEXT_FUNCTION_ORDER,
                    &[("before", Order::Before), ("after", Order::After)],
                    defaults.order,
                )?,
                on_failure: settings::choice(
                    lookup,
                    NEXT_FUNCTION_FAILURE,
                    &[("refuse", OnFailure::Refuse), ("pass", OnFailure::Pass)],
                    defaults.on_failure,
                )?,
            },
        })
    }
}
