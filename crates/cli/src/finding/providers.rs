//! Do the functions know the pool's providers?

use super::{Facts, Finding, known_providers};
use crate::trigger::Trigger;
use cognito_core::provider::{Provider, Providers, SOCIAL, Trust, UnknownProvider};
use std::collections::{BTreeMap, BTreeSet};

/// The functions that trust is set for.
const TRUSTING: [Trigger; 4] =
    [Trigger::PreSignUp, Trigger::InboundFederation, Trigger::PostConfirmation, Trigger::PostAuthentication];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut seen, mut trusted) = (BTreeSet::new(), BTreeMap::new());
    for trigger in TRUSTING.into_iter().filter(|trigger| facts.has_settings(*trigger)) {
        let text = facts.setting(trigger, "PROVIDERS").unwrap_or_default();
        seen.insert(text);
        let Some(listed) = Providers::parse(text) else {
            let why = "The function cannot start with this value of PROVIDERS";
            let remedy = format!("Set the function's PROVIDERS to {}", Providers::ALLOWED);
            findings.push(Finding::error("wrong_setting", trigger, why, remedy));
            continue;
        };
        let always = listed.iter().filter(|provider| provider.trust == Trust::Always);
        trusted.extend(always.map(|provider| (provider.name.clone(), provider.clone())));
        let overlap = |name: &str| listed.split_user_name(&format!("{name}_1")) == Err(UnknownProvider::Ambiguous);
        for provider in listed.iter().filter(|provider| overlap(&provider.name)) {
            let why = "This name starts with another listed name and an underscore, as Corp_EU starts with Corp. A user \
                       name does not show which of the two somebody came from, so nobody from this provider is linked, \
                       and their addresses prove nothing";
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
    findings.extend(trusted.values().flat_map(|provider| always(facts, provider)));
    if seen.len() > 1 {
        let why = "The functions have different values of PROVIDERS, so they trust different providers";
        findings.push(Finding::warning("settings_differ", "PROVIDERS", why, "Give every function the same PROVIDERS"));
    }
    findings
}

/// Consequences of `always` that are easy to overlook.
fn always(facts: &Facts, provider: &Provider) -> Vec<Finding> {
    let name = &provider.name;
    let mut findings = Vec::new();
    // People bring addresses of every domain to the social ones, which check them.
    if provider.domains.is_every_domain() && !SOCIAL.contains(&name.as_str()) {
        let in_pool = facts.providers.iter().flatten().find(|known| known.name == *name);
        let why = if in_pool.is_some_and(known_providers::is_one_tenant) {
            "This tenant proves any address: its administrators write the addresses of its people as they like, and its \
             guests bring those of other domains"
        } else {
            "This provider proves any address, those of strangers included: its administrators reach every account"
        };
        let remedy = format!("Name the domains that it owns in PROVIDERS: {name}:always@corp.example");
        findings.push(Finding::note("trust_without_domains", name, why, remedy));
    }
    // Without a mapping it sends no such claim, as far as can be told.
    let mapped = facts.providers.iter().flatten().find(|known| known.name == *name);
    let is_mapped = mapped.is_some_and(|known| known.mapping.contains_key("email_verified"));
    if is_mapped && facts.functions.contains_key(&Trigger::InboundFederation) {
        let why = "If this provider sends a false email_verified, that wins over always: inbound federation leaves the \
                   address out, and the person is not linked, or is turned away";
        let remedy = format!(
            "If the provider never sends false, or sends it rightly, do nothing. Otherwise have it send true for the \
             addresses that it checked, and list {name} with claim"
        );
        findings.push(Finding::note("denial_wins_over_always", name, why, remedy));
    }
    findings
}
