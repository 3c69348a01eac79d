//! Do the providers' claims reach the profile?

use super::{Facts, Finding, Provider};
use serde_json::Value;

/// Attributes that a mapping may name although Cognito does not write them to a profile.
const NOT_WRITTEN: [&str; 2] = ["username", "sub"];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let providers = facts.providers.iter().flatten();
    providers.flat_map(|provider| of(facts, provider)).collect()
}

fn of(facts: &Facts, provider: &Provider) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = &provider.name;
    let map = |attribute: &str, claim: &str| {
        format!(
            "In the attribute mapping of {name}, map {claim} to {attribute} (and repeat the other mappings, because update-identity-provider replaces them all)"
        )
    };
    if !provider.mapping.contains_key("email") {
        let why = "People from this provider have no address, so they are never linked";
        findings.push(Finding::warning("email_not_mapped", name, why, map("email", "the address")));
    } else if !provider.mapping.contains_key("email_verified") {
        findings.extend(not_verified(provider, map("email_verified", "email_verified")));
    }
    findings.extend(of_another_claim(provider));
    let schema = facts.pool.0["SchemaAttributes"].as_array();
    for attribute in provider.mapping.keys().filter(|attribute| !NOT_WRITTEN.contains(&attribute.as_str())) {
        let is_it = |entry: &&Value| entry["Name"] == attribute.as_str();
        if schema.into_iter().flatten().find(is_it).is_some_and(|entry| entry["Mutable"] == false) {
            let why = "Cognito writes mapped attributes at every sign-in. This one cannot change, so people can sign in only once";
            let remedy = format!(
                "Remove {attribute} from the attribute mapping of {name}, and map the claim to a mutable attribute"
            );
            findings.push(Finding::error("mapped_attribute_immutable", format!("{name}: {attribute}"), why, remedy));
        }
    }
    findings
}

fn not_verified(provider: &Provider, remedy: String) -> Option<Finding> {
    let why = "Cognito sets email_verified to false at every sign-in, so people cannot reset a forgotten password";
    match provider.kind.as_str() {
        // These send no such claim, and Facebook fails a request for a field that it does not have.
        "Facebook" | "LoginWithAmazon" => None,
        "SAML" => Some(Finding::note("email_verified_not_mapped", &provider.name, why, remedy)),
        _ => Some(Finding::warning("email_verified_not_mapped", &provider.name, why, remedy)),
    }
}

/// The functions check the claims `email` and `email_verified` of a sign-in, and Cognito stores what is mapped. SAML has no
/// such names; there `SAML_EMAIL_ATTRIBUTES` names the attributes to check.
fn of_another_claim(provider: &Provider) -> impl Iterator<Item = Finding> {
    let judged = if provider.kind == "SAML" { &[][..] } else { &["email", "email_verified"] };
    judged.iter().filter_map(|judged| {
        let claim = provider.mapping.get(*judged).filter(|claim| claim != judged)?;
        let why = "The functions check the claim with the attribute's own name, but Cognito stores another claim";
        let remedy = format!(
            "In the attribute mapping of {}, map {judged} to {judged}, or list the provider with never",
            provider.name
        );
        let subject = format!("{}: {judged} from {claim}", provider.name);
        Some(Finding::error("another_claim_mapped", subject, why, remedy))
    })
}
