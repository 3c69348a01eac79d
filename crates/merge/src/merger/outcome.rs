//! How the merge of a profile ends, and why it stops.

use crate::journal::JournalError;
use cognito_core::user_pool::{PoolError, PoolErrorKind};
use linking::Refusal;
use std::fmt;

/// How the merge of one profile ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// The identity signs in to the native profile.
    Done,
    /// The same, but the pool did not accept these attributes.
    DoneWithout(Vec<String>),
    /// An earlier run finished it.
    DoneBefore,
    /// Nothing was changed, because the situation is not the planned one.
    Skipped(String),
    /// Not finished.
    Failed(String),
}

/// Why a run or an undo stopped. Names nobody.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The journal cannot be written. Nothing may be changed then.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// AWS denies a call, or does not answer. The next profile would end the same way. For an undo: a call failed.
    #[error(transparent)]
    Pool(PoolError),
    /// A profile is deleted and the rest is not done. The next profile might end the same way.
    #[error("line {line} of the plan: {what} ({why})")]
    Incomplete {
        /// The person's line in the plan.
        line: usize,
        /// How far the merge came.
        what: Incomplete,
        /// A stable name, or the pool's error.
        why: String,
        /// Whether a later run may simply work, because AWS did not answer or asked to wait.
        may_pass: bool,
        /// Attributes that the pool requires and that the new native profile would lack.
        missing: Vec<String>,
    },
}

/// How far a merge came that is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incomplete {
    /// A registration that was never confirmed is deleted, and nothing is created in its place.
    NotCreated,
    /// A profile is deleted, and its identity is not linked.
    NotLinked,
    /// The identities of a profile that is still there are on their way to another one.
    NotMoved,
    /// The identity is linked, and groups are missing.
    NotInGroups,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotCreated => {
                "a registration that was never confirmed is deleted, and nothing is created in its place"
            }
            Self::NotLinked => {
                "a profile is deleted and its identity is not linked; until it is, its owner's next sign-in finds an \
                 empty account, or is linked by pre-sign-up if that is attached"
            }
            Self::NotMoved => {
                "an identity is taken from the profile that goes, and perhaps not linked to the one that stays; until it \
                 is, its owner's next sign-in finds an empty account, or is linked by pre-sign-up if that is attached"
            }
            Self::NotInGroups => "a profile is deleted and its identity linked, but not all groups are copied",
        })
    }
}

/// Why the merge of one profile stops: for this profile, for now, or for the whole run.
pub(super) enum Stop {
    /// This profile ends; the next one may begin.
    Profile(StepResult),
    /// The profile is deleted, but another stand-alone profile still prevents a native one with the address.
    AddressTaken,
    /// A profile is deleted, and going on might lose more.
    Incomplete {
        /// How far it came.
        what: Incomplete,
        /// A stable name, or the pool's error.
        why: String,
        /// Whether a later run may simply work.
        may_pass: bool,
    },
    /// The whole run ends.
    Run(MergeError),
}

impl Stop {
    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::Profile(StepResult::Skipped(why.into()))
    }

    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::Profile(StepResult::Failed(why.into()))
    }

    /// The situation is not the planned one.
    pub(super) fn changed(what: impl fmt::Display) -> Self {
        Self::skipped(format!("changed since the plan: {what}"))
    }

    /// What an error of the pool means for a link: where it would end only this profile, the pool is read again instead.
    pub(super) fn or_again(error: PoolError) -> Result<Result<StepResult, String>, Self> {
        let text = error.to_string();
        match Self::from(error) {
            Self::Profile(_) => Ok(Err(text)),
            stop => Err(stop),
        }
    }

    /// The same stop after a deletion: the merge is incomplete.
    pub(super) fn after(self, what: Incomplete) -> Self {
        match self {
            Self::Profile(StepResult::Failed(why) | StepResult::Skipped(why)) => {
                Self::Incomplete { what, why, may_pass: false }
            }
            Self::Run(MergeError::Pool(error)) => {
                Self::Incomplete { what, why: error.to_string(), may_pass: error.is_transient() }
            }
            stop => stop,
        }
    }
}

impl From<PoolError> for Stop {
    fn from(error: PoolError) -> Self {
        match error.kind() {
            PoolErrorKind::BorrowedSub => Self::skipped(Refusal::BorrowedSub.kind().code),
            PoolErrorKind::HiddenByAlias => Self::skipped(Refusal::UserNameHeld.kind().code),
            PoolErrorKind::Denied => Self::Run(MergeError::Pool(error)),
            _ if error.is_transient() => Self::Run(MergeError::Pool(error)),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Run(error.into())
    }
}
