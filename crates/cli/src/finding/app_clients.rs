//! May app clients write the attributes they should, and no others?

use super::{Facts, Finding};
use crate::trigger::Trigger;
use cognito_core::user_pool::AppClient;
use std::collections::BTreeSet;

/// Attributes that Cognito writes itself, even if no client may write them.
const COGNITOS_OWN: [&str; 5] = ["email_verified", "phone_number_verified", "username", "sub", "identities"];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    facts.clients.iter().flatten().flat_map(|client| of(facts, client)).collect()
}

fn of(facts: &Facts, client: &AppClient) -> Vec<Finding> {
    let mut findings = Vec::new();
    if client.writable.iter().any(|attribute| attribute == "email_verified") {
        let why = "Anybody who is signed in can mark any address as verified, and be linked to its owner";
        let remedy = "Remove email_verified from the app client's write attributes";
        findings.push(Finding::error("client_writes_email_verified", &client.id, why, remedy));
    }
    findings.extend(takes_derived_names(facts, client));
    let providers = facts.providers.iter().flatten().filter(|provider| client.providers.contains(&provider.name));
    let mapped: BTreeSet<_> = providers.flat_map(|provider| provider.mapping.keys()).collect();
    let missing: Vec<&str> = mapped
        .into_iter()
        .map(String::as_str)
        .filter(|attribute| !COGNITOS_OWN.contains(attribute) && !client.may_write(attribute))
        .collect();
    if !missing.is_empty() {
        let why = "Cognito writes what a provider sends in the client's name. What the client may not write is lost, or \
                   the sign-in fails";
        let remedy = format!("Add {} to the app client's write attributes", missing.join(", "));
        findings.push(Finding::error("client_cannot_write_mapped", &client.id, why, remedy));
    }
    findings
}

/// Everybody can tell the user name that follows from an address.
fn takes_derived_names(facts: &Facts, client: &AppClient) -> Option<Finding> {
    let derives = facts.setting(Trigger::PreSignUp, "NATIVE_USERNAME") == Some("derived");
    let is_alias = facts.list("/AliasAttributes").contains(&"preferred_username");
    let why = "preferred_username is an alias, and whoever is signed in can take the user name of somebody else's account for \
               theirs. That keeps its owner from being linked (user_name_held), and may bring a change meant for the owner to \
               the wrong account";
    let remedy = "Remove preferred_username from the app client's write attributes";
    (derives && is_alias && client.may_write("preferred_username"))
        .then(|| Finding::warning("client_can_take_user_names", &client.id, why, remedy))
}
