//! The Lambda function.

use cognito_core::runtime;
use cognito_core::user_pool::aws::AwsUserPools;
use post_confirmation::{PostConfirmation, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(async |lookup| {
        Ok(PostConfirmation::new(Settings::from_lookup(lookup)?, AwsUserPools::from_lookup(lookup)?))
    })
    .await
}
