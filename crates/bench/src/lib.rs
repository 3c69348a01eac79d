//! Measures what a function costs: `cargo xtask bench`.
//!
//! Three figures need no clock, so any machine can check them: the size of a function as it is uploaded, the
//! instructions of a start, and the calls to Cognito with the number of them that wait for another
//! ([`measure::calls_of`], which `tests/cloud/calls.rs` runs). Times are only compared. The command starts every function in
//! turns with a bare one, and with functions in other languages if you name them.
//!
//! [`stand_in`] plays Cognito over TLS and lists the calls. [`case`] lists what is measured.

pub mod case;
mod command;
mod instructions;
mod kept;
pub mod measure;
mod report;
mod share;
mod size;
pub mod stand_in;
mod usage;

pub use command::{Options, run};
