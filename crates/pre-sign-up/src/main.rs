//! The Lambda function.

use cognito_core::account_event::{EventBus, bus_from_lookup};
use cognito_core::retry_queue::RETRY_QUEUE_URL;
use cognito_core::runtime;
use cognito_core::sdk::{Aws, EventBridge, SqsQueue};
use cognito_core::settings::Lookup;
use cognito_core::user_pool::aws::AwsUserPools;
use pre_sign_up::{PreSignUp, Settings};
use std::process::ExitCode;
use std::sync::Arc;

/// The ways out of the function.
type Connected = (AwsUserPools, Option<SqsQueue>, Option<Arc<dyn EventBus>>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let connect = async |lookup: Lookup<'_>| {
        let aws = Aws::from_lookup(lookup)?;
        let queue = SqsQueue::from_lookup(lookup, RETRY_QUEUE_URL, &aws)?;
        let bus = bus_from_lookup(lookup)?.map(|bus| Arc::new(EventBridge::new(bus, &aws)) as Arc<dyn EventBus>);
        Ok((AwsUserPools::connected(&aws).await, queue, bus))
    };
    let build = |lookup: Lookup<'_>, (pools, queue, bus): &Connected| {
        let settings = Settings::from_lookup(lookup)?;
        Ok(PreSignUp::new(settings, pools.clone(), queue.clone()).telling(bus.clone()))
    };
    runtime::run(connect, build).await
}
