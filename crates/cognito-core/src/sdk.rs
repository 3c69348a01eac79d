//! Connects a function to AWS: one configuration for every SDK client.
//!
//! The SDK's usual set-up looks for credentials and settings in many places that a Lambda function does not have, and
//! includes a connection pool made for servers. Together they cost more at start than the rest of a function. Here the
//! settings come only from the environment (`environment`), and `http` manages the connections behind the SDK's own
//! trait. The SDK still does the signing, retries, timeouts and the protection against stalled streams.

mod container;
mod environment;
#[cfg(feature = "event-bus")]
mod event_bridge;
mod http;
#[cfg(feature = "next-function")]
mod lambda;
#[cfg(any(feature = "event-bus", feature = "next-function", feature = "retry-queue"))]
mod signed;
#[cfg(feature = "retry-queue")]
mod sqs;

#[cfg(feature = "event-bus")]
pub use event_bridge::EventBridge;
#[cfg(feature = "next-function")]
pub use lambda::LambdaFunction;
#[cfg(feature = "retry-queue")]
pub use sqs::SqsQueue;

use crate::settings::{Lookup, SettingError};
use aws_credential_types::provider::SharedCredentialsProvider;
#[cfg(feature = "aws")]
use aws_sdk_cognitoidentityprovider::config::IdentityCache;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
pub use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::{RetryConfig, TimeoutConfig};
use environment::{CredentialSource, Endpoints, Environment};
use http::Connections;
use std::time::Duration;
#[cfg(feature = "aws")]
use tokio::task::yield_now;

/// How long the start of a function waits for the connection that is opened ahead. Within a Region a connection takes
/// less. One that takes longer is used as soon as it is ready.
#[cfg(feature = "aws")]
const HEAD_START: Duration = Duration::from_millis(30);
/// Turns of the runtime until a connection ahead is requested. If the server is near and needs no look-up, TLS has
/// begun by then, too.
#[cfg(feature = "aws")]
const TURNS_TO_CONNECT: usize = 3;

/// A configuration from the environment of a Lambda function.
///
/// - Region: `AWS_REGION` or `AWS_DEFAULT_REGION`;
/// - credentials: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, or otherwise the server that
///   `AWS_CONTAINER_CREDENTIALS_FULL_URI` names;
/// - endpoints: `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_USE_FIPS_ENDPOINT`,
///   `AWS_USE_DUALSTACK_ENDPOINT`;
/// - trust: `AWS_CA_BUNDLE` or `SSL_CERT_FILE` instead of the roots that are compiled in.
///
/// Profiles, instance metadata, web identities and HTTP proxies are not supported, because a function has none.
///
/// One attempt may take 1.5 seconds, and a call with up to three attempts 4 seconds. So an answer is ready before
/// Cognito gives up after 5.
///
/// # Errors
///
/// Returns [`SettingError`] if a Region or credentials are missing, or if a value is not allowed. The error never
/// contains a secret.
pub fn config(lookup: Lookup<'_>) -> Result<SdkConfig, SettingError> {
    Aws::from_lookup(lookup).map(|aws| aws.config)
}

/// A configuration together with the connections that its clients will use.
#[derive(Clone, Debug)]
pub struct Aws {
    pub(crate) config: SdkConfig,
    connections: Connections,
}

impl Aws {
    /// Reads the same environment as [`config`].
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`config`].
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let environment = Environment::read(lookup)?;
        let connections = Connections::new(lookup)?;
        #[cfg(feature = "aws")]
        // Nothing is fetched, so there is nothing to cache.
        let cache = matches!(environment.credentials, CredentialSource::Fixed(_)).then(IdentityCache::no_cache);
        let credentials = match environment.credentials {
            CredentialSource::Fixed(fixed) => SharedCredentialsProvider::new(fixed),
            CredentialSource::Container(source) => SharedCredentialsProvider::new(source.over(connections.clone())),
        };
        let mut builder = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(environment.region))
            .credentials_provider(credentials)
            .http_client(connections.clone())
            .timeout_config(timeouts())
            .retry_config(retries());
        builder.set_endpoint_url(environment.endpoints.url_of_all());
        #[cfg(feature = "aws")]
        builder.set_identity_cache(cache);
        builder.set_use_fips(environment.fips);
        builder.set_use_dual_stack(environment.dual_stack);
        let config = builder.service_config(environment.endpoints).build();
        Ok(Self { config, connections })
    }

    /// Calls with a configuration that somebody else made, such as the command line's, over connections of its own.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] if the certificates that the environment names cannot be read.
    pub fn over(config: SdkConfig, lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Ok(Self { config, connections: Connections::new(lookup)? })
    }

    /// The configuration, for clients of the SDK.
    #[must_use]
    pub const fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Begins to open a connection to `url` before it is needed, because the start of a function has a whole core, and
    /// later events may have a fourteenth of one. If it fails, the first call reports the failure.
    ///
    /// When it returns, the connection is under way and the caller can do other work: the look-up of the server's name
    /// has begun or, if the address is a number and near, TLS.
    #[cfg(feature = "aws")]
    pub(crate) async fn open_ahead(&self, url: &str) {
        self.connections.open_ahead(url);
        for _ in 0..TURNS_TO_CONNECT {
            yield_now().await;
        }
    }

    /// Waits a moment for the connection that was opened ahead.
    #[cfg(feature = "aws")]
    pub(crate) async fn opened(&self) {
        self.connections.opened(HEAD_START).await;
    }

    /// The endpoint that the environment sets for a service. `service` is the service's id in the API model.
    pub(crate) fn endpoint_of(&self, service: &str) -> Option<String> {
        let own = self.config.service_config().and_then(|endpoints| Endpoints::url_of(endpoints, service));
        own.or_else(|| self.config.endpoint_url().map(str::to_owned))
    }
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

#[cfg(test)]
mod tests;
