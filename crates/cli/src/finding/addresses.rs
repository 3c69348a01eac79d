//! Is an address only ever one that was proven?

use super::{Facts, Finding, Severity};
use crate::trigger::Trigger;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let kept = facts.list("/UserAttributeUpdateSettings/AttributesRequireVerificationBeforeUpdate").contains(&"email");
    if !kept {
        let repairs = |trigger| facts.has_settings(trigger) && facts.setting(trigger, "REPAIR") != Some("external");
        let severity = if repairs(Trigger::PostConfirmation) || repairs(Trigger::PostAuthentication) {
            Severity::Error
        } else {
            Severity::Warning
        };
        let why =
            "A changed address is stored before it is proven, and the repair of email_verified may mark it as proven";
        let remedy = "Set UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate to [\"email\"]; \
                      otherwise REPAIR=external of both post functions";
        findings.push(Finding::new(severity, "address_changes_at_once", "UserAttributeUpdateSettings", why, remedy));
    }
    if !facts.list("/AutoVerifiedAttributes").contains(&"email") {
        let why = "Whoever signs up is not asked to prove the address, so nobody is ever linked to that account";
        let remedy = "Add email to AutoVerifiedAttributes";
        findings.push(Finding::new(Severity::Warning, "address_never_verified", "AutoVerifiedAttributes", why, remedy));
    }
    findings
}
