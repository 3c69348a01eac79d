//! `cargo xtask pool`: the pool the sample events speak of, for `cargo lambda`.

use anyhow::Result;
use clap::Args;
use console::style;

use crate::local_cloud::{self, LocalCloud, client_environment};
use crate::seed::{self, PEOPLE, POOL_ID};
use crate::user_pool::{Kind, UserPool};
use crate::{function, steps, toolbox::Toolbox};

/// How the pool is run.
#[derive(Debug, Args)]
pub struct Options {
    /// Port of the local cloud.
    #[arg(long, env = "LOCAL_CLOUD_PORT", default_value_t = 4566)]
    port: u16,
    /// Make a pool where e-mail is an alias and administrators make the accounts.
    #[arg(long)]
    alias: bool,
}

/// Starts the pool, prints the environment to use on standard output, and waits for Ctrl-C.
///
/// # Errors
///
/// The tools cannot be installed or the local cloud cannot be started.
pub async fn run(options: Options) -> Result<()> {
    let kind = if options.alias { Kind::EmailAsAlias } else { Kind::EmailAsUsername };
    let toolbox = Toolbox::local_cloud().await?;
    let step = steps::begin("Starting a local user pool");
    let cloud = LocalCloud::start(
        &toolbox,
        local_cloud::Options { port: Some(options.port), saved_pool: Some(seed::saved_pool(kind)) },
    )
    .await?;
    let people = UserPool::open(cloud.endpoint(), POOL_ID).profiles().await?;
    step.done();

    eprintln!("\nUser pool {} with {} people:", style(POOL_ID).for_stderr().bold(), people.len());
    for person in &PEOPLE {
        eprintln!("  {:<24} {}", person.email, style(person.role).for_stderr().dim());
    }
    eprintln!("Native accounts have the password {}. Log: {}", seed::PASSWORD, cloud.log().display());
    eprintln!("\nIn the terminal of `cargo lambda watch` (the functions' environment):\n");
    let settings = function::SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for (name, value) in client_environment(cloud.endpoint()).into_iter().chain(settings) {
        println!("export {name}='{value}'");
    }
    eprintln!("\nRunning until Ctrl-C.");
    std::future::pending().await
}
