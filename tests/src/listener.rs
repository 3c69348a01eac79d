//! An application that listens to the event bus.

use anyhow::{Context, Result, bail};
use local_cloud::user_pool::UserPool;
use serde_json::{Value, json};

use crate::{event_bridge, sqs};

/// The bus that is listened to.
pub const BUS: &str = "default";

/// How often the queue is asked, for a second each time.
const LOOKS: u32 = 60;

/// A queue that gets what happens to the accounts of one pool.
#[derive(Debug)]
pub struct Listener {
    endpoint: String,
    url: String,
}

impl Listener {
    /// Makes the queue, and a rule of [`BUS`] that fills it.
    ///
    /// # Errors
    ///
    /// Fails if the local cloud refuses a call.
    pub async fn of(pool: &UserPool) -> Result<Self> {
        let (endpoint, name) = (pool.endpoint().to_owned(), format!("listener-{}", pool.id()));
        let made = sqs(&endpoint, "CreateQueue", &json!({ "QueueName": name })).await?;
        let pattern = json!({ "source": ["cognito-triggers"], "detail": { "user_pool_id": [pool.id()] } });
        let rule = json!({ "Name": name, "EventBusName": BUS, "EventPattern": pattern.to_string() });
        event_bridge(&endpoint, "PutRule", &rule).await?;
        let queue = format!("arn:aws:sqs:eu-central-1:000000000000:{name}");
        let targets = json!({ "Rule": name, "EventBusName": BUS, "Targets": [{ "Id": "queue", "Arn": queue }] });
        event_bridge(&endpoint, "PutTargets", &targets).await?;
        let url = made["QueueUrl"].as_str().context("the new queue has no URL")?.to_owned();
        Ok(Self { endpoint, url })
    }

    /// Waits for an event of this type and returns its detail. Others are passed over.
    ///
    /// # Errors
    ///
    /// Fails if none comes within a minute.
    pub async fn hears(&self, kind: &str) -> Result<Value> {
        let input = json!({ "QueueUrl": self.url, "WaitTimeSeconds": 1, "MaxNumberOfMessages": 1 });
        for _ in 0..LOOKS {
            let answer = sqs(&self.endpoint, "ReceiveMessage", &input).await?;
            let Some(message) = answer["Messages"].as_array().and_then(|all| all.first()) else { continue };
            let handle = json!({ "QueueUrl": self.url, "ReceiptHandle": message["ReceiptHandle"] });
            sqs(&self.endpoint, "DeleteMessage", &handle).await?;
            let event: Value = serde_json::from_str(message["Body"].as_str().unwrap_or_default())?;
            if event["detail-type"] == kind {
                return Ok(event["detail"].clone());
            }
        }
        bail!("nobody told of {kind}")
    }
}
