//! Do messages reach people?

use super::{Facts, Finding};
use crate::trigger::Trigger;

/// What an account may spend on text messages in a month unless it asks for more (Amazon SNS, "Account spend
/// threshold").
const SMS_DOLLARS: f64 = 1.0;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let subject = "EmailConfiguration";
    if !facts.pool.sends_through_ses() {
        let remedy = "Verify a domain in SES and set EmailConfiguration.EmailSendingAccount to DEVELOPER with its SourceArn and From";
        if facts.functions.contains_key(&Trigger::CustomMessage) {
            let why = "Cognito accepts custom e-mails only if SES sends them, and answers with HTTP 400 otherwise";
            let detach =
                format!("{remedy}; or cognito-triggers detach --user-pool-id {} --custom-message", facts.pool.id());
            findings.push(Finding::error("custom_message_without_ses", subject, why, detach));
        }
        let why = "Cognito's own sender is limited to 50 e-mails a day for the whole account";
        findings.push(Finding::warning("fifty_mails_a_day", subject, why, remedy));
    }
    if facts.ses_production == Some(false) {
        let why = "SES is in its sandbox: mail reaches only verified addresses, and only 200 a day";
        let remedy = "Request production access: aws sesv2 put-account-details --production-access-enabled …";
        findings.push(Finding::error("ses_sandbox", "SES", why, remedy));
    }
    if facts.ses_sending == Some(false) {
        let why = "SES has paused sending for this account, so no message goes out";
        let remedy = "Look up the reason in the SES console, then run aws sesv2 put-account-sending-attributes --sending-enabled";
        findings.push(Finding::error("ses_sending_paused", "SES", why, remedy));
    }
    if facts.sender_verified == Some(false) {
        let why = "SES sends nothing from an identity that is not verified";
        let remedy = "Publish the identity's DKIM records, or follow the link that SES mailed to it";
        findings.push(Finding::error("sender_unverified", facts.text("/EmailConfiguration/SourceArn"), why, remedy));
    }
    if let Some(quota) = facts.ses_quota.filter(|quota| quota.a_day >= 0.0 && quota.sent >= quota.a_day) {
        let why = format!("SES sent the {} mails that it may send in 24 hours, and takes no more", quota.a_day);
        let remedy = "Wait, or raise the sending quota: Service Quotas, Amazon SES, Sending quota";
        findings.push(Finding::error("ses_quota_used_up", "SES", &why, remedy));
    }
    if facts.sender_verified == Some(true) && facts.sender_signs == Some(false) {
        let why = "SES does not sign the mails of this sender with DKIM, so that many hosts take them for spam";
        let remedy =
            "Turn on Easy DKIM for the domain and publish its records: aws sesv2 put-email-identity-dkim-attributes";
        let sender = facts.text("/EmailConfiguration/SourceArn");
        findings.push(Finding::warning("sender_without_dkim", sender, why, remedy));
    }
    let sms = facts.text_messages.unwrap_or_default();
    if sms.sandbox == Some(true) {
        let why = "Amazon SNS is in its sandbox: text messages reach only verified numbers";
        let remedy = "Ask to leave it: Amazon SNS console, Text messaging (SMS), Exit SMS sandbox";
        findings.push(Finding::error("sms_sandbox", "SmsConfiguration", why, remedy));
    }
    if let Some(limit) = sms.dollars_a_month.filter(|limit| *limit <= SMS_DOLLARS) {
        let why =
            format!("Amazon SNS may spend {limit} US dollars a month, and then sends no text messages until the next");
        let remedy = "Raise the quota \"Account spend threshold\" of Amazon SNS, then aws sns set-sms-attributes --attributes \
                      MonthlySpendLimit=…";
        findings.push(Finding::warning("sms_limit_low", "SmsConfiguration", &why, remedy));
    }
    for failure in ["EmailConfigurationFailure", "SmsConfigurationFailure"] {
        if !facts.text(&format!("/{failure}")).is_empty() {
            let why = "Cognito reports that it cannot send";
            let remedy = format!("Cognito says: {}", facts.text(&format!("/{failure}")));
            findings.push(Finding::error("sending_fails", failure, why, remedy));
        }
    }
    findings
}
