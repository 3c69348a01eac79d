//! The Lambda function.

use cognito_core::runtime;
use cognito_core::settings::Lookup;
use custom_message::{CustomMessage, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let build = |lookup: Lookup<'_>, (): &()| Settings::from_lookup(lookup).map(CustomMessage::new);
    runtime::run(async |_| Ok(()), build).await
}
