//! Whether a change may be made.

use crate::confirmation::confirm;
use anyhow::Result;
use clap::Args;

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
    /// A [`crate::exit::Refusal`] if the answer is no, or if nobody can be asked.
    pub(crate) fn ask(self, question: &str) -> Result<()> {
        confirm(question, self.yes)
    }
}
