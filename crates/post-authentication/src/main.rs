//! The Lambda function.

use cognito_core::runtime;
use cognito_core::settings::Lookup;
use cognito_core::user_pool::aws::AwsUserPools;
use post_authentication::{PostAuthentication, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let build = |lookup: Lookup<'_>, pools: &AwsUserPools| {
        Settings::from_lookup(lookup).map(|settings| PostAuthentication::new(settings, pools.clone()))
    };
    runtime::run(async |lookup| AwsUserPools::from_lookup(lookup), build).await
}
