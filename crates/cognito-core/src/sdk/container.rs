//! Credentials from the server that Lambda runs beside a function that was restored from a snapshot.

use super::http::{Connections, Origin};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::Deserialize;
use std::fmt;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// The time limit of a request. The server is on the same machine.
const LIMIT: Duration = Duration::from_secs(1);
/// The largest answer, in bytes. Real ones have about 2 KiB.
const MAX_ANSWER: u64 = 64 * 1024;

/// Where to get credentials.
#[derive(Clone)]
pub(super) struct ContainerSource {
    url: String,
    token: Option<Zeroizing<String>>,
    token_file: Option<String>,
}

/// Asks a [`ContainerSource`].
#[derive(Debug)]
pub(super) struct ContainerCredentials {
    source: ContainerSource,
    connections: Connections,
}

impl ContainerSource {
    pub(super) const ALLOWED: &str = "an http URL of this machine, or an https URL";

    /// A source. `None` if the token would go to another machine unencrypted.
    pub(super) fn new(url: &str, token: Option<String>, token_file: Option<String>) -> Option<Self> {
        let origin = Origin::parse(url)?;
        let allowed = origin.tls || origin.is_loopback();
        allowed.then(|| Self { url: url.to_owned(), token: token.map(Zeroizing::new), token_file })
    }

    pub(super) fn over(self, connections: Connections) -> ContainerCredentials {
        ContainerCredentials { source: self, connections }
    }

    /// The file comes first, because its token is replaced while the process lives.
    fn token(&self) -> std::io::Result<Option<Zeroizing<String>>> {
        match &self.token_file {
            Some(file) => std::fs::read_to_string(file).map(|token| Some(Zeroizing::new(token.trim().to_owned()))),
            None => Ok(self.token.clone()),
        }
    }
}

impl fmt::Debug for ContainerSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ContainerSource").field("url", &self.url).finish_non_exhaustive()
    }
}

impl ProvideCredentials for ContainerCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            tokio::time::timeout(LIMIT, self.fetch()).await.map_err(|_| CredentialsError::provider_timed_out(LIMIT))?
        })
    }
}

impl ContainerCredentials {
    async fn fetch(&self) -> Result {
        let mut request = HttpRequest::get(&self.source.url).map_err(CredentialsError::invalid_configuration)?;
        if let Some(token) = self.source.token().map_err(CredentialsError::not_loaded)? {
            request.headers_mut().try_insert("Authorization", token.to_string()).map_err(|_| {
                CredentialsError::invalid_configuration("the token contains characters that no header may have")
            })?;
        }
        let connector = self.connections.connector(&HttpConnectorSettings::builder().connect_timeout(LIMIT).build());
        let answer = connector.call(request).await.map_err(CredentialsError::provider_error)?;
        if !answer.status().is_success() {
            return Err(CredentialsError::provider_error(format!("status {}", answer.status().as_u16())));
        }
        read(
            super::http::read(answer.into_body(), MAX_ANSWER).await.map_err(CredentialsError::provider_error)?.as_ref(),
        )
    }
}

/// An answer in the form of the ECS documentation ("Task IAM role").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: String,
}

/// Reads an answer. Errors never repeat its content.
fn read(answer: &[u8]) -> Result {
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|_| CredentialsError::unhandled("unreadable answer"))?;
    let expiry = DateTime::from_str(&answer.expiration, Format::DateTimeWithOffset)
        .ok()
        .and_then(|time| SystemTime::try_from(time).ok())
        .ok_or_else(|| CredentialsError::unhandled("unreadable expiration"))?;
    Ok(Credentials::new(answer.access_key_id, answer.secret_access_key, Some(answer.token), Some(expiry), "Container"))
}

#[cfg(test)]
mod tests;
