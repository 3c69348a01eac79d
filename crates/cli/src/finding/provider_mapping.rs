//! Do the providers' claims reach the profile?

use super::email_claims::email_claims;
use super::{Facts, Finding, Provider, known_providers};
use crate::trigger::Trigger;
use cognito_core::provider::{EmailClaims, SAML_EMAIL_ATTRIBUTES};
use serde_json::Value;

/// Attributes that a mapping may name although Cognito does not write them to a profile.
const NOT_WRITTEN: [&str; 2] = ["username", "sub"];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let (claims, wrong) = match email_claims(facts) {
        Ok(claims) => (claims, None),
        Err(wrong) => (EmailClaims::default(), Some(wrong)),
    };
    let providers = facts.providers.iter().flatten();
    wrong.into_iter().chain(providers.flat_map(|provider| of(facts, provider, &claims))).collect()
}

fn of(facts: &Facts, provider: &Provider, claims: &EmailClaims) -> Vec<Finding> {
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
    findings.extend(of_another_claim(facts, provider, claims));
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
        _ if !known_providers::sends_email_verified(provider) => None,
        "SAML" => Some(Finding::note("email_verified_not_mapped", &provider.name, why, remedy)),
        _ => Some(Finding::warning("email_verified_not_mapped", &provider.name, why, remedy)),
    }
}

/// Inbound federation checks the claims `email` and `email_verified`, or those in `EMAIL_CLAIMS`, and Cognito stores what is
/// mapped.
fn of_another_claim(facts: &Facts, provider: &Provider, claims: &EmailClaims) -> Vec<Finding> {
    let (name, mapping) = (&provider.name, &provider.mapping);
    let another = |judged: &str| mapping.get(judged).filter(|claim| *claim != judged);
    if provider.kind == "SAML" {
        return of_another_attribute(facts, provider, claims).into_iter().collect();
    }
    if !facts.functions.contains_key(&Trigger::InboundFederation) {
        let usual = mapping.get("email_verified").is_some_and(|claim| claim == "email_verified");
        let why = "email_verified is about the claim email, and Cognito stores it beside another claim";
        let other = another("email").filter(|_| usual);
        return other.map(|claim| said(name, "email", claim, why, "")).into_iter().collect();
    }
    let own = claims.of(name);
    let email = another("email").filter(|claim| own.and_then(|own| own.email.as_ref()) != Some(claim));
    let proof = another("email_verified").filter(|claim| own.map(|own| &own.email_verified) != Some(claim));
    let finding = |judged: &str, claim: &String| {
        let why = "Inbound federation checks another claim than the one that Cognito stores";
        let own = format!(
            "If {claim} is the right one, add {name}:{judged}={claim} to EMAIL_CLAIMS of inbound-federation. Otherwise: "
        );
        said(name, judged, claim, why, &own)
    };
    let email = email.map(|claim| finding("email", claim));
    email.into_iter().chain(proof.map(|claim| finding("email_verified", claim))).collect()
}

/// Inbound federation finds a SAML address by the names of its attributes, whose case counts. Under another name nobody judges
/// it, and Cognito stores it as it comes.
fn of_another_attribute(facts: &Facts, provider: &Provider, claims: &EmailClaims) -> Option<Finding> {
    let claim = provider.mapping.get("email").filter(|_| facts.has_settings(Trigger::InboundFederation))?;
    let listed = facts.setting(Trigger::InboundFederation, "SAML_EMAIL_ATTRIBUTES");
    let own = claims.of(&provider.name).and_then(|own| own.email.as_deref());
    let is_read = match (own, listed) {
        (Some(own), _) => claim == own || claim == "email",
        (None, Some(listed)) => listed.split(',').any(|name| name.trim() == claim),
        (None, None) => SAML_EMAIL_ATTRIBUTES.contains(&claim.as_str()),
    };
    let why = "Inbound federation looks for the address under other names, so this one is stored without being judged";
    let remedy = format!(
        "Add {claim} to SAML_EMAIL_ATTRIBUTES of inbound-federation, or set its EMAIL_CLAIMS to {0}:email={claim}",
        provider.name
    );
    let subject = format!("{}: email from {claim}", provider.name);
    (!is_read).then(|| Finding::error("another_claim_mapped", subject, why, remedy))
}

fn said(name: &str, judged: &str, claim: &str, why: &str, own: &str) -> Finding {
    let remedy =
        format!("{own}In the attribute mapping of {name}, map {judged} to {judged}, or list the provider with never");
    Finding::error("another_claim_mapped", format!("{name}: {judged} from {claim}"), why, remedy)
}
