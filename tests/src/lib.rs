//! Helpers that the end-to-end tests share: the local cloud that `cargo xtask test` has started, pools on it, and the
//! function binaries that it has built.

mod cli;
pub mod gate;
pub mod listener;
pub mod manifest;
mod people;
pub mod template;
pub mod user_pool_api;

pub use cli::{Cli, Ran, closed};
pub use local_cloud::dynamodb::state_table;
pub use people::Google;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use local_cloud::function::FOLDER_VARIABLE;
use local_cloud::http::Http;
use local_cloud::runtime_api::Function;
use local_cloud::seed::{GROUP, PASSWORD};
use local_cloud::user_pool::{ApiError, Kind, Profile, UserPool};
use local_cloud::{ENDPOINT_VARIABLE, client_environment};
use serde_json::{Value, json};

/// The address of the local cloud.
///
/// # Errors
///
/// Fails if the tests were not started by `cargo xtask test`.
pub fn cloud() -> Result<String> {
    variable(ENDPOINT_VARIABLE)
}

/// The path of a function's binary.
///
/// # Errors
///
/// Fails if the tests were not started by `cargo xtask test`.
pub fn binary(function: &str) -> Result<PathBuf> {
    Ok(PathBuf::from(variable(FOLDER_VARIABLE)?).join(function))
}

/// A new pool with the default group, for one test.
///
/// # Errors
///
/// Fails if the local cloud is not there or refuses.
pub async fn pool(kind: Kind) -> Result<UserPool> {
    let pool = UserPool::create(&cloud()?, kind).await?;
    pool.create_group(GROUP).await?;
    Ok(pool)
}

/// A native account, as [`UserPool::add_native`] makes it, with the password [`PASSWORD`]. Its user name is the address, or
/// `somebody` where that cannot be.
///
/// # Errors
///
/// Fails if the pool refuses.
pub async fn native(pool: &UserPool, kind: Kind, email: &str) -> Result<Profile> {
    let name = if kind == Kind::EmailAsUsername { email } else { "somebody" };
    pool.add_native(name, email, PASSWORD).await
}

/// A new pool with such an account in it.
///
/// # Errors
///
/// Fails if the local cloud is not there or refuses.
pub async fn pool_with(kind: Kind, email: &str) -> Result<(UserPool, Profile)> {
    let pool = pool(kind).await?;
    let native = native(&pool, kind, email).await?;
    Ok((pool, native))
}

/// Invites somebody with these attributes and a temporary password, without a message.
///
/// # Errors
///
/// Fails if the pool refuses.
pub async fn invited(pool: &UserPool, user_name: &str, attributes: &[(&str, &str)]) -> Result<()> {
    let attributes: Vec<_> = attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
    let input = json!({ "Username": user_name, "MessageAction": "SUPPRESS", "UserAttributes": attributes });
    pool.admin("AdminCreateUser", input).await.map(drop)
}

/// Whether a password opens an account of the pool.
///
/// # Errors
///
/// Fails if the local cloud cannot be reached.
pub async fn opens(pool: &UserPool, email: &str, password: &str) -> Result<bool> {
    let client = pool.create_client(&[]).await?;
    match pool.sign_in(&client, email, password).await {
        Ok(session) => Ok(session["AccessToken"].is_string()),
        Err(error) if error.is::<ApiError>() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Pairs of a name and a value, such as settings or parameters, as a list or a map that takes them as its own.
#[must_use]
pub fn owned<C: FromIterator<(String, String)>>(pairs: &[(&str, &str)]) -> C {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Whether a program is there that a test needs. Whoever has not got it does without that test.
///
/// # Panics
///
/// It is not there on GitHub, where a check that did not run has not passed.
#[must_use]
pub fn has(program: &str) -> bool {
    let found = std::process::Command::new(program).arg("--version").output().is_ok();
    let on_github = std::env::var_os("GITHUB_ACTIONS").is_some();
    assert!(found || !on_github, "there is no {program}, and a check that did not run has not passed");
    if !found {
        eprintln!("no {program}: what needs it is not tried");
    }
    found
}

/// Asks again and again for what comes by itself, for half a minute. The limit is high, because the machine may compile
/// at the same time.
pub async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> Option<T> {
    for _ in 0..600 {
        let found = ask().await;
        if found.is_some() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

/// Whether an answer is the event with only `response` changed.
#[must_use]
pub fn only_response_differs(event: &Value, answer: &Value) -> bool {
    let mut restored = answer.clone();
    restored["response"] = event["response"].clone();
    restored == *event
}

/// Registers an address as anybody can, with the password [`PASSWORD`], and never confirms it. Returns the app client.
///
/// # Errors
///
/// Fails if the pool refuses.
pub async fn registers(pool: &UserPool, email: &str) -> Result<String> {
    let client = pool.create_client(&[]).await?;
    let attributes = json!([{ "Name": "email", "Value": email }]);
    let input = json!({ "ClientId": client, "Username": email, "Password": PASSWORD, "UserAttributes": attributes });
    pool.call("SignUp", &input).await?;
    Ok(client)
}

/// Calls SQS on a local cloud, and returns its answer.
///
/// # Errors
///
/// Fails if the call is refused.
pub async fn sqs(endpoint: &str, operation: &str, input: &Value) -> Result<Value> {
    aws_json(endpoint, "1.0", &format!("AmazonSQS.{operation}"), input).await
}

/// Calls EventBridge. Returns its answer.
///
/// # Errors
///
/// Fails if the call is refused.
pub async fn event_bridge(endpoint: &str, operation: &str, input: &Value) -> Result<Value> {
    aws_json(endpoint, "1.1", &format!("AWSEvents.{operation}"), input).await
}

/// A call of the JSON protocol of this version.
async fn aws_json(endpoint: &str, version: &str, target: &str, input: &Value) -> Result<Value> {
    let headers = [("content-type", &*format!("application/x-amz-json-{version}")), ("x-amz-target", target)];
    let answer = Http::default().send_body("POST", endpoint, &headers, input.to_string()).await?;
    ensure!(answer.status.is_success(), "{target}: {}", answer.status);
    answer.json()
}

/// Starts a function with the local cloud's endpoint and the given settings.
///
/// # Errors
///
/// Fails if the function does not start. The message contains its output.
pub async fn function(name: &str, settings: &[(&str, &str)]) -> Result<Function> {
    let all = [client_environment(&cloud()?), owned(settings)].concat();
    Function::start(name, &binary(name)?, &all).await
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run these tests with `cargo xtask test`"))
}
