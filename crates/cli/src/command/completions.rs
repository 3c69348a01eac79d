//! `completions`

use crate::terminal::{ExitStatus, stdout};
use anyhow::Result;
use clap::{Args, Command};
use clap_complete::{Generator, Shell};

/// Prints the completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mkdir -p ~/.local/share/bash-completion/completions
  cognito-triggers completions bash > ~/.local/share/bash-completion/completions/cognito-triggers")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, mut command: Command) -> Result<ExitStatus> {
        command.set_bin_name("cognito-triggers");
        command.build();
        self.shell.try_generate(&command, &mut stdout())?;
        Ok(ExitStatus::Done)
    }
}
