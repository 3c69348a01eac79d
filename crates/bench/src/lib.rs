//! What a function costs: `cargo xtask bench`.
//!
//! Three things need no clock, so that any machine can hold them: the size of a function as it is uploaded, the
//! instructions of a start, and its calls to Cognito and how many of them wait for another ([`measure::calls_of`], which
//! `tests/calls.rs` runs). Times are only compared: the command starts every function in turns beside a bare one, and
//! beside functions in other languages where they are named.
//!
//! [`stand_in`] plays Cognito over TLS and keeps a list of the calls; [`case`] says what is measured.

pub mod case;
mod command;
mod instructions;
pub mod measure;
mod report;
mod size;
pub mod stand_in;
mod usage;

pub use command::{Options, run};
