//! The Lambda function.

use cognito_core::runtime;
use cognito_core::sdk::{Aws, SqsQueue};
use cognito_core::user_pool::aws::AwsUserPools;
use post_confirmation::{PostConfirmation, RETRY_QUEUE_URL, Settings};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(async |lookup| {
        let aws = Aws::from_lookup(lookup)?;
        let queue = SqsQueue::from_lookup(lookup, RETRY_QUEUE_URL, &aws)?;
        Ok(PostConfirmation::new(Settings::from_lookup(lookup)?, AwsUserPools::over(&aws), queue))
    })
    .await
}
