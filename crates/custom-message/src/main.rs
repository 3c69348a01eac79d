//! The Lambda function.

use custom_message::CustomMessage;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cognito_core::runtime::run(async |lookup| CustomMessage::from_lookup(lookup)).await
}
