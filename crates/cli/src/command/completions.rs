//! `completions`

use crate::terminal::{ExitStatus, stdout};
use anyhow::Result;
use clap::{Args, Command};
use clap_complete::{Generator, Shell};
use std::io::Write;

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
        let mut script = Vec::new();
        self.shell.try_generate(&command, &mut script)?;
        let mut script = String::from_utf8(script)?;
        if self.shell == Shell::Bash {
            // The generator spells a hyphen in the program's name in two ways, so that bash would know the commands, but
            // none of their options.
            script = script.replace("cognito__subcmd__triggers", "cognito__triggers");
        }
        stdout().write_all(script.as_bytes())?;
        Ok(ExitStatus::Done)
    }
}
