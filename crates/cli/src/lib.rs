//! The operator's command line, `cognito-triggers`.
//!
//! Data goes to standard output, as a table or as JSON; everything else that people read goes to standard
//! error. The exit code says what happened: see [`ExitStatus`].

// First: its macro holds for the modules below.
#[macro_use]
mod talk;

mod arguments;
mod attachment;
mod audit;
mod cloud;
mod command;
mod confirmation;
mod consent;
mod exit;
mod finding;
mod function_arn;
mod invoke_permission;
mod linked_identity;
mod lookup;
mod output;
mod pool_settings;
mod private_file;
mod target;
mod trigger;

pub use arguments::{Arguments, Global};
pub use cloud::Cloud;
pub use command::run;
pub use exit::{ExitStatus, Refusal};
pub use output::{Format, Output, Table};
