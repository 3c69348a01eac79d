//! Puts messages into an SQS queue.
//!
//! The SDK's crate for SQS would make the function larger for everybody, although a message is sent only when Cognito
//! fails. This sends the one call over the same connections (`signed`).

use super::Aws;
use super::http::Origin;
use super::signed::{Target, refusal};
use crate::retry_queue::{NotKept, RetryQueue};
use crate::settings::{self, Lookup, SettingError};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use serde_json::json;
use std::error::Error;
use std::time::Duration;

/// How long a connection, and then an answer, may take.
const LIMIT: Duration = Duration::from_millis(800);
/// The largest answer, in bytes. Real ones have less than 1 KiB.
const MAX_ANSWER: u64 = 64 * 1024;
/// The longest delay of a message (API model of SQS).
const LONGEST_DELAY: Duration = Duration::from_mins(15);
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

    async fn send(&self, message: &str, delay: Option<Duration>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut body = json!({ "QueueUrl": self.url, "MessageBody": message });
        if let Some(delay) = delay {
            body["DelaySeconds"] = delay.min(LONGEST_DELAY).as_secs().into();
        }
        let body = body.to_string();
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", TARGET)];
        let limits = HttpConnectorSettings::builder().connect_timeout(LIMIT).read_timeout(LIMIT).build();
        let target = Target { service: "sqs", region: None, url: &self.url };
        let answer = self.aws.post(target, &headers, &body, &limits).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let body = super::http::read(answer.into_body(), MAX_ANSWER).await?;
        Err(format!("status {} {}", status.as_u16(), refusal(&body)).into())
    }
}

impl RetryQueue for SqsQueue {
    async fn put(&self, message: String, delay: Option<Duration>) -> Result<(), NotKept> {
        self.send(&message, delay).await.map_err(NotKept)
    }
}

#[cfg(test)]
mod tests;
