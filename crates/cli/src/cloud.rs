//! The AWS account a command works on.

mod body;
mod connection;
mod credentials;

pub(crate) use body::Body;

use crate::options::Global;
use crate::terminal::Refused;
use anyhow::Result;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_http_client::tls::{Provider as Tls, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::service_config::ServiceConfigKey;
use cognito_core::sdk::{Aws, EventBridge};
use cognito_core::user_pool::UserPools;
use cognito_core::user_pool::aws::{AwsUserPool, AwsUserPools, failed};
use connection::Connections;
use credentials::{Explained, of_profile, refuse_unknown};
use std::time::Duration;

/// How often a call is tried before a command gives up on it: an operator would rather wait than start again.
const ATTEMPTS: u32 = 8;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// How long to wait for an answer of an address that answered before: Cognito waits up to 15 s for the functions that a call starts.
const READ: Duration = Duration::from_secs(30);

/// Credentials, Region and endpoint, found as the AWS CLI finds them.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    config: SdkConfig,
}

impl Cloud {
    /// Reads the environment and the AWS files. Makes no call.
    ///
    /// `user_pool` is the id of the pool worked on: an id names its Region.
    ///
    /// # Errors
    ///
    /// [`Refused`] if there is no such profile, or if `--region` is not the pool's; the AWS files cannot be read.
    pub(crate) async fn load(global: &Global, user_pool: &str) -> Result<Self> {
        let region = region(user_pool, global.region.as_deref())?;
        // The AWS CLI reads them in this order.
        let variables = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"].into_iter();
        let in_environment = variables.filter_map(|name| std::env::var(name).ok()).find(|name| !name.is_empty());
        let profile = global.profile.as_ref().or(in_environment.as_ref());
        if let Some(profile) = profile {
            refuse_unknown(profile).await?;
        }
        let tls = HttpClient::new().tls_provider(Tls::Rustls(CryptoMode::Ring)).build_https();
        let http = SharedHttpClient::new(Connections::through(tls));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).build())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let config = loader.load().await;
        let signer = match &global.profile {
            Some(profile) => {
                let config = ProviderConfig::without_region().with_region(config.region().cloned());
                Some(SharedCredentialsProvider::new(of_profile(profile, &config.with_http_client(http))))
            }
            None => config.credentials_provider(),
        };
        let signer = signer.map(|signer| SharedCredentialsProvider::new(Explained::new(signer)));
        let mut config = config.into_builder();
        config.set_credentials_provider(signer);
        Ok(Self { config: config.build() })
    }

    /// Says where a command is about to change something, and returns the ARN of whoever runs it. One call; if it is not
    /// allowed, only account and ARN are left out.
    pub(crate) async fn announce(&self, user_pool: &str) -> Option<String> {
        let region = self.config.region().map_or("unknown", AsRef::as_ref);
        // Nothing depends on the answer, so nobody waits for a second try.
        let once = aws_sdk_sts::config::Builder::from(&self.config).retry_config(RetryConfig::disabled()).build();
        let answer = aws_sdk_sts::Client::from_conf(once).get_caller_identity().send().await;
        match answer.map_err(failed("GetCallerIdentity")) {
            Ok(caller) => {
                say!("Account {}, Region {region}, user pool {user_pool}", caller.account().unwrap_or("unknown"));
                caller.arn
            }
            Err(why) => {
                say!("Account unknown ({why}), Region {region}, user pool {user_pool}");
                None
            }
        }
    }

    /// What SDK clients are made from.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Where a service is that there is no client for: what the operator set, or else AWS's own address in the Region.
    pub(crate) fn endpoint(&self, service: &str, region: &str) -> String {
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok();
        let own = key.and_then(|key| self.config.service_config()?.load_config(key));
        own.or_else(|| self.config.endpoint_url().map(str::to_owned)).unwrap_or_else(|| {
            let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://{service}.{region}.{suffix}")
        })
    }

    /// The event bus of this name.
    ///
    /// # Errors
    ///
    /// Fails if the certificates that the environment names cannot be read.
    pub(crate) fn event_bus(&self, name: &str) -> Result<EventBridge> {
        let lookup = |name: &str| std::env::var(name).ok();
        Ok(EventBridge::new(name.to_owned(), &Aws::over(self.config.clone(), &lookup)?))
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

/// The Region to work in: the pool's, or else what was given.
///
/// # Errors
///
/// [`Refused`] if they differ: AWS would answer that there is no such pool.
fn region<'a>(user_pool: &'a str, given: Option<&'a str>) -> Result<Option<&'a str>, Refused> {
    // Some emulators begin their ids with a word that is no Region.
    let of_pool = user_pool.split_once('_').map(|(region, _)| region).filter(|name| is_region(name));
    match (of_pool, given) {
        (Some(own), Some(given)) if own != given => Err(Refused(format!(
            "the user pool {user_pool} is in {own}, and --region says {given}. Leave --region out, or name another pool"
        ))),
        _ => Ok(of_pool.or(given)),
    }
}

/// Whether a word looks like a Region, such as `us-gov-west-1`.
fn is_region(name: &str) -> bool {
    let parts: Vec<_> = name.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    words.len() > 1 && number.bytes().all(|byte| byte.is_ascii_digit()) && words.iter().all(|word| !word.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_is_not_the_pools_is_refused_before_any_call() {
        let why = region("eu-central-1_A", Some("us-east-1")).unwrap_err().to_string();
        assert!(why.contains("is in eu-central-1") && why.contains("--region says us-east-1"), "{why}");
        assert_eq!(region("eu-central-1_A", None).unwrap(), Some("eu-central-1"));
        assert_eq!(region("us-gov-west-1_A", Some("us-gov-west-1")).unwrap(), Some("us-gov-west-1"));
        assert_eq!(region("local_A", Some("us-east-1")).unwrap(), Some("us-east-1"), "an emulator's id");
        assert_eq!(region("local_A", None).unwrap(), None);
    }
}
