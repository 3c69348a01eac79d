//! Can newcomers get a profile, if the pool requires attributes?

use super::{Facts, Finding, rights};
use crate::trigger::Trigger;

/// What every new profile has: the pool's own, and the address, which has findings of its own.
const GIVEN: [&str; 3] = ["sub", "email", "email_verified"];

/// What `NATIVE_ATTRIBUTES` does not accept, so that no native profile gets it.
const NEVER_COPIED: [&str; 2] = ["preferred_username", "updated_at"];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let schema = facts.pool.0["SchemaAttributes"].as_array().into_iter().flatten();
    let required = schema.filter(|entry| entry["Required"] == true).filter_map(|entry| entry["Name"].as_str());
    required.filter(|name| !GIVEN.contains(name)).flat_map(|name| of(facts, name)).collect()
}

fn of(facts: &Facts, attribute: &str) -> Vec<Finding> {
    let providers = facts.providers.iter().flatten();
    let unmapped = providers.clone().filter(|provider| !provider.mapping.contains_key(attribute));
    let mut findings: Vec<_> = unmapped.map(|provider| not_mapped(&provider.name, attribute)).collect();
    let mapped = providers.count() > findings.len();
    findings.extend(mapped.then(|| not_copied(facts, attribute)).flatten());
    findings
}

fn not_mapped(provider: &str, attribute: &str) -> Finding {
    let why = "The pool requires this attribute of every new profile, and the provider's mapping does not fill it, so \
               newcomers from it are turned away";
    let remedy = format!(
        "In the attribute mapping of {provider}, map a claim to {attribute} (and repeat the other mappings, because \
         update-identity-provider replaces them all)"
    );
    Finding::error("required_attribute_not_mapped", format!("{provider}: {attribute}"), why, remedy)
}

/// Native profiles get only what `NATIVE_ATTRIBUTES` names.
fn not_copied(facts: &Facts, attribute: &str) -> Option<Finding> {
    let setting = |name: &str| facts.setting(Trigger::PreSignUp, name);
    let creates = setting("NATIVE_PROFILE").is_none_or(|choice| choice == "create")
        || setting("UNVERIFIED_PROFILE").is_none_or(|choice| choice != "refuse");
    let admits = setting("NEWCOMERS").is_none_or(|choice| choice == "create");
    let default = rights::default_of("NATIVE_ATTRIBUTES").unwrap_or_default();
    let copied = setting("NATIVE_ATTRIBUTES").unwrap_or(&default);
    let is_copied = copied.split(',').any(|name| name.trim() == attribute);
    if !facts.has_settings(Trigger::PreSignUp) || !creates || !admits || is_copied {
        return None;
    }
    let why = "The pool requires this attribute, and new native profiles do not get it, so newcomers are turned away \
               (misconfigured, required_attribute_missing)";
    let remedy = if NEVER_COPIED.contains(&attribute) {
        "Set NATIVE_PROFILE=skip and UNVERIFIED_PROFILE=refuse on the pre-sign-up function, because NATIVE_ATTRIBUTES does \
         not accept this attribute: newcomers then get a profile of their own"
            .to_owned()
    } else {
        format!("Set NATIVE_ATTRIBUTES={copied},{attribute} on the pre-sign-up function")
    };
    Some(Finding::error("required_attribute_not_copied", attribute, why, remedy))
}
