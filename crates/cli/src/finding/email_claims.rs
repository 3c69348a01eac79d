//! Which claims does inbound federation read?

use super::{Facts, Finding};
use crate::trigger::Trigger;
use cognito_core::provider::{EmailClaims, Providers};
use cognito_core::settings::{EMAIL_CLAIMS, PROVIDERS};

/// `EMAIL_CLAIMS` of inbound federation; the finding if the function cannot start with it.
pub(super) fn email_claims(facts: &Facts) -> Result<EmailClaims, Finding> {
    let setting = |name| facts.setting(Trigger::InboundFederation, name).unwrap_or_default();
    // A wrong PROVIDERS is a finding of its own.
    let Some(providers) = Providers::parse(setting(PROVIDERS)) else { return Ok(EmailClaims::default()) };
    EmailClaims::parse(setting(EMAIL_CLAIMS), &providers).ok_or_else(|| {
        let why = "The function cannot start with this value of EMAIL_CLAIMS";
        let remedy = format!("Set the function's EMAIL_CLAIMS to {}", EmailClaims::ALLOWED);
        Finding::error("wrong_setting", Trigger::InboundFederation, why, remedy)
    })
}
