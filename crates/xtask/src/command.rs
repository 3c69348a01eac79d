//! The commands of `cargo xtask`.

mod demo;
mod doctor;
mod fire;
mod local;
mod package;
mod pictures;
mod pool;
mod story;
mod test;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Developer commands. Everything they start ends with them, and everything they write goes to `.local/`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure start, memory, size and calls of the release functions against a bare function.
    Bench(bench::Options),
    /// Watch one person keep one account: the triggers at work on a local user pool.
    Demo(demo::Options),
    /// Say which programs of the toolchain are missing, and what they are for.
    Doctor,
    /// Put the functions under fire: a launch day against Cognito's quotas, and faults of the network.
    Fire(fire::Options),
    /// Run all tests, those that need a local cloud included.
    Test(test::Options),
    /// Run the whole stack with an app and two providers on this machine, until Ctrl-C.
    Local(local::Options),
    /// Build and pack the functions and the command line, for people who do not build them.
    Package(package::Options),
    /// Make a picture of every message and of every state of every page, and show what differs from the last ones.
    Pictures(pictures::Options),
    /// Run a local user pool that the sample events fit, for `cargo lambda`, until Ctrl-C.
    Pool(pool::Options),
}

impl Command {
    /// Runs the command to its end.
    ///
    /// # Errors
    ///
    /// Returns the error of the command. Where the remedy is known, the message says it.
    pub(crate) async fn run(self) -> Result<()> {
        match self {
            Self::Bench(options) => bench::run(options).await,
            Self::Demo(options) => demo::run(options).await,
            Self::Doctor => doctor::run().await,
            Self::Fire(options) => fire::run(options).await,
            Self::Local(options) => local::run(options).await,
            Self::Package(options) => package::run(options).await,
            Self::Pictures(options) => pictures::run(options).await,
            Self::Test(options) => test::run(options).await,
            Self::Pool(options) => pool::run(options).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        super::Arguments::command().debug_assert();
    }
}
