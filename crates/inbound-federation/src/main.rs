//! The Lambda function.

use cognito_core::runtime;
use cognito_core::settings::Lookup;
use inbound_federation::{InboundFederation, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let build = |lookup: Lookup<'_>, (): &()| Settings::from_lookup(lookup).map(InboundFederation::new);
    runtime::run(async |_| Ok(()), build).await
}
