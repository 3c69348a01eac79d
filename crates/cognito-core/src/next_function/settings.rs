//! What the operator chose for the team's own function, and what applies otherwise.

use super::FunctionName;
use crate::settings::{self, Lookup, SettingError};

/// `NEXT_FUNCTION`: the team's own function, by name or ARN.
pub const NEXT_FUNCTION: &str = "NEXT_FUNCTION";
/// `NEXT_FUNCTION_ORDER`: whether it is called before ours or after.
pub const NEXT_FUNCTION_ORDER: &str = "NEXT_FUNCTION_ORDER";
/// `NEXT_FUNCTION_FAILURE`: whether the event is refused or answered by ours alone if it cannot be asked.
pub const NEXT_FUNCTION_FAILURE: &str = "NEXT_FUNCTION_FAILURE";
/// The variables that every trigger function reads for it.
pub const NAMES: [&str; 3] = [NEXT_FUNCTION, NEXT_FUNCTION_ORDER, NEXT_FUNCTION_FAILURE];

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
