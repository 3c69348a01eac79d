//! `man`

use crate::terminal::{ExitStatus, stdout};
use anyhow::{Context, Result};
use clap::{Args, Command};
use std::path::PathBuf;

/// Print the manual page, or write one page per command
///
/// Pages are in roff, as the program man reads them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cognito-triggers man | man -l -
  cognito-triggers man --dir ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Write one page per command into this folder, which is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self, whole: Command) -> Result<ExitStatus> {
        let mut command = whole.disable_help_subcommand(true);
        command.set_bin_name("cognito-triggers");
        command.build();
        match &self.dir {
            None => clap_mangen::Man::new(command).render(&mut stdout())?,
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .and_then(|()| clap_mangen::generate_to(command, folder))
                    .with_context(|| format!("the pages cannot be written to {}", folder.display()))?;
            }
        }
        Ok(ExitStatus::Done)
    }
}
