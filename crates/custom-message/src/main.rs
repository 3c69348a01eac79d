//! The Lambda function.

use cognito_core::runtime;
use custom_message::{CustomMessage, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(async |lookup| Ok(CustomMessage::new(Settings::from_lookup(lookup)?))).await
}
