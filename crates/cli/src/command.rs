//! One module per command: its arguments, and what it does.

mod attach;
mod audit;
mod completions;
mod detach;
mod doctor;
mod events;
mod invitations;
mod join;
mod link;
mod man;
mod preview;
mod reset_user;
pub(crate) mod rule_options;
mod schema;
mod show;
mod unlink;
mod verify_email;

use crate::options::Global;
use crate::terminal::ExitStatus;
use anyhow::Result;
use clap::error::ErrorKind;
use clap::{ArgMatches, Subcommand};

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
    Join(join::Join),
    Invitations(invitations::Invitations),
    Schema(schema::Schema),
    /// Print the completion script for a shell
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    /// Options that contradict each other in a way that clap's rules cannot express; `None` if there are none.
    pub(crate) fn misplaced(matches: &ArgMatches) -> Option<String> {
        matches.subcommand_matches("link").and_then(link::misplaced)
    }

    /// Carries the command out. `whole` is the command line that it is part of.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`](crate::terminal::Refused) if the command would have been unsafe or ambiguous. Any other
    /// error means that it failed.
    pub(crate) async fn run(self, global: &Global, whole: clap::Command) -> Result<ExitStatus> {
        match self {
            Self::Attach(command) => command.run(global).await,
            Self::Detach(command) => command.run(global).await,
            Self::Doctor(command) => command.run(global).await,
            Self::Show(command) => command.run(global).await,
            Self::Unlink(command) => command.run(global).await,
            Self::VerifyEmail(command) => command.run(global).await,
            Self::ResetUser(command) => command.run(global).await,
            Self::Preview(command) => command.run(global),
            Self::Events(command) => command.run(global, whole),
            Self::Audit(command) => command.run(global).await,
            Self::Link(command) => Box::pin(command.run(global)).await,
            Self::Join(command) => command.run(global).await,
            Self::Invitations(command) => command.run(global).await,
            Self::Schema(command) => command.run(),
            Self::Completions(command) => command.run(whole),
            Self::Man(command) => command.run(whole),
        }
    }
}

/// The error of wrong usage that clap cannot see itself, with the usage of the command it is about.
pub(crate) fn wrong_usage(mut whole: clap::Command, command: &str, kind: ErrorKind, why: String) -> clap::Error {
    whole.build();
    if let Some(command) = whole.find_subcommand_mut(command) {
        return command.error(kind, why);
    }
    whole.error(kind, why)
}

#[cfg(test)]
mod tests;
