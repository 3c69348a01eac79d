//! One module per command: its arguments, and what it does.

mod attach;
#[cfg(test)]
mod attachment_tests;
mod audit;
mod completions;
mod detach;
mod doctor;
mod events;
pub(crate) mod link;
mod man;
mod preview;
mod reset_user;
pub(crate) mod rule_options;
mod show;
mod unlink;
mod verify_email;

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
    Show(show::Show),
    Unlink(unlink::Unlink),
    VerifyEmail(verify_email::VerifyEmail),
    ResetUser(reset_user::ResetUser),
    Preview(preview::Preview),
    Events(events::Events),
    Audit(audit::Audit),
    Link(Box<link::Link>),
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
    let Arguments { global, command } = arguments;
    let global = &global;
    match command {
        Command::Attach(command) => command.run(global).await,
        Command::Detach(command) => command.run(global).await,
        Command::Doctor(command) => command.run(global).await,
        Command::Show(command) => command.run(global).await,
        Command::Unlink(command) => command.run(global).await,
        Command::VerifyEmail(command) => command.run(global).await,
        Command::ResetUser(command) => command.run(global).await,
        Command::Preview(command) => command.run(global),
        Command::Events(command) => command.run(global),
        Command::Audit(command) => command.run(global).await,
        Command::Link(command) => Box::pin(command.run(global)).await,
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }
}
