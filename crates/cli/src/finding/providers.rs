//! Do the functions know the pool's providers?

use super::{Facts, Finding};
use crate::trigger::Trigger;
use cognito_core::provider::{Providers, UnknownProvider};
use std::collections::BTreeSet;

/// The functions that trust is set for.
const TRUSTING: [Trigger; 4] =
    [Trigger::PreSignUp, Trigger::InboundFederation, Trigger::PostConfirmation, Trigger::PostAuthentication];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for trigger in TRUSTING.into_iter().filter(|trigger| facts.has_settings(*trigger)) {
        let text = facts.setting(trigger, "PROVIDERS").unwrap_or_default();
        seen.insert(text);
        let Some(listed) = Providers::parse(text) else {
            let why = "The function cannot start with this value of PROVIDERS";
            let remedy = format!("Set the function's PROVIDERS to {}", Providers::ALLOWED);
            findings.push(Finding::error("wrong_setting", trigger, why, remedy));
            continue;
        };
        let overlap = |name: &str| listed.split_user_name(&format!("{name}_1")) == Err(UnknownProvider::Ambiguous);
        for provider in listed.iter().filter(|provider| overlap(&provider.name)) {
            let why = "Another name in PROVIDERS and an underscore begin this one, so a user name does not show which of the \
                       two somebody came from: nobody from this provider is linked, and their addresses prove nothing";
            let remedy = format!("Give {} or the other provider another name in the pool", provider.name);
            let subject = format!("{} ({trigger})", provider.name);
            findings.push(Finding::warning("provider_ambiguous", subject, why, remedy));
        }
        let pool = facts.providers.iter().flatten();
        for provider in pool.filter(|provider| listed.named(&provider.name).is_none()) {
            let why = "The provider is not in PROVIDERS: its addresses prove nothing, and its name may be mistaken for \
                       another one";
            let remedy = format!("Add {0}:never, {0}:claim or {0}:always to PROVIDERS of {trigger}", provider.name);
            let subject = format!("{} ({trigger})", provider.name);
            findings.push(Finding::warning("provider_unlisted", subject, why, remedy));
        }
    }
    if seen.len() > 1 {
        let why = "The functions have different values of PROVIDERS, so they trust different providers";
        findings.push(Finding::warning("settings_differ", "PROVIDERS", why, "Give every function the same PROVIDERS"));
    }
    findings
}
