//! A pool's settings, read whole and written back whole.
//!
//! `UpdateUserPool` resets every setting that a call leaves out. So settings stay the JSON that Cognito
//! sent: the SDK's types would lose a member that they do not know yet. The SDK sends, signs and repeats
//! the calls.
//!
//! [`PoolSettings`](cognito_core::user_pool::PoolSettings) reads a few of them through the port, by the SDK's types: merging
//! and registering need no more, and know neither JSON nor how a pool is updated.

mod aws;
mod difference;
mod update;

pub(crate) use aws::{NotUpdated, describe, update};
pub(crate) use difference::{Difference, differences};
pub(crate) use update::{Triggers, update_input};

use serde_json::Value;

/// What `DescribeUserPool` says of a pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Description(pub(crate) Value);

impl Description {
    /// The pool's id, empty if Cognito left it out.
    pub(crate) fn id(&self) -> &str {
        self.0["Id"].as_str().unwrap_or_default()
    }

    /// The pool's ARN, empty if Cognito left it out.
    pub(crate) fn arn(&self) -> &str {
        self.0["Arn"].as_str().unwrap_or_default()
    }

    /// The account that the pool belongs to, from its ARN.
    pub(crate) fn account(&self) -> &str {
        self.arn().split(':').nth(4).unwrap_or_default()
    }

    /// The Region that the pool is in, from its ARN.
    pub(crate) fn region(&self) -> &str {
        self.arn().split(':').nth(3).unwrap_or_default()
    }

    /// The triggers, null if there are none.
    pub(crate) fn lambda_config(&self) -> &Value {
        &self.0["LambdaConfig"]
    }

    /// Its tags.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let tags = self.0["UserPoolTags"].as_object().into_iter().flatten();
        tags.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }

    /// Whether SES sends the pool's mails. Cognito's own sender takes no custom e-mail (AWS, "Custom message Lambda
    /// trigger").
    pub(crate) fn sends_through_ses(&self) -> bool {
        self.0["EmailConfiguration"]["EmailSendingAccount"] == "DEVELOPER"
    }

    /// Whether any trigger has this function, including triggers that this project has no function for.
    pub(crate) fn calls(&self, function: &str) -> bool {
        names(self.lambda_config(), function)
    }
}

fn names(value: &Value, text: &str) -> bool {
    match value {
        Value::Object(members) => members.values().any(|value| names(value, text)),
        value => value == text,
    }
}
