//! Puts events on an event bus.
//!
//! The SDK's crate for `EventBridge` would make pre-sign-up larger for everybody, and few have a bus.

use super::Aws;
use super::signed::{Target, refusal};
use crate::account_event::{AccountEvent, EventBus, NotTaken, SOURCE, Taking};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a call may take.
const LIMIT: Duration = Duration::from_millis(800);
/// How many events one call takes (API model of `EventBridge`, `PutEventsRequestEntryList`).
const MOST: usize = 10;
/// The largest answer, in bytes. Real ones have less than 2 KiB.
const MAX_ANSWER: u64 = 64 * 1024;
/// How the protocol names calls (API model of `EventBridge`, JSON protocol).
const PROTOCOL: &str = "AWSEvents";
/// The codes of a failure that may pass (API reference, `PutEventsResultEntry`).
const PASSING: [&str; 3] = ["InternalFailure", "InternalException", "ThrottlingException"];

/// An event bus of `EventBridge`.
#[derive(Clone, Debug)]
pub struct EventBridge {
    bus: String,
    url: String,
    aws: Aws,
}

impl EventBridge {
    /// The bus of this name, in the account and the Region of `aws`. Makes no call.
    #[must_use]
    pub fn new(bus: String, aws: &Aws) -> Self {
        let region = aws.config.region().map(AsRef::as_ref).unwrap_or_default();
        Self { bus, url: aws.endpoint("EventBridge", "events", region), aws: aws.clone() }
    }

    /// Whether there is such a bus. `EventBridge` takes events for one that is missing, and drops them.
    ///
    /// # Errors
    ///
    /// Fails if that cannot be found out.
    pub async fn exists(&self) -> Result<bool, NotTaken> {
        match self.call("DescribeEventBus", &json!({ "Name": self.bus })).await {
            Ok(_) => Ok(true),
            Err(why) if why.code.ends_with("ResourceNotFoundException") => Ok(false),
            Err(why) => Err(why),
        }
    }

    async fn send(&self, events: &[AccountEvent]) -> Result<(), NotTaken> {
        let mut entries = Vec::new();
        for event in events {
            let detail = serde_json::to_string(event).map_err(|_| passing("unwritable event"))?;
            entries.push(json!({
                "EventBusName": self.bus,
                "Source": SOURCE,
                "DetailType": event.what.name(),
                "Detail": detail,
                "Time": event.at,
            }));
        }
        let body = self.call("PutEvents", &json!({ "Entries": entries })).await?;
        let results: Results = serde_json::from_slice(&body).map_err(|_| passing("unreadable answer"))?;
        let failed: Vec<String> = results.entries.into_iter().filter_map(|entry| entry.error_code).collect();
        // Those that the bus took come twice then.
        match failed.iter().find(|code| !PASSING.contains(&code.as_str())).or(failed.first()) {
            Some(code) => Err(NotTaken { code: code.clone(), may_pass: PASSING.contains(&code.as_str()) }),
            None if results.failed == 0 => Ok(()),
            None => Err(passing("unknown")),
        }
    }

    /// Makes a call, once and within [`LIMIT`]. Returns the body of the answer.
    async fn call(&self, operation: &str, input: &Value) -> Result<Vec<u8>, NotTaken> {
        let (target, body) = (format!("{PROTOCOL}.{operation}"), input.to_string());
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let limits = HttpConnectorSettings::builder().connect_timeout(LIMIT).build();
        let call = async {
            let target = Target { service: "events", region: None, url: &self.url };
            let answer = self.aws.post(target, &headers, &body, &limits).await.map_err(|_| passing("no connection"))?;
            let status = answer.status();
            let body = super::http::read(answer.into_body(), MAX_ANSWER).await;
            Ok((status, body.map_err(|_| passing("unreadable answer"))?))
        };
        let (status, body) = tokio::time::timeout(LIMIT, call).await.unwrap_or_else(|_| Err(passing("timed out")))?;
        if status.is_success() {
            return Ok(body.to_vec());
        }
        let code = refusal(&body);
        let may_pass = status.as_u16() >= 500 || PASSING.contains(&code.as_str());
        Err(NotTaken { code: format!("status {} {code}", status.as_u16()), may_pass })
    }
}

fn passing(code: &str) -> NotTaken {
    NotTaken { code: code.to_owned(), may_pass: true }
}

/// The answer to a call that `EventBridge` took. Each event may have failed on its own.
#[derive(Deserialize)]
struct Results {
    #[serde(rename = "FailedEntryCount", default)]
    failed: u32,
    #[serde(rename = "Entries", default)]
    entries: Vec<EntryResult>,
}

#[derive(Deserialize)]
struct EntryResult {
    #[serde(rename = "ErrorCode", default)]
    error_code: Option<String>,
}

impl EventBus for EventBridge {
    fn put<'a>(&'a self, events: &'a [AccountEvent]) -> Taking<'a> {
        Box::pin(async move {
            for some in events.chunks(MOST) {
                self.send(some).await?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
