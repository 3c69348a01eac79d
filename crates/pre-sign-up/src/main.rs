//! The Lambda function.

use cognito_core::runtime;
use cognito_core::user_pool::aws::AwsUserPools;
use pre_sign_up::{PreSignUp, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(async |lookup| {
        Ok(PreSignUp::new(Settings::from_lookup(lookup)?, AwsUserPools::connected(lookup).await?))
    })
    .await
}
