//! The AWS account a command works on.

use crate::options::Global;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_http_client::tls::{Provider as Tls, rustls_provider::CryptoMode};
use cognito_core::user_pool::UserPools;
use cognito_core::user_pool::aws::{AwsUserPool, AwsUserPools};

/// How often a call is tried before a command gives up on it: an operator would rather wait than start again.
const ATTEMPTS: u32 = 8;

/// Credentials, Region and endpoint, found as every AWS tool finds them.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    config: SdkConfig,
}

impl Cloud {
    /// Reads the environment and the AWS files. Makes no call but one that fetches credentials.
    ///
    /// `user_pool` is the id of the pool worked on, if there is one: an id names its Region.
    pub(crate) async fn load(global: &Global, user_pool: Option<&str>) -> Self {
        let tls = HttpClient::new().tls_provider(Tls::Rustls(CryptoMode::Ring)).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(tls)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        if let Some(profile) = &global.profile {
            loader = loader.profile_name(profile);
        }
        let of_pool = user_pool.and_then(|id| id.split_once('_')).map(|(region, _)| region.to_owned());
        if let Some(region) = global.region.clone().or(of_pool) {
            loader = loader.region(Region::new(region));
        }
        Self { config: loader.load().await }
    }

    /// What SDK clients are made from.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// A client for functions of a Region.
    pub(crate) fn lambda(&self, region: &str) -> aws_sdk_lambda::Client {
        let config = aws_sdk_lambda::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        aws_sdk_lambda::Client::from_conf(config.build())
    }

    /// The user pool with this id. Makes no call.
    pub(crate) fn user_pool(&self, id: &str) -> AwsUserPool {
        AwsUserPools::new(self.cognito()).pool(id)
    }

    /// A client for user pools.
    pub(crate) fn cognito(&self) -> aws_sdk_cognitoidentityprovider::Client {
        aws_sdk_cognitoidentityprovider::Client::new(&self.config)
    }
}

#[cfg(test)]
impl Cloud {
    /// An account that a function plays: it gets every request, and gives status and body of the answer.
    pub(crate) fn answering(
        answer: impl Fn(&http::Request<aws_sdk_lambda::primitives::SdkBody>) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        use aws_sdk_lambda::config::{Credentials, SharedCredentialsProvider};
        let http = aws_smithy_http_client::test_util::infallible_client_fn(move |request| {
            let (status, body) = answer(&request);
            http::Response::builder().status(status).body(body).unwrap()
        });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .http_client(http)
            .retry_config(RetryConfig::disabled());
        Self { config: config.build() }
    }
}
