//! Asking before something is changed.

use super::{Refused, visible};
use anyhow::{Result, bail};
use clap::Args;
use std::io::{self, BufRead, IsTerminal, Write};

/// How a command that changes something is allowed to.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Consent {
    /// Show what would change and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Asks on the terminal, unless `yes` says that the answer was given on the command line.
///
/// # Errors
///
/// [`Refused`] if the answer is not yes, or if there is no terminal to ask on; the terminal cannot be read or written.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<()> {
    ask(&format!("{question} [y/N] "), yes, |answer| matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// As [`confirm`], but the answer is the pool's id: for changes that cannot be taken back, in a pool that is easily
/// mistaken for another.
///
/// # Errors
///
/// As [`confirm`].
pub(crate) fn confirm_with_pool(user_pool_id: &str, yes: bool) -> Result<()> {
    ask("Type the pool's id to go on: ", yes, |answer| answer == user_pool_id)
}

/// Whether somebody sits at the terminal and will be asked. Only then is personal data shown: standard error of a
/// command that asks nobody may be a log.
pub(crate) fn is_asked(yes: bool) -> bool {
    !yes && io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn ask(question: &str, yes: bool, is_confirmation: impl Fn(&str) -> bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !is_asked(yes) {
        bail!(Refused(
            "this needs a yes, and there is no terminal to ask on; nothing was changed. Pass --yes".to_owned()
        ));
    }
    write!(io::stderr(), "{}", visible(question))?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if is_confirmation(answer.trim()) {
        return Ok(());
    }
    bail!(Refused("not confirmed; nothing was changed".to_owned()))
}
