//! The program behind `cargo xtask fire`.

use anyhow::Result;
use clap::Parser;
use fire::Command;

/// Put the functions under fire.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask fire", bin_name = "cargo xtask fire", disable_help_subcommand = true)]
struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

fn main() -> Result<()> {
    Arguments::parse().command.run()
}
