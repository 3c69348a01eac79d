//! Whether a change may be made.

use crate::exit::Refusal;
use anyhow::Result;
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

impl Consent {
    /// Asks on the terminal, unless the answer was given on the command line.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] if the answer is no, or if nobody can be asked.
    pub(crate) fn ask(self, question: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(
                Refusal("there is no terminal to ask on: pass --yes to make the change, or --dry-run".into()).into()
            );
        }
        eprint!("{question} [y/N] ");
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            Ok(())
        } else {
            Err(Refusal("not confirmed".into()).into())
        }
    }
}
