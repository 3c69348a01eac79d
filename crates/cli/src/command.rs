//! One module per command: its arguments, and what it does.

mod attach;
mod completions;
mod detach;
mod doctor;
mod man;

use crate::Arguments;
use crate::exit::{ExitStatus, Refusal};
use anyhow::Result;
use clap::Subcommand;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Attach(Box<attach::Attach>),
    Detach(detach::Detach),
    Doctor(doctor::Doctor),
    /// Print the completion script of a shell
    Completions(completions::Completions),
    Man(man::Man),
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

async fn carry_out(arguments: Arguments) -> Result<ExitStatus> {
    let global = &arguments.global;
    match arguments.command {
        Command::Attach(command) => command.run(global).await,
        Command::Detach(command) => command.run(global).await,
        Command::Doctor(command) => command.run(global).await,
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }
}
