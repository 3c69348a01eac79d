//! Merges stand-alone federated profiles into native ones: plan, carry out, undo.
//!
//! What holds, wherever a run is cut off:
//!
//! - no profile is deleted before all that is known of it is in the journal, on the disk;
//! - what is done is decided just before, on facts read one by one, by the rules of the trigger;
//! - a run that is repeated with the same journal goes on where the last one ended.

mod apply;
mod copied;
mod creation;
mod guard;
mod half_done;
mod journal;
mod plan;
mod sub_map;
mod undo;

pub(crate) use apply::{Applied, Merger};
pub(crate) use copied::copyable;
pub(crate) use creation::Creation;
pub(crate) use guard::Paces;
pub(crate) use journal::{Journal, Ledger};
pub(crate) use plan::{Header, Options, Plan, Totals, write as write_plan};
pub(crate) use sub_map::SubMap;
pub(crate) use undo::{Undone, undo};
