//! Do the functions have the permissions they need?

use super::{Facts, Finding};
use crate::trigger::Trigger;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the functions need, also for Terraform and CDK; tests/files/install.rs holds it against the template.
const MANIFEST: &str = include_str!("../../../../deploy/manifest.json");

#[derive(Default, Deserialize)]
struct Manifest {
    functions: BTreeMap<String, Function>,
    settings: BTreeMap<String, Setting>,
}

#[derive(Deserialize)]
struct Setting {
    default: Option<String>,
}

#[derive(Deserialize)]
struct Function {
    trigger: String,
    rights: Vec<Right>,
}

/// An IAM action. Without cases it is always needed, otherwise if one of them holds.
#[derive(Deserialize)]
struct Right {
    action: String,
    /// What it is needed on, if that is not the pool.
    on: Option<String>,
    when: Option<Vec<Case>>,
}

/// For each setting the values with which the case holds: empty if it is not set, `*` for any value.
type Case = BTreeMap<String, Vec<String>>;

/// The IAM actions that a function needs on the pool with its settings.
pub(super) fn needed(trigger: Trigger, setting: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let manifest: Manifest = serde_json::from_str(MANIFEST).unwrap_or_default();
    let function = manifest.functions.into_values().find(|function| function.trigger == trigger.member());
    let fits = |(name, values): (&String, &Vec<String>)| {
        let value = setting(name).unwrap_or_default();
        values.contains(&value) || (!value.is_empty() && values.iter().any(|value| value == "*"))
    };
    let holds = |case: &Case| case.iter().all(fits);
    let rights = function.into_iter().flat_map(|function| function.rights);
    rights
        .filter(|right| right.on.is_none() && right.when.as_ref().is_none_or(|cases| cases.iter().any(holds)))
        .map(|right| right.action)
        .collect()
}

/// What a function takes if a setting is not set.
pub(super) fn default_of(setting: &str) -> Option<String> {
    let mut manifest: Manifest = serde_json::from_str(MANIFEST).unwrap_or_default();
    manifest.settings.remove(setting)?.default
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let lacking = |(trigger, function): (&Trigger, &super::Attached)| {
        let lacking = function.lacking.as_ref().filter(|lacking| !lacking.is_empty())?;
        let why = "The function fails with AccessDeniedException when it makes the call";
        let remedy = format!("Allow the function's role {} on {}", lacking.join(", "), facts.pool.arn());
        Some(Finding::error("role_lacks_action", trigger, why, remedy))
    };
    facts.functions.iter().filter_map(lacking).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actions_are_those_that_the_manifest_has_for_the_settings() {
        let with = |trigger, set: &[(&str, &str)]| {
            let value = |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
            needed(trigger, value)
        };
        let has =
            |actions: &[String], name: &str| actions.iter().any(|action| action == &format!("cognito-idp:{name}"));
        let unset = with(Trigger::PreSignUp, &[]);
        assert!(has(&unset, "ListUsers") && has(&unset, "AdminCreateUser") && !has(&unset, "AdminAddUserToGroup"));
        let chosen = with(Trigger::PreSignUp, &[("NEWCOMERS", "invited"), ("DEFAULT_GROUP", "Users")]);
        assert!(!has(&chosen, "AdminCreateUser") && has(&chosen, "AdminAddUserToGroup"));
        assert!(has(&with(Trigger::PostConfirmation, &[]), "AdminUserGlobalSignOut"));
        let off = with(Trigger::PostConfirmation, &[("SIGN_OUT_ON_PASSWORD_RESET", "off")]);
        assert!(has(&off, "ListUsers") && !has(&off, "AdminUserGlobalSignOut"));
        // On another function, which `next_function_denied` is about.
        assert!(with(Trigger::CustomMessage, &[("NEXT_FUNCTION", "theirs")]).is_empty());
    }
}
