//! `cargo xtask fire`: puts the functions under fire.

use anyhow::{Context, Result, bail};
use clap::Args;
use local_cloud::function;

/// What to do; `cargo xtask fire --help` lists it.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// Passed on to the crate `fire`. It is a program of its own, so that the other commands compile no AWS SDK.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds the crate `fire` and runs it.
///
/// # Errors
///
/// Fails if it does not build, or if it fails.
pub(crate) async fn run(options: Options) -> Result<()> {
    let mut cargo = function::cargo();
    cargo.args(["run", "--quiet", "--package", "fire", "--"]).args(options.arguments);
    if !cargo.status().await.context("cargo cannot be started")?.success() {
        bail!("not everything held under fire; see above");
    }
    Ok(())
}
