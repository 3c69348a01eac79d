//! Do the functions have the permissions they need?

use super::{Facts, Finding};
use crate::trigger::Trigger;

/// The calls that a function makes with its settings, as IAM actions. The same as in the template.
pub(super) fn needed(trigger: Trigger, setting: impl Fn(&str) -> Option<String>) -> Vec<&'static str> {
    let is = |name: &str, default: &str, value: &str| setting(name).as_deref().unwrap_or(default) == value;
    let replaces = !is("UNVERIFIED_PROFILE", "replace", "refuse");
    let mut actions = match trigger {
        Trigger::PreSignUp => vec![
            "cognito-idp:ListUsers",
            "cognito-idp:AdminGetUser",
            "cognito-idp:AdminLinkProviderForUser",
            "cognito-idp:AdminDeleteUserAttributes",
            "cognito-idp:AdminGetUserAuthFactors",
            "cognito-idp:AdminSetUserMFAPreference",
            "cognito-idp:AdminSetUserPassword",
            "cognito-idp:AdminUpdateUserAttributes",
            "cognito-idp:AdminUserGlobalSignOut",
        ],
        Trigger::PostConfirmation | Trigger::PostAuthentication => {
            vec!["cognito-idp:ListUsers", "cognito-idp:AdminUpdateUserAttributes"]
        }
        Trigger::InboundFederation | Trigger::CustomMessage => vec![],
    };
    if trigger == Trigger::PostConfirmation && is("SIGN_OUT_ON_PASSWORD_RESET", "on", "on") {
        actions.push("cognito-idp:AdminUserGlobalSignOut");
    }
    if matches!(trigger, Trigger::PreSignUp | Trigger::PostConfirmation) && setting("DEFAULT_GROUP").is_some() {
        actions.push("cognito-idp:AdminAddUserToGroup");
    }
    if trigger == Trigger::PreSignUp {
        let creates = is("NATIVE_PROFILE", "create", "create") || replaces;
        actions.extend(creates.then_some("cognito-idp:AdminCreateUser"));
        actions.extend(replaces.then_some("cognito-idp:AdminDeleteUser"));
    }
    actions
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
    use std::collections::BTreeSet;

    #[test]
    fn the_actions_are_those_of_the_template() {
        let template = include_str!("../../../../template.yaml");
        for (trigger, resource) in [
            (Trigger::PreSignUp, "PreSignUp"),
            (Trigger::PostConfirmation, "PostConfirmation"),
            (Trigger::PostAuthentication, "PostAuthentication"),
        ] {
            let from = template.split_once(&format!("\n  {resource}Rights:")).unwrap().1;
            let block = from.split_once("Resource:").unwrap().0;
            let granted: BTreeSet<_> = block
                .split("cognito-idp:")
                .skip(1)
                .map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>())
                .collect();
            let everything = |name: &str| match name {
                "UNVERIFIED_PROFILE" => Some("reclaim".to_owned()),
                "SIGN_OUT_ON_PASSWORD_RESET" => None,
                _ => Some("create".to_owned()),
            };
            let needed: BTreeSet<_> =
                needed(trigger, everything).iter().map(|action| action.replace("cognito-idp:", "")).collect();
            assert_eq!(needed, granted, "{resource}");
        }
    }
}
