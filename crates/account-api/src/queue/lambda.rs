//! Sends jobs to this Lambda function itself, as events that it does not wait for.

use super::{Job, NotTaken, Queue};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use cognito_core::account_event::{AccountEvent, SOURCE, What};
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

/// The job in an event of the function, if there is one: its own, or a link that pre-sign-up told the event bus. API
/// Gateway's events have no `detail-type`, and callers cannot add one.
#[must_use]
pub fn job_of(event: &Value) -> Option<Job> {
    if let Some(job) = event.get(JOB) {
        return serde_json::from_value(job.clone()).ok();
    }
    if event.get("source")?.as_str()? != SOURCE || event.get("detail-type").is_none() {
        return None;
    }
    let link_begun: AccountEvent = serde_json::from_value(event.get("detail")?.clone()).ok()?;
    matches!(link_begun.what, What::LinkBegun { .. }).then_some(Job::LinkBegun { link_begun })
}

#[cfg(test)]
mod tests {
    use super::super::Invite;
    use super::*;
    use crate::identities::Owner;
    use aws_sdk_lambda::operation::invoke::{InvokeInput, InvokeOutput};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    #[tokio::test]
    async fn a_job_comes_back_as_an_event_that_nobody_waits_for() {
        let job = Job::Invite(Invite {
            email: "a@example.com".into(),
            attributes: [].into(),
            locales: vec!["de".into()],
            client: None,
        });
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
    fn every_job_is_read_as_it_was_written() {
        let event = AccountEvent::new("eu-central-1_A", "1", 2, What::Merged { old_sub: "3".into() });
        let link_begun = AccountEvent::new("eu-central-1_A", "1", 2, What::LinkBegun { provider: "Google".into() });
        let complete = Owner { sub: "1".into(), user_name: "n".into() };
        for job in [Job::Event { event }, Job::LinkBegun { link_begun }, Job::Complete { complete }] {
            assert_eq!(job_of(&json!({ JOB: job })), Some(job));
        }
    }

    #[test]
    fn a_link_that_pre_sign_up_told_the_bus_is_a_job_and_no_other_event_is() {
        let begun = AccountEvent::new("eu-central-1_A", "1", 2, What::LinkBegun { provider: "Google".into() });
        let from_bus = |source: &str, event: &AccountEvent| json!({ "version": "0", "source": source, "detail-type": event.what.name(), "detail": event });
        assert_eq!(job_of(&from_bus(SOURCE, &begun)), Some(Job::LinkBegun { link_begun: begun.clone() }));
        assert!(job_of(&from_bus("somebody", &begun)).is_none());
        let linked = AccountEvent { what: What::Linked { provider: "Google".into() }, ..begun };
        assert!(job_of(&from_bus(SOURCE, &linked)).is_none(), "an answer to itself would never end");
    }

    #[test]
    fn a_request_from_outside_is_no_job() {
        let body = json!({ JOB: { "email": "a@example.com", "attributes": {}, "locales": [] } }).to_string();
        assert!(job_of(&json!({ "version": "2.0", "body": body, "headers": { JOB: body } })).is_none());
    }
}
