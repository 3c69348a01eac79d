//! How a function reaches AWS: one configuration for every SDK client.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_http_client::tls::{Provider as Tls, rustls_provider::CryptoMode};
use std::time::Duration;

/// A configuration from the environment a Lambda function has: Region, credentials, and
/// `AWS_ENDPOINT_URL` where set.
///
/// One attempt may take 1.5 seconds and a call with its at most three attempts 4 seconds, so
/// that an answer is ready before Cognito gives up after 5.
pub async fn config() -> SdkConfig {
    let tls = HttpClient::new().tls_provider(Tls::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(tls)
        .timeout_config(timeouts())
        .retry_config(retries())
        .load()
        .await
}

pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_millis(1500))
        .operation_timeout(Duration::from_secs(4))
        .build()
}

pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(100))
        .with_max_backoff(Duration::from_millis(500))
}
