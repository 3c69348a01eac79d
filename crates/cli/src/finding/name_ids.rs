//! Do a SAML provider's subjects last?

use super::{Facts, Finding};
use crate::trigger::Trigger;
use cognito_core::provider::{LinkBy, Providers};

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let replaces = facts.setting(Trigger::PreSignUp, "SECOND_SUBJECT").is_some_and(|rule| rule == "replace");
    if replaces || !facts.has_settings(Trigger::PreSignUp) {
        return vec![];
    }
    let listed = facts.setting(Trigger::PreSignUp, "PROVIDERS").and_then(Providers::parse).unwrap_or_default();
    let by_subject = |name: &str| listed.named(name).is_none_or(|known| known.link_by == LinkBy::Subject);
    let transient = facts.providers.iter().flatten().filter(|provider| provider.transient_name_ids);
    transient.filter(|provider| by_subject(&provider.name)).map(|provider| finding(&provider.name)).collect()
}

fn finding(name: &str) -> Finding {
    let why = "Its metadata offer transient NameIDs and no persistent ones, so people come with another subject each time. \
               The second one is refused (second_subject)";
    let remedy = format!(
        "Let the provider send persistent NameIDs, or link it by an attribute that lasts ({name}:claim:custom:employee_id in \
         PROVIDERS). If neither is possible, set SECOND_SUBJECT=replace on the pre-sign-up function"
    );
    Finding::warning("transient_name_id", name, why, remedy)
}

/// Whether a provider's SAML metadata offer transient NameIDs and no persistent ones.
pub(super) fn are_transient(metadata: &str) -> bool {
    metadata.contains("nameid-format:transient") && !metadata.contains("nameid-format:persistent")
}
