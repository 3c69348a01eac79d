//! What the end-to-end tests share: the local cloud that `cargo xtask test` has started, pools on it,
//! and the function binaries it has built.

use std::path::PathBuf;

use anyhow::{Context, Result};
use xtask::command::test::{CLOUD, FUNCTIONS};
use xtask::local_cloud::client_environment;
use xtask::runtime_api::Function;
use xtask::seed::GROUP;
use xtask::user_pool::{Kind, UserPool};

/// The address of the local cloud.
///
/// # Errors
///
/// The tests were not started by `cargo xtask test`.
pub fn cloud() -> Result<String> {
    variable(CLOUD)
}

/// The path of a function's binary.
///
/// # Errors
///
/// The tests were not started by `cargo xtask test`.
pub fn binary(function: &str) -> Result<PathBuf> {
    Ok(PathBuf::from(variable(FUNCTIONS)?).join(function))
}

/// A new pool with the default group, for one test alone.
///
/// # Errors
///
/// The local cloud is not there or refuses.
pub async fn pool(kind: Kind) -> Result<UserPool> {
    let pool = UserPool::create(&cloud()?, kind).await?;
    pool.create_group(GROUP).await?;
    Ok(pool)
}

/// Starts a function with the way to the local cloud and the given settings.
///
/// # Errors
///
/// The function does not start; the message holds what it wrote.
pub async fn function(name: &str, settings: &[(&str, &str)]) -> Result<Function> {
    let own = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let all: Vec<_> = client_environment(&cloud()?).into_iter().chain(own).collect();
    Function::start(name, &binary(name)?, &all).await
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run these tests with `cargo xtask test`"))
}
