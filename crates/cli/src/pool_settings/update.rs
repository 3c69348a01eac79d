//! From a pool's description to the input of an update that changes only triggers.

use super::Description;
use crate::trigger::Trigger;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Settings that have the same name in `UpdateUserPool` as in a description. Each is reset if it is left out.
pub(super) const CARRIED: [&str; 22] = [
    "AccountRecoverySetting",
    "AcrConfiguration",
    "AdminCreateUserConfig",
    "AutoVerifiedAttributes",
    "DeletionProtection",
    "DeviceConfiguration",
    "EmailConfiguration",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
    "IssuerConfiguration",
    "KeyConfiguration",
    "LambdaConfig",
    "MfaConfiguration",
    "Policies",
    "SmsAuthenticationMessage",
    "SmsConfiguration",
    "SmsVerificationMessage",
    "UserAttributeUpdateSettings",
    "UserPoolAddOns",
    "UserPoolTags",
    "UserPoolTier",
    "VerificationMessageTemplate",
];

/// The member for the pool's name in a description, and in an update.
pub(super) const NAME: (&str, &str) = ("Name", "PoolName");

/// Settings that cannot be updated: facts about the pool, and choices that are final when it is created.
pub(super) const READ_ONLY: [&str; 15] = [
    "AliasAttributes",
    "Arn",
    "CreationDate",
    "CustomDomain",
    "Domain",
    "EmailConfigurationFailure",
    "EstimatedNumberOfUsers",
    "Id",
    "LastModifiedDate",
    "SchemaAttributes",
    "SmsConfigurationFailure",
    "Status",
    "UsernameAttributes",
    "UsernameConfiguration",
    // In newer versions of the API model than the SDK's: the one setting that an update keeps when it is left out.
    "DcrConfiguration",
];

/// Tags with this prefix are AWS's own. An update must not name them, and does not remove them.
const RESERVED_TAGS: &str = "aws:";

/// The triggers to set, with their value in `LambdaConfig`, or to clear.
pub(crate) type Triggers = BTreeMap<Trigger, Option<Value>>;

/// Why a pool cannot be updated without the danger of losing a setting.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unsafe {
    /// A setting that is newer than this program.
    #[error(
        "the pool has the setting {0}, which this version does not know: an update might reset it. \
         Use a newer version of cognito-triggers"
    )]
    Unknown(String),
    /// Both members are set to different functions, which Cognito does not accept.
    #[error(
        "LambdaConfig.PreTokenGeneration and LambdaConfig.PreTokenGenerationConfig name different functions, which \
         UpdateUserPool does not take: set both to the same function first"
    )]
    TwoPreTokenGenerations,
    /// The description has no id.
    #[error("the answer of DescribeUserPool is not that of a user pool")]
    NoPool,
}

/// The input of `UpdateUserPool` that sets or clears these triggers and leaves every other setting as described.
///
/// # Errors
///
/// Returns [`Unsafe`] if an update might lose a setting.
pub(crate) fn update_input(described: &Description, triggers: &Triggers) -> Result<Value, Unsafe> {
    let members = described.0.as_object().ok_or(Unsafe::NoPool)?;
    let id = members.get("Id").filter(|id| id.is_string()).ok_or(Unsafe::NoPool)?;
    let mut input = Map::from_iter([("UserPoolId".to_owned(), id.clone())]);
    for (member, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let member = member.as_str();
        if member == NAME.0 {
            input.insert(NAME.1.to_owned(), value.clone());
        } else if CARRIED.contains(&member) {
            input.insert(member.to_owned(), value.clone());
        } else if !READ_ONLY.contains(&member) {
            return Err(Unsafe::Unknown(member.to_owned()));
        }
    }
    drop_what_cognito_refuses(&mut input);
    set_triggers(&mut input, triggers)?;
    Ok(Value::Object(input))
}

fn drop_what_cognito_refuses(input: &mut Map<String, Value>) {
    let days = input.get("Policies").map(|policies| &policies["PasswordPolicy"]["TemporaryPasswordValidityDays"]);
    // The older name of the same setting; Cognito describes both and takes one.
    if days.is_some_and(|days| !days.is_null())
        && let Some(config) = input.get_mut("AdminCreateUserConfig").and_then(Value::as_object_mut)
    {
        config.remove("UnusedAccountValidityDays");
    }
    if let Some(tags) = input.get_mut("UserPoolTags").and_then(Value::as_object_mut) {
        tags.retain(|tag, _| !tag.starts_with(RESERVED_TAGS));
    }
}

fn set_triggers(input: &mut Map<String, Value>, triggers: &Triggers) -> Result<(), Unsafe> {
    let config = input.entry("LambdaConfig").or_insert_with(|| Value::Object(Map::new()));
    let config = config.as_object_mut().ok_or(Unsafe::NoPool)?;
    for (trigger, value) in triggers {
        match value {
            Some(value) => config.insert(trigger.member().to_owned(), value.clone()),
            None => config.remove(trigger.member()),
        };
    }
    let versioned = config.get("PreTokenGenerationConfig").map(|twin| &twin["LambdaArn"]);
    match (config.get("PreTokenGeneration"), versioned) {
        (Some(plain), Some(versioned)) if plain != versioned => Err(Unsafe::TwoPreTokenGenerations),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
