//! Puts events on an event bus.
//!
//! The SDK's crate for `EventBridge` would make pre-sign-up larger for everybody, and few have a bus.

use super::Aws;
use super::signed::Target;
use crate::account_event::{AccountEvent, EventBus, NotTaken, SOURCE};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use serde::Deserialize;
use serde_json::json;
use std::pin::Pin;
use std::time::Duration;

/// How long a connection, and then an answer, may take.
const LIMIT: Duration = Duration::from_millis(800);
/// How many events one call takes (API model of `EventBridge`, `PutEventsRequestEntryList`).
const MOST: usize = 10;
/// The largest answer, in bytes. Real ones have less than 2 KiB.
const MAX_ANSWER: u64 = 64 * 1024;
/// The protocol's name of the call (API model of `EventBridge`, JSON protocol).
const TARGET: &str = "AWSEvents.PutEvents";
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

    async fn send(&self, events: &[AccountEvent]) -> Result<(), NotTaken> {
        let passing = |code: String| NotTaken { code, may_pass: true };
        let mut entries = Vec::new();
        for event in events {
            let detail = serde_json::to_string(event).map_err(|why| passing(why.to_string()))?;
            entries.push(json!({
                "EventBusName": self.bus,
                "Source": SOURCE,
                "DetailType": event.what.name(),
                "Detail": detail,
                "Time": event.at,
            }));
        }
        let body = json!({ "Entries": entries }).to_string();
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", TARGET)];
        let limits = HttpConnectorSettings::builder().connect_timeout(LIMIT).read_timeout(LIMIT).build();
        let target = Target { service: "events", region: None, url: &self.url };
        let answer = self.aws.post(target, &headers, &body, &limits).await;
        let answer = answer.map_err(|_| passing("no connection".to_owned()))?;
        let status = answer.status();
        let body = super::http::read(answer.into_body(), MAX_ANSWER).await;
        let body = body.map_err(|_| passing("unreadable answer".to_owned()))?;
        if !status.is_success() {
            let code = serde_json::from_slice::<Refusal>(&body).unwrap_or_default().kind;
            let code = code.rsplit('#').next().unwrap_or_default().to_owned();
            let may_pass = status.as_u16() >= 500 || PASSING.contains(&code.as_str());
            return Err(NotTaken { code: format!("status {} {code}", status.as_u16()), may_pass });
        }
        let results: Results = serde_json::from_slice(&body).map_err(|_| passing("unreadable answer".to_owned()))?;
        let failed: Vec<String> = results.entries.into_iter().filter_map(|entry| entry.error_code).collect();
        // Those that the bus took come twice then.
        match failed.iter().find(|code| !PASSING.contains(&code.as_str())).or(failed.first()) {
            Some(code) => Err(NotTaken { code: code.clone(), may_pass: PASSING.contains(&code.as_str()) }),
            None if results.failed == 0 => Ok(()),
            None => Err(passing("unknown".to_owned())),
        }
    }
}

/// What `EventBridge` answers to a call that it refuses. Its `message` may repeat what was sent, so it is not read.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: String,
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
    fn put<'a>(
        &'a self,
        events: &'a [AccountEvent],
    ) -> Pin<Box<dyn Future<Output = Result<(), NotTaken>> + Send + 'a>> {
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
