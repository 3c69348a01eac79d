//! The triggers that there is a function for.

use serde_json::{Value, json};
use std::fmt;

/// A trigger of a user pool that this project has a function for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Trigger {
    /// Called on every sign-in from an identity provider, before the profile is written.
    InboundFederation,
    /// Called before a profile is created.
    PreSignUp,
    /// Called after a profile is confirmed.
    PostConfirmation,
    /// Called after a sign-in.
    PostAuthentication,
    /// Called before Cognito sends a message.
    CustomMessage,
}

/// The only version of the inbound federation event there is (API model, `InboundFederationLambdaType`).
const INBOUND_FEDERATION_VERSION: &str = "V1_0";

impl Trigger {
    /// Every one, in the order in which Cognito calls them.
    pub(crate) const ALL: [Self; 5] = [
        Self::InboundFederation,
        Self::PreSignUp,
        Self::PostConfirmation,
        Self::PostAuthentication,
        Self::CustomMessage,
    ];

    /// Its member in a pool's `LambdaConfig`.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::InboundFederation => "InboundFederation",
            Self::PreSignUp => "PreSignUp",
            Self::PostConfirmation => "PostConfirmation",
            Self::PostAuthentication => "PostAuthentication",
            Self::CustomMessage => "CustomMessage",
        }
    }

    /// Its name on the command line, which is that of the function's crate.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::InboundFederation => "inbound-federation",
            Self::PreSignUp => "pre-sign-up",
            Self::PostConfirmation => "post-confirmation",
            Self::PostAuthentication => "post-authentication",
            Self::CustomMessage => "custom-message",
        }
    }

    /// The trigger with this member's name.
    pub(crate) fn with_member(member: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.member() == member)
    }

    /// Its value in `LambdaConfig` for a function.
    pub(crate) fn value(self, function: &str) -> Value {
        match self {
            Self::InboundFederation => json!({ "LambdaArn": function, "LambdaVersion": INBOUND_FEDERATION_VERSION }),
            _ => json!(function),
        }
    }

    /// The ARN of the function that is attached to it, read from a `LambdaConfig`.
    pub(crate) fn function(self, lambda_config: &Value) -> Option<&str> {
        let value = &lambda_config[self.member()];
        value.as_str().or_else(|| value["LambdaArn"].as_str()).filter(|arn| !arn.is_empty())
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.option())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_for_a_trigger_is_read_back() {
        for trigger in Trigger::ALL {
            let config = json!({ trigger.member(): trigger.value("arn:of:the:function") });
            assert_eq!(trigger.function(&config), Some("arn:of:the:function"), "{trigger}");
            assert_eq!(trigger.function(&json!({})), None, "{trigger}");
            assert_eq!(Trigger::with_member(trigger.member()), Some(trigger));
        }
    }

    #[test]
    fn inbound_federation_names_its_event_version_because_cognito_demands_one() {
        assert_eq!(Trigger::InboundFederation.value("a")["LambdaVersion"], "V1_0");
    }
}
