//! Do generated passwords meet the policy?

use super::{Facts, Finding};
use cognito_core::password::Password;
use serde_json::Value;

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    let minimum =
        facts.pool.0.pointer("/Policies/PasswordPolicy/MinimumLength").and_then(Value::as_u64).unwrap_or_default();
    // Every class of characters is in every generated password, so only the length can fail.
    let length = Password::random().expose().chars().count() as u64;
    let why = format!("Generated passwords have {length} characters, so pre-sign-up cannot create native accounts");
    let remedy = format!("Set Policies.PasswordPolicy.MinimumLength to {length} or less");
    (minimum > length).then(|| Finding::error("password_policy_unmeetable", "Policies.PasswordPolicy", &why, remedy))
}
