//! Are addresses verified before they count?

use super::{Facts, Finding, Severity};
use crate::trigger::Trigger;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let kept = facts.list("/UserAttributeUpdateSettings/AttributesRequireVerificationBeforeUpdate").contains(&"email");
    if !kept {
        // With these scopes a stored address counts as the provider's word.
        let repairs = |trigger| matches!(facts.setting(trigger, "REPAIR"), Some("external" | "linked"));
        let severity = if repairs(Trigger::PostConfirmation) || repairs(Trigger::PostAuthentication) {
            Severity::Error
        } else {
            Severity::Warning
        };
        let why =
            "A changed address is stored before it is verified, and REPAIR=external or linked may mark it as verified";
        let remedy = "Set UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate to [\"email\"], and \
                      REPAIR=first-sign-in on both post functions: addresses that were stored before stay doubtful";
        findings.push(Finding::new(severity, "address_changes_at_once", "UserAttributeUpdateSettings", why, remedy));
    }
    if let Some(finding) = unproven_domains(facts) {
        findings.push(finding);
    } else if !facts.list("/AutoVerifiedAttributes").contains(&"email") {
        let why =
            "People who sign up do not have to verify their address, so no identity is ever linked to their account";
        let remedy = "Add email to AutoVerifiedAttributes";
        findings.push(Finding::warning("address_never_verified", "AutoVerifiedAttributes", why, remedy));
    }
    findings
}

/// Who may register by the domain of an address must prove to have it.
fn unproven_domains(facts: &Facts) -> Option<Finding> {
    facts.setting(Trigger::PreSignUp, "ALLOWED_DOMAINS").filter(|domains| !domains.is_empty())?;
    let verified = facts.list("/AutoVerifiedAttributes");
    let why = if verified.contains(&"phone_number") {
        "Cognito sends the code of a registration to the phone, so anybody can register with an address of ALLOWED_DOMAINS"
    } else if verified.contains(&"email") {
        return None;
    } else {
        "Nobody who registers has to verify an address, so anybody can register with one of ALLOWED_DOMAINS"
    };
    let remedy = "Set AutoVerifiedAttributes to [\"email\"]";
    Some(Finding::error("allowed_domains_not_proven", "AutoVerifiedAttributes", why, remedy))
}
