//! `cargo xtask pool`: runs the pool of the sample events, for `cargo lambda`.

use anyhow::{Context, Result};
use clap::Args;
use console::style;
use local_cloud::seed::{self, POOL_ID};
use local_cloud::user_pool::{Kind, UserPool};
use local_cloud::{LocalCloud, client_environment, function, layout, steps::step, toolbox::Toolbox};

/// The options of the pool.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of the local cloud.
    #[arg(long, env = "LOCAL_CLOUD_PORT", default_value_t = 4566)]
    port: u16,
    /// Make a pool where e-mail is an alias and administrators make the accounts.
    #[arg(long)]
    alias: bool,
}

/// Starts the pool, prints the functions' environment on standard output, and waits for Ctrl-C.
///
/// # Errors
///
/// Fails if the tools cannot be installed or the local cloud cannot be started.
pub(crate) async fn run(options: Options) -> Result<()> {
    let kind = if options.alias { Kind::EmailAsAlias } else { Kind::EmailAsUsername };
    let toolbox = Toolbox::local_cloud().await?;
    let saved_pool = Some(seed::saved_pool(kind)?);
    let settings = local_cloud::Options { port: Some(options.port), saved_pool, ..Default::default() };
    let cloud = step("Starting a local user pool", LocalCloud::start(&toolbox, settings)).await?;
    let people = UserPool::open(cloud.endpoint(), POOL_ID).profiles().await?;

    eprintln!("\nUser pool {} with {} people:", style(POOL_ID).for_stderr().bold(), people.len());
    for person in &people {
        let address = if person.email_verified() { "verified" } else { "not verified" };
        eprintln!("  {:<24} {:<22} {address}", person.attribute("email"), person.status);
    }
    eprintln!("Native accounts have the password {}. Log: {}", seed::PASSWORD, cloud.log().display());
    let exports = exports(cloud.endpoint(), kind);
    let file = layout::local().join("pool.env");
    std::fs::write(&file, &exports).with_context(|| format!("{} cannot be written", file.display()))?;
    eprintln!("\nThe functions' environment, also in {} (`. .local/pool.env`):\n", file.display());
    print!("{exports}");
    eprintln!("\nRunning until Ctrl-C.");
    std::future::pending().await
}

/// The environment of the functions, in the syntax of a shell.
fn exports(endpoint: &str, kind: Kind) -> String {
    let mut variables = client_environment(endpoint);
    variables.extend(function::SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())));
    if kind == Kind::EmailAsAlias {
        // In such a pool, Cognito refuses a user name that looks like an address.
        variables.push(("NATIVE_USERNAME".to_owned(), "uuid".to_owned()));
    }
    variables.iter().fold(String::new(), |text, (name, value)| format!("{text}export {name}='{value}'\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_with_the_email_as_alias_gets_user_names_that_are_no_addresses() {
        let exports = exports("http://127.0.0.1:4566", Kind::EmailAsAlias);
        assert!(exports.contains("export AWS_ENDPOINT_URL='http://127.0.0.1:4566'\n"), "{exports}");
        assert!(exports.contains("export NATIVE_USERNAME='uuid'\n"), "{exports}");
    }
}
