//! The Lambda function.

use cognito_core::runtime;
use cognito_core::settings::Lookup;
use cognito_core::user_pool::aws::AwsUserPools;
use pre_sign_up::{PreSignUp, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let build = |lookup: Lookup<'_>, pools: &AwsUserPools| {
        Settings::from_lookup(lookup).map(|settings| PreSignUp::new(settings, pools.clone()))
    };
    runtime::run(AwsUserPools::connected, build).await
}
