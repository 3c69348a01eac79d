//! Who signs the calls.

use super::connection::causes;
use anyhow::{Context, Result};
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::client::error::ImdsError;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{self, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_types::os_shim_internal::{Env, Fs};
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

/// What `--profile` names. Keys in the environment do not count beside it, as for the AWS CLI: whoever names a profile
/// means its account.
pub(super) fn of_profile(name: &str, config: &ProviderConfig) -> CredentialsProviderChain {
    let profile = ProfileFileCredentialsProvider::builder().profile_name(name).configure(config).build();
    CredentialsProviderChain::first_try("Profile", profile)
        .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(config).build())
        .or_else("Ec2InstanceMetadata", ImdsCredentialsProvider::builder().configure(config).build())
}

/// Refuses a profile that the AWS files do not have: without it, something else would sign.
///
/// # Errors
///
/// [`Refused`](crate::terminal::Refused) if there is none of that name, or the files cannot be read.
pub(super) async fn refuse_unknown(name: &str) -> Result<()> {
    #[expect(deprecated, reason = "the type's new home is a crate that nothing else here needs")]
    let files = profile::profile_file::ProfileFiles::default();
    let profiles = profile::load(&Fs::real(), &Env::real(), &files, None).await;
    let profiles = profiles.context("the AWS files cannot be read")?;
    if profiles.get_profile(name).is_some() {
        return Ok(());
    }
    let mut names: Vec<_> = profiles.profiles().collect();
    names.sort_unstable();
    let there = if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
    refuse!("the AWS files have no profile {name}; {there}")
}

/// Says once why there are no credentials: a call that fails for that says only that it was not sent.
#[derive(Debug)]
pub(super) struct Explained {
    inner: SharedCredentialsProvider,
    told: AtomicBool,
}

impl Explained {
    pub(super) fn new(inner: SharedCredentialsProvider) -> Self {
        Self { inner, told: AtomicBool::new(false) }
    }
}

impl ProvideCredentials for Explained {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let answer = self.inner.provide_credentials().await;
            if let Err(error) = &answer
                && !self.told.swap(true, Ordering::Relaxed)
            {
                note!("{}", explanation(error));
            }
            answer
        })
    }
}

/// What was found instead of credentials, and what to do.
fn explanation(error: &CredentialsError) -> String {
    let why = causes(error).replace('\n', " ");
    // The metadata service is asked last, when nothing else names credentials. Its silence is no reason to sign in again.
    let (mut cause, mut is_silent) = (error.source(), false);
    while let Some(error) = cause {
        is_silent |= error.is::<ImdsError>();
        cause = error.source();
    }
    if is_silent || matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        format!(
            "no credentials were found ({why}). Name a profile with --profile, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
        )
    } else {
        format!("the credentials cannot be had ({why}). Sign in again: aws sso login, or what your profile uses")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::imds::Client;
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    /// Nothing answers, as told by the client for AWS: it never tries again.
    #[derive(Debug)]
    struct Silent;

    impl HttpConnector for Silent {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::ready(Err(ConnectorError::user("no answer".into())))
        }
    }

    #[tokio::test]
    async fn who_has_no_credentials_is_told_what_to_set_even_if_the_machine_gives_a_strange_answer() {
        let http = http_client_fn(|_, _| SharedHttpConnector::new(Silent));
        let config = ProviderConfig::without_region().with_http_client(http);
        let client = Client::builder().configure(&config).max_attempts(1).build();
        let unknown = client.get("/").await.unwrap_err();
        let machine = explanation(&CredentialsError::provider_error(unknown));
        let nothing = explanation(&CredentialsError::not_loaded("nothing names any"));
        for told in [machine, nothing] {
            assert!(told.contains("no credentials were found") && told.contains("AWS_ACCESS_KEY_ID"), "{told}");
            assert!(!told.contains("Sign in"), "{told}");
        }
        let expired = explanation(&CredentialsError::provider_error("the session has expired"));
        assert!(expired.contains("Sign in again"), "{expired}");
    }
}
