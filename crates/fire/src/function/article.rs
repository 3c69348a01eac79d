//! A model of the function that articles show: the same calls in the same order, with the retries of the AWS SDK for
//! JavaScript v2, which they use. Like them, it joins the group after the link; the peers of the benchmark join before.
//! Its start costs nothing here, and neither does its work between the calls.

use std::sync::Arc;
use std::time::Duration;

use local_cloud::seed::GROUP;
use serde_json::{Value, json};

use super::{Function, When};
use crate::cognito::{Cognito, LATENCY};

/// Calls of one operation in all ("maxRetries" is 3 for every service but DynamoDB).
const ATTEMPTS: i32 = 4;
/// The SDK waits a random part of this, doubled with each retry.
const BASE: Duration = Duration::from_millis(100);

/// The articles' function over the stand-in.
#[derive(Debug)]
pub struct Article {
    cognito: Arc<Cognito>,
}

impl Article {
    /// The function.
    #[must_use]
    pub fn new(cognito: &Arc<Cognito>) -> Self {
        Self { cognito: cognito.clone() }
    }

    async fn call(&self, operation: &str, request: Value) -> Result<Value, String> {
        let body = request.to_string();
        for attempt in 1..=ATTEMPTS {
            let (status, answer) = self.cognito.answer(operation, body.as_bytes());
            tokio::time::sleep(LATENCY).await;
            let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
            let code = answer["__type"].as_str().unwrap_or_default();
            if status == 200 {
                return Ok(answer);
            }
            if code != "TooManyRequestsException" || attempt == ATTEMPTS {
                return Err(code.to_owned());
            }
            tokio::time::sleep(BASE.mul_f64(2_f64.powi(attempt - 1) * rand::random::<f64>())).await;
        }
        Err("no attempt".to_owned())
    }
}

impl Function for Article {
    const NAME: &'static str = "the articles' function (a model)";

    async fn invoke(&self, when: When, event: &Value) -> Result<(), String> {
        let join = |name: &Value| json!({ "Username": name, "GroupName": GROUP });
        if when == When::PostConfirmation {
            return self.call("AdminAddUserToGroup", join(&event["userName"])).await.map(drop);
        }
        let email = &event["request"]["userAttributes"]["email"];
        let (provider, subject) =
            event["userName"].as_str().unwrap_or_default().split_once('_').ok_or("no identity")?;
        let filter = format!("email = \"{}\"", email.as_str().unwrap_or_default());
        let listed = self.call("ListUsers", json!({ "Filter": filter })).await?;
        let source = json!({ "ProviderName": provider, "ProviderAttributeValue": subject });
        let link = |name: &Value| json!({ "DestinationUser": { "ProviderAttributeValue": name }, "SourceUser": source.clone() });
        let known = &listed["Users"][0]["Username"];
        if !known.is_null() {
            return self.call("AdminLinkProviderForUser", link(known)).await.map(drop);
        }
        let created = self.call("AdminCreateUser", json!({ "Username": email })).await?;
        let name = &created["User"]["Username"];
        self.call("AdminSetUserPassword", json!({ "Username": email })).await?;
        self.call("AdminLinkProviderForUser", link(name)).await?;
        self.call("AdminAddUserToGroup", join(name)).await.map(drop)
    }
}
