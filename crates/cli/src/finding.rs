//! What is wrong with a pool: facts in, findings out.
//!
//! One file per subject; each is a function of [`Facts`] and reads nothing itself. What could not be read is in
//! [`Facts::gaps`] and becomes a finding of its own. A check that could not run does not count as passed.

mod account_api;
mod addresses;
mod app_clients;
mod aws;
mod email_claims;
mod facts;
mod group;
mod kind;
mod known_providers;
mod messages;
mod name_ids;
mod next_function;
mod owner;
mod password_policy;
pub(crate) mod person;
mod provider_mapping;
mod providers;
mod quotas;
mod required_attributes;
mod rights;
mod second_factors;
mod subjects;
mod text_messages;
mod triggers;
mod verification_link;

pub(crate) use account_api::AccountApi;
pub(crate) use aws::{gather, gather_for_person, look_at_account_api, settings_of, suppressed};
pub(crate) use facts::{Attached, Facts, Gap, Next, Provider, Quota, SendQuota, TextMessages, Trouble};
pub(crate) use kind::settings_that_fit;

use crate::advice;
use schemars::JsonSchema;
use serde::Serialize;

/// How bad it is. Ordered: the worst is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// People are kept out, or somebody may get in who should not.
    Error,
    /// Something does not work as it should, or could not be checked.
    Warning,
    /// Worth knowing.
    Note,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(crate) struct Finding {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What it is. Stable: scripts rely on it.
    pub(crate) code: &'static str,
    /// What it is about: a trigger, a provider, an app client, a setting.
    pub(crate) subject: String,
    /// Why it matters.
    pub(crate) why: String,
    /// What to do: a command, or a setting and its value.
    pub(crate) remedy: String,
}

impl Finding {
    fn error(code: &'static str, subject: impl ToString, why: &str, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, subject, why, remedy)
    }

    fn warning(code: &'static str, subject: impl ToString, why: &str, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, subject, why, remedy)
    }

    fn note(code: &'static str, subject: impl ToString, why: &str, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, subject, why, remedy)
    }

    #[allow(clippy::needless_pass_by_value, reason = "a trigger, a name or a text: callers need not care")]
    fn new(
        severity: Severity,
        code: &'static str,
        subject: impl ToString,
        why: &str,
        remedy: impl Into<String>,
    ) -> Self {
        Self { severity, code, subject: subject.to_string(), why: why.to_owned(), remedy: remedy.into() }
    }
}

/// Every finding, the worst first.
pub(crate) fn all(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<_> = triggers::check(facts)
        .into_iter()
        .chain(rights::check(facts))
        .chain(next_function::check(facts))
        .chain(providers::check(facts))
        .chain(provider_mapping::check(facts))
        .chain(known_providers::check(facts))
        .chain(subjects::check(facts))
        .chain(name_ids::check(facts))
        .chain(required_attributes::check(facts))
        .chain(second_factors::check(facts))
        .chain(kind::check(facts))
        .chain(app_clients::check(facts))
        .chain(addresses::check(facts))
        .chain(messages::check(facts))
        .chain(text_messages::check(facts))
        .chain(verification_link::check(facts))
        .chain(account_api::check(facts))
        .chain(group::check(facts))
        .chain(password_policy::check(facts))
        .chain(quotas::check(facts))
        .chain(owner::check(facts))
        .chain(gaps(facts))
        .collect();
    findings.sort();
    findings
}

/// A pool among several that could not be read at all.
pub(crate) fn unreadable(error: &anyhow::Error) -> Finding {
    let remedy = advice::of(error).unwrap_or_else(|| "Check the pool's id, the account and the rights".to_owned());
    Finding::error("pool_unreadable", "the pool", &format!("{error:#}"), remedy)
}

/// What keeps messages from a person, the worst first.
pub(crate) fn of_person(facts: &Facts, people: &[person::Person]) -> Vec<Finding> {
    let mut findings = person::check(facts, people);
    let has_phone = people.iter().any(|person| person.profile.attribute("phone_number").is_some());
    let concerns = |finding: &Finding| has_phone || !finding.code.starts_with("sms_");
    findings.extend(messages::check(facts).into_iter().filter(concerns));
    findings.extend(triggers::of(facts, crate::trigger::Trigger::CustomMessage));
    findings.extend(gaps(facts));
    if findings.iter().all(|finding| finding.severity == Severity::Note) {
        findings.push(person::nothing_found());
    }
    findings.sort();
    findings
}

/// What could not be read.
fn gaps(facts: &Facts) -> Vec<Finding> {
    let finding = |gap: &Gap| {
        let why = format!("This could not be read ({}), so it was not checked", gap.reason);
        let denied = ["AccessDenied", "NotAuthorized", "Unauthorized"].iter().any(|code| gap.reason.contains(code));
        let remedy = if denied {
            format!("Allow {} and run doctor again", gap.permission)
        } else {
            format!("Check that AWS can be reached and that {} is allowed, and run doctor again", gap.permission)
        };
        Finding::warning("could_not_check", &gap.what, &why, remedy)
    };
    facts.gaps.iter().map(finding).collect()
}

/// A text as one word of a shell, for commands that somebody pastes.
fn quoted(text: &str) -> String {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@".contains(c)) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests;
