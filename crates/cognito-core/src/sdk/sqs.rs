//! Puts messages into an SQS queue.
//!
//! The SDK's crate for SQS would make the function larger for everybody, although a message is sent only when Cognito
//! fails. This sends the one call over the same connections, and the SDK's own crate signs it.

use super::Aws;
use super::http::Origin;
use crate::retry_queue::{NotKept, RetryQueue};
use crate::settings::{self, Lookup, SettingError};
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde::Deserialize;
use serde_json::json;
use std::error::Error;
use std::time::{Duration, SystemTime};

/// How long a connection, and then an answer, may take.
const LIMIT: Duration = Duration::from_millis(800);
/// The largest answer, in bytes. Real ones have less than 1 KiB.
const MAX_ANSWER: u64 = 64 * 1024;
/// The protocol's name of the call (API model of SQS, JSON protocol).
const TARGET: &str = "AmazonSQS.SendMessage";

/// A queue of SQS.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    url: String,
    aws: Aws,
}

impl SqsQueue {
    /// The queue whose URL the variable `name` holds. `None` if the variable is empty. Makes no call.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] if the value is not an http or https URL.
    pub fn from_lookup(lookup: Lookup<'_>, name: &'static str, aws: &Aws) -> Result<Option<Self>, SettingError> {
        let parse = |text: &str| Origin::parse(text).map(|_| text.to_owned());
        let url = settings::optional(lookup, name, "the URL of an SQS queue", parse)?;
        Ok(url.map(|url| Self { url, aws: aws.clone() }))
    }

    async fn send(&self, message: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
        let body = json!({ "QueueUrl": self.url, "MessageBody": message }).to_string();
        let mut request = HttpRequest::get(&self.url)?;
        request.set_method("POST")?;
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", TARGET)];
        for (name, value) in headers {
            request.headers_mut().try_insert(name, value)?;
        }
        let config = &self.aws.config;
        let credentials = config.credentials_provider().ok_or("no credentials")?.provide_credentials().await?;
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(config.region().ok_or("no Region")?.as_ref())
            .name("sqs")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let to_sign =
            SignableRequest::new("POST", &self.url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
        *request.body_mut() = SdkBody::from(body.as_str());
        let mut request = request.try_into_http1x()?;
        sign(to_sign, &parameters)?.into_parts().0.apply_to_request_http1x(&mut request);
        let limits = HttpConnectorSettings::builder().connect_timeout(LIMIT).read_timeout(LIMIT).build();
        let answer = self.aws.connections.connector(&limits).call(HttpRequest::try_from(request)?).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let body = super::http::read(answer.into_body(), MAX_ANSWER).await?;
        let code = serde_json::from_slice::<Refusal>(&body).unwrap_or_default().kind;
        Err(format!("status {} {}", status.as_u16(), code.rsplit('#').next().unwrap_or_default()).into())
    }
}

/// What SQS answers to a call that it refuses. Its `message` may repeat what was sent, so it is not read.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: String,
}

impl RetryQueue for SqsQueue {
    async fn put(&self, message: String) -> Result<(), NotKept> {
        self.send(&message).await.map_err(NotKept)
    }
}

#[cfg(test)]
mod tests;
