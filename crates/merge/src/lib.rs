//! Merges stand-alone federated profiles into native ones: judge, plan, carry out, undo.
//!
//! The same plan, journal and undo serve two more things that an operator asks for: to [`Join`] two profiles that they
//! name or that a person signed in to, and to put people into the group that they should have joined ([`DefaultGroup`]).
//!
//! [`Rules`] judge the profiles of one address as the trigger would judge their next sign-ins. [`plan()`] turns that into a
//! list of steps that a person can read. [`Merger`] carries the steps out, and [`undo()`] takes them back as far as
//! Cognito allows.
//!
//! Three things hold wherever a run is cut off:
//!
//! - A profile is deleted only after everything known of it is in the [`Journal`].
//! - Each decision is made just before it is carried out, by the rules of the trigger, on profiles read one by one.
//! - A run that is repeated with the same journal continues where the last one ended.
//!
//! The crate reads no files and asks no questions. The pool is a [`cognito_core::user_pool::Administration`], the
//! journal a trait.

mod copied;
mod group;
mod join;
mod journal;
mod merger;
mod plan;
mod rate_limit;
mod requirements;
mod rules;
mod undo;

pub use copied::{NotCopyable, check_copyable};
pub use group::{DefaultGroup, GroupStep};
pub use join::{
    Join, NotJoinable, Proof, Side, if_told, is_group_of_provider, link_of, refuse_shut_out, stored_link_attribute,
};
pub use journal::{
    Begin, Entry, History, Journal, JournalError, Linked, MergeState, ReplacedSub, Undone, WholeProfile,
};
pub use merger::{Incomplete, MergeError, Merger, StepResult};
pub use plan::{CopyOptions, Leave, Planned, Step, Totals, plan};
pub use rate_limit::{RateLimit, RateLimits};
pub use requirements::Requirements;
pub use rules::{Judgement, LeaveReason, MAX_PROFILES, Rules};
pub use undo::undo;
