//! Asking before something is changed that cannot simply be changed back.

use crate::exit::Refusal;
use anyhow::{Result, bail};
use std::io::{self, BufRead, IsTerminal, Write};

/// Asks on the terminal, unless `yes` says that the answer was given already. A question that nobody can answer is
/// answered with no.
///
/// # Errors
///
/// A [`Refusal`] if the answer is not yes; the terminal cannot be read or written.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<()> {
    ask(&format!("{question} [y/N] "), yes, |answer| matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// The same, where the answer is to be the pool's id: for what cannot be changed back, in a pool that is easily
/// mistaken for another.
///
/// # Errors
///
/// As [`confirm`].
pub(crate) fn confirm_with_pool(user_pool_id: &str, yes: bool) -> Result<()> {
    ask("Write the pool's id to go on: ", yes, |answer| answer == user_pool_id)
}

/// Whether somebody is there to read a question and answers it: only they are shown personal data. What is confirmed
/// beforehand runs where standard error is a log.
pub(crate) fn is_asked(yes: bool) -> bool {
    !yes && io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn ask(question: &str, yes: bool, is_confirmation: impl Fn(&str) -> bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !is_asked(yes) {
        bail!(Refusal("nobody is there to confirm it; nothing was changed (--yes confirms)".to_owned()));
    }
    write!(io::stderr(), "{question}")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if is_confirmation(answer.trim()) {
        return Ok(());
    }
    bail!(Refusal("not confirmed; nothing was changed".to_owned()))
}
