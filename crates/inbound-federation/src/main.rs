//! The Lambda function.

use cognito_core::runtime;
use inbound_federation::{InboundFederation, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(async |lookup| Settings::from_lookup(lookup).map(InboundFederation::new)).await
}
