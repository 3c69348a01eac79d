//! Proof under fire: `cargo xtask fire`.
//!
//! `quota` plays a launch day: people sign in with a provider for the first time, all within a minute, against a
//! [`cognito`] that throttles. [`launch`] plays the people and Cognito's side of a sign-in; [`function`] has what answers
//! it. The engine of this repository runs in virtual time, so that thousands of people take seconds. It is the real one,
//! down to the retries of the SDK. Only the network is left out.
//!
//! [`wire`] lets each call of each flow go wrong on its way. [`events`] sends what no app and no provider sends. [`soak`] keeps
//! one process of each function at work. [`storm`] lets many people use the account API at once, over a table that throttles. [`table`] lets the calls to that
//! table go wrong.

mod client;
pub mod cognito;
mod command;
pub mod events;
pub mod function;
pub mod launch;
mod network;
mod report;
pub mod soak;
pub mod storm;
pub mod table;
pub mod wire;

pub use command::{Command, virtually};

/// A runtime of this thread with a clock that jumps to whatever comes next.
fn runtime_in_virtual_time() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()
}

#[cfg(test)]
mod tests {
    use super::Command;
    use clap::Subcommand;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Command::augment_subcommands(clap::Command::new("fire")).debug_assert();
    }
}
