//! The Lambda function.

use cognito_core::retry_queue::RETRY_QUEUE_URL;
use cognito_core::runtime;
use cognito_core::sdk::{Aws, SqsQueue};
use cognito_core::settings::Lookup;
use cognito_core::user_pool::aws::AwsUserPools;
use post_confirmation::{PostConfirmation, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let connect = async |lookup: Lookup<'_>| {
        let aws = Aws::from_lookup(lookup)?;
        Ok((AwsUserPools::over(&aws), SqsQueue::from_lookup(lookup, RETRY_QUEUE_URL, &aws)?))
    };
    let build = |lookup: Lookup<'_>, (pools, queue): &(AwsUserPools, Option<SqsQueue>)| {
        Settings::from_lookup(lookup).map(|settings| PostConfirmation::new(settings, pools.clone(), queue.clone()))
    };
    runtime::run(connect, build).await
}
