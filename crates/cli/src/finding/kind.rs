//! Do the functions' settings fit the kind of pool?

use super::{Facts, Finding};
use crate::trigger::Trigger;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.has_settings(Trigger::PreSignUp) {
        findings.extend(case(facts));
        findings.extend(user_name(facts));
    }
    let self_sign_up = facts.pool.0.pointer("/AdminCreateUserConfig/AllowAdminCreateUserOnly") != Some(&true.into());
    if facts.list("/AliasAttributes").contains(&"email") && self_sign_up {
        let why = "The address is an alias, so several people can register the same address, and a stranger can prevent \
                   its owner from being linked (ambiguous_owner)";
        let remedy = "Set AdminCreateUserConfig.AllowAdminCreateUserOnly to true";
        findings.push(Finding::warning("alias_self_sign_up", "AdminCreateUserConfig", why, remedy));
    }
    findings
}

fn case(facts: &Facts) -> Option<Finding> {
    let said =
        facts.setting(Trigger::PreSignUp, "POOL_CASE_SENSITIVE").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let is = facts.is_case_sensitive();
    let remedy = format!("Set POOL_CASE_SENSITIVE={is} on the pre-sign-up function");
    if said && !is {
        let why =
            "The function trusts subjects that have lost their upper-case letters, and makes links that fail later";
        return Some(Finding::error("case_setting_wrong", "POOL_CASE_SENSITIVE", why, remedy));
    }
    let why = "The pool keeps upper and lower case, so the function refuses subjects that it could trust";
    (!said && is).then(|| Finding::warning("case_setting_wrong", "POOL_CASE_SENSITIVE", why, remedy))
}

fn user_name(facts: &Facts) -> Option<Finding> {
    let said = facts.setting(Trigger::PreSignUp, "NATIVE_USERNAME").unwrap_or("email");
    let fits = if facts.list("/UsernameAttributes").contains(&"email") {
        "email"
    } else if facts.list("/AliasAttributes").contains(&"email") {
        "uuid"
    } else {
        return None;
    };
    let why = "Cognito does not accept this kind of user name in this pool";
    let remedy = format!("Set NATIVE_USERNAME={fits} on the pre-sign-up function");
    (said != fits).then(|| Finding::error("username_setting_wrong", "NATIVE_USERNAME", why, remedy))
}
