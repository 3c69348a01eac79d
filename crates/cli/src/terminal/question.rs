//! Asking before something is changed.

use super::visible;
use anyhow::Result;
use clap::Args;
use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal, Write};

/// How many characters of a value a question shows.
const SHOWN: usize = 80;

/// Whether a command may change something.
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
/// Returns [`Refused`](crate::terminal::Refused) if the answer is not yes, or if there is no terminal. Also fails
/// if the terminal cannot be read or written.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<()> {
    ask(&format!("{question} [y/N] "), yes, |answer| matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Like [`confirm`], but the operator answers with the pool's id. For changes that cannot be undone, in a pool that is
/// easily mistaken for another.
///
/// # Errors
///
/// Returns [`Refused`](crate::terminal::Refused) if the answer is not the id, or if there is no terminal. Also fails
/// if the terminal cannot be read or written.
pub(crate) fn confirm_with_pool(question: &str, user_pool_id: &str, yes: bool) -> Result<()> {
    let question = format!("{question} If yes, type the id of the pool, {}: ", short(user_pool_id));
    ask(&question, yes, |answer| answer == user_pool_id)
}

/// A value, shortened for a question. A long value from a file or a profile must not push the question out of sight.
pub(crate) fn short(value: &str) -> Cow<'_, str> {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &value[..end])),
        None => Cow::Borrowed(value),
    }
}

/// Whether somebody sits at the terminal and will be asked. Only then is personal data shown. Otherwise standard error
/// may be a log.
pub(crate) fn is_asked(yes: bool) -> bool {
    !yes && io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn ask(question: &str, yes: bool, is_confirmation: impl Fn(&str) -> bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !is_asked(yes) {
        refuse!("this needs a yes, and there is no terminal to ask on; nothing was changed. Pass --yes");
    }
    write!(io::stderr(), "{}", visible(question))?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if is_confirmation(answer.trim()) {
        return Ok(());
    }
    refuse!("not confirmed; nothing was changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_leaves_the_question_in_sight() {
        assert_eq!(short("eu-central-1_AbCdEf123"), "eu-central-1_AbCdEf123");
        let shown = short(&"é".repeat(2000)).into_owned();
        assert_eq!((shown.chars().count(), shown.ends_with('…')), (SHOWN + 1, true));
    }
}
