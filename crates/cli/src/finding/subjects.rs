//! Are subjects with upper-case letters linked correctly?

use super::{Facts, Finding, quoted};
use crate::trigger::Trigger;
use cognito_core::provider::{LinkBy, Providers};

/// Providers whose subjects are digits, or lower case only.
const SAFE: [&str; 3] = ["Google", "Facebook", "SignInWithApple"];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    if facts.is_case_sensitive() {
        return vec![];
    }
    let listed = facts.setting(Trigger::PreSignUp, "PROVIDERS").and_then(Providers::parse).unwrap_or_default();
    let keeps = facts.setting(Trigger::PreSignUp, "SUBJECT_ATTRIBUTE");
    let mut findings = Vec::new();
    for provider in facts.providers.iter().flatten().filter(|provider| !SAFE.contains(&provider.kind.as_str())) {
        let by_attribute =
            listed.named(&provider.name).is_some_and(|known| matches!(known.link_by, LinkBy::Attribute(_)));
        let mapped =
            keeps.is_some_and(|attribute| provider.mapping.contains_key(attribute) || writes(facts, attribute));
        let raw = mapped && provider.kind != "SAML";
        if facts.has_settings(Trigger::PreSignUp) && !by_attribute && !raw {
            let why = "The pool ignores case, so triggers see this provider's subjects in lower case. People whose \
                       subject has letters are refused (unreliable_subject)";
            let name = &provider.name;
            let remedy = if provider.kind == "SAML" {
                format!("Link it by a mapped attribute: {name}:claim:custom:employee_id in PROVIDERS")
            } else {
                format!(
                    "Attach inbound federation, and set SUBJECT_ATTRIBUTE (such as custom:idp_subject) there and on \
                     pre-sign-up. Or link by a mapped attribute ({name}:claim:custom:employee_id in PROVIDERS)"
                )
            };
            findings.push(Finding::error("subject_loses_case", name, why, remedy));
        }
    }
    findings.extend(keeps.and_then(|attribute| missing_attribute(facts, attribute)));
    findings
}

/// Whether inbound federation writes the subject to this attribute. One whose settings are not known may do so.
fn writes(facts: &Facts, attribute: &str) -> bool {
    facts.functions.contains_key(&Trigger::InboundFederation)
        && (!facts.has_settings(Trigger::InboundFederation)
            || facts.setting(Trigger::InboundFederation, "SUBJECT_ATTRIBUTE") == Some(attribute))
}

fn missing_attribute(facts: &Facts, attribute: &str) -> Option<Finding> {
    let schema = facts.pool.0["SchemaAttributes"].as_array()?;
    let why = "SUBJECT_ATTRIBUTE names an attribute that the pool does not have";
    let remedy = format!(
        "aws cognito-idp add-custom-attributes --user-pool-id {} --custom-attributes Name={},AttributeDataType=String,Mutable=true",
        facts.pool.id(),
        quoted(attribute.trim_start_matches("custom:"))
    );
    let there = schema.iter().any(|entry| entry["Name"] == attribute);
    (!there).then(|| Finding::error("subject_attribute_missing", attribute, why, remedy))
}
