//! Do the functions' settings fit the kind of pool?

use super::{Facts, Finding};
use crate::pool_settings::Description;
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

/// The settings of pre-sign-up that fit a pool.
pub(crate) fn settings_that_fit(pool: &Description) -> String {
    let facts = Facts::of(pool.clone());
    let case = facts.is_case_sensitive();
    let names = match user_names(&facts) {
        Some(name) => format!("NATIVE_USERNAME={name}"),
        None => "NATIVE_PROFILE=skip, UNVERIFIED_PROFILE=refuse".to_owned(),
    };
    format!("{names}, POOL_CASE_SENSITIVE={case}")
}

/// The value of `NATIVE_USERNAME`; `None` if no account can be created for an address.
fn user_names(facts: &Facts) -> Option<&'static str> {
    if facts.list("/UsernameAttributes").contains(&"email") {
        Some("email")
    } else if facts.list("/AliasAttributes").contains(&"email") {
        Some("uuid")
    } else {
        facts.list("/UsernameAttributes").is_empty().then_some("derived")
    }
}

fn user_name(facts: &Facts) -> Option<Finding> {
    let said = facts.setting(Trigger::PreSignUp, "NATIVE_USERNAME").unwrap_or("email");
    let Some(fits) = user_names(facts) else { return only_phone(facts) };
    let why = if fits == "derived" {
        "The address is neither user name nor alias in this pool, so the user name must keep two sign-ins at once from \
         making two accounts"
    } else {
        "Cognito does not accept this kind of user name in this pool"
    };
    let remedy = format!("Set NATIVE_USERNAME={fits} on the pre-sign-up function");
    (said != fits).then(|| Finding::error("username_setting_wrong", "NATIVE_USERNAME", why, remedy))
}

/// People sign in with a phone number and nothing else. Who has an account is linked, but none can be created.
fn only_phone(facts: &Facts) -> Option<Finding> {
    let is = |name: &str, value: &str| facts.setting(Trigger::PreSignUp, name) == Some(value);
    let why = "The phone number is the user name in this pool, so no account can be created for an address, and newcomers are \
               refused (misconfigured)";
    let remedy = "Set NATIVE_PROFILE=skip and UNVERIFIED_PROFILE=refuse on the pre-sign-up function: newcomers then get a \
                  profile of their own, and who has an account is linked";
    let creates = !is("NATIVE_PROFILE", "skip") || !is("UNVERIFIED_PROFILE", "refuse");
    creates.then(|| Finding::error("phone_is_user_name", "NATIVE_PROFILE", why, remedy))
}
