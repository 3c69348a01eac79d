//! One module per command: its arguments, and what it does.

mod completions;

use crate::Arguments;
use crate::exit::{ExitStatus, Refusal};
use anyhow::Result;
use clap::Subcommand;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the completion script of a shell
    Completions(completions::Completions),
}

/// Carries a command out, and says on standard error what went wrong.
pub async fn run(arguments: Arguments) -> ExitStatus {
    match carry_out(arguments).await {
        Ok(status) => status,
        Err(error) => {
            let style = console::Style::new().for_stderr().red().bold();
            if let Some(refusal) = error.downcast_ref::<Refusal>() {
                eprintln!("{} {refusal}", style.apply_to("refused:"));
                return ExitStatus::Refused;
            }
            eprintln!("{} {error:#}", style.apply_to("error:"));
            ExitStatus::Failed
        }
    }
}

#[allow(clippy::unused_async, reason = "every command but this one talks to AWS")]
async fn carry_out(arguments: Arguments) -> Result<ExitStatus> {
    match arguments.command {
        Command::Completions(command) => command.run(),
    }
}
