//! Sends jobs to this Lambda function itself, as events that it does not wait for.

use super::{Job, NotTaken, Queue};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};

/// The member of an event that holds a job. API Gateway's events have no such member, and callers cannot add one.
const JOB: &str = "accountApiJob";

/// A queue that invokes the function it runs in.
#[derive(Clone, Debug)]
pub struct OwnFunction {
    client: Client,
    name: String,
}

impl OwnFunction {
    /// Uses the function of this name. Makes no call.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }
}

impl Queue for OwnFunction {
    fn put<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), NotTaken>> {
        let call = self.client.invoke().function_name(&self.name).invocation_type(InvocationType::Event);
        let call = call.payload(Blob::new(json!({ JOB: job }).to_string()));
        async move {
            let error = |error| NotTaken { code: crate::aws_error_code(&error) };
            call.send().await.map(drop).map_err(error)
        }
        .boxed()
    }
}

/// The job in an event of the function, if there is one.
#[must_use]
pub fn job_of(event: &Value) -> Option<Job> {
    serde_json::from_value(event.get(JOB)?.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_lambda::operation::invoke::{InvokeInput, InvokeOutput};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    #[tokio::test]
    async fn a_job_comes_back_as_an_event_that_nobody_waits_for() {
        let job = Job { email: "a@example.com".into(), attributes: [].into(), locales: vec!["de".into()] };
        let sent = job.clone();
        let rule = mock!(Client::invoke)
            .match_requests(move |input: &InvokeInput| {
                let payload = input.payload().map(|blob| serde_json::from_slice(blob.as_ref()).unwrap());
                input.invocation_type() == Some(&InvocationType::Event)
                    && input.function_name() == Some("account-api")
                    && payload.and_then(|event| job_of(&event)).as_ref() == Some(&sent)
            })
            .then_output(|| InvokeOutput::builder().status_code(202).build());
        let queue = OwnFunction::new(mock_client!(aws_sdk_lambda, RuleMode::MatchAny, [&rule]), "account-api");
        assert_eq!(queue.put(&job).await, Ok(()));
    }

    #[test]
    fn a_request_from_outside_is_no_job() {
        let body = json!({ JOB: { "email": "a@example.com", "attributes": {}, "locales": [] } }).to_string();
        assert!(job_of(&json!({ "version": "2.0", "body": body, "headers": { JOB: body } })).is_none());
    }
}
