//! `man`

use crate::terminal::{ExitStatus, stdout};
use anyhow::{Context, Result};
use clap::{Args, Command};
use std::path::PathBuf;

/// Print the manual page, or write one page per command
///
/// The pages are in roff, the format of the program man.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cognito-triggers man | man -l -
  cognito-triggers man --dir ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Write one page per command to this folder; creates the folder
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
