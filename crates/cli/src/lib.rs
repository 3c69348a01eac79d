//! The operator's command line, `cognito-triggers`.
//!
//! Data goes to standard output, as a table or as JSON; everything else that people read goes to standard
//! error. The exit code says what happened: see [`ExitStatus`].

// First: its macros hold for the modules below.
#[macro_use]
mod terminal;

mod advice;
mod arguments;
mod attachment;
mod audit;
mod chain;
mod cloud;
mod command;
mod finding;
mod fragment;
mod function_arn;
mod invoke_permission;
mod linked_identity;
mod lookup;
mod options;
mod owner;
mod pool_settings;
mod private_file;
mod trigger;

pub use arguments::Arguments;
pub use terminal::ExitStatus;
