//! Are the functions attached, there, and open to Cognito?

use super::{Facts, Finding, Severity, quoted};
use crate::function_arn::FunctionArn;
use crate::invoke_permission;
use crate::trigger::Trigger;
use cognito_core::provider::{Providers, Trust};

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    Trigger::ALL.into_iter().filter_map(|trigger| of(facts, trigger)).collect()
}

/// What is wrong with one trigger.
pub(super) fn of(facts: &Facts, trigger: Trigger) -> Option<Finding> {
    let pool = facts.pool.id();
    let attach = format!("cognito-triggers attach --user-pool-id {pool} --{trigger} FUNCTION");
    let attached = facts.functions.get(&trigger);
    if let Some(expected) = facts.expected.get(&trigger)
        && !attached.is_some_and(|function| expected.contains(&function.arn))
    {
        return Some(lost(facts, trigger, expected));
    }
    let Some(function) = attached else {
        let (severity, why) = missing(facts, trigger);
        return Some(Finding::new(severity, "trigger_missing", trigger, why, attach));
    };
    if function.exists == Some(false) {
        let why = "The function does not exist, and Cognito refuses everything that would call it";
        return Some(Finding::error("function_gone", trigger, why, format!("{attach} --replace")));
    }
    if function.callable == Some(false) {
        let why = "Cognito may not call the function, and refuses everything that would call it";
        let arn = FunctionArn::parse(&function.arn);
        let remedy = arn.map_or(attach, |arn| invoke_permission::command(&arn, trigger, &facts.pool));
        return Some(Finding::error("no_invoke_permission", trigger, why, remedy));
    }
    None
}

/// A function that should be attached and is not.
fn lost(facts: &Facts, trigger: Trigger, expected: &[String]) -> Finding {
    let pool = facts.pool.id();
    let function = expected.first().map_or("", String::as_str);
    let (now, replace) = match facts.functions.get(&trigger) {
        Some(other) => (format!("The pool calls {} instead of {function}", other.arn), " --replace"),
        None => (format!("The pool no longer calls {function}"), ""),
    };
    let why = format!(
        "{now}. Tools that update a pool without naming its triggers take them off: name this one in the tool that owns \
         the pool"
    );
    let command = format!("cognito-triggers attach --user-pool-id {pool} --{trigger} {}{replace}", quoted(function));
    Finding::error("trigger_lost", trigger, &why, command)
}

/// Whether a provider's `email_verified` reaches the profile although `PROVIDERS` does not trust it as it is.
fn stores_untrusted_marks(facts: &Facts) -> bool {
    let listed = facts.setting(Trigger::PreSignUp, "PROVIDERS").and_then(Providers::parse);
    let is_untrusted = |name: &str| {
        let known = listed.as_ref().map(|listed| listed.named(name));
        known.is_some_and(|known| known.is_none_or(|own| own.trust == Trust::Never || !own.domains.is_every_domain()))
    };
    let providers = facts.providers.iter().flatten();
    providers.filter(|one| one.mapping.contains_key("email_verified")).any(|one| is_untrusted(&one.name))
}

/// Whether nothing else fills the attribute in which pre-sign-up looks for the subject.
fn looks_for_subject(facts: &Facts) -> bool {
    let attribute = facts.setting(Trigger::PreSignUp, "SUBJECT_ATTRIBUTE");
    let is_mapped = |attribute| facts.providers.iter().flatten().any(|one| one.mapping.contains_key(attribute));
    attribute.is_some_and(|attribute| !is_mapped(attribute))
}

fn missing(facts: &Facts, trigger: Trigger) -> (Severity, &'static str) {
    let federated = facts.providers.as_ref().is_none_or(|providers| !providers.is_empty());
    match trigger {
        Trigger::PreSignUp if federated => {
            (Severity::Warning, "People who sign in with a provider get a second account beside the one they have")
        }
        Trigger::PreSignUp => (Severity::Note, "Needed as soon as people can sign in with a provider"),
        Trigger::InboundFederation if stores_untrusted_marks(facts) => (
            Severity::Warning,
            "A provider sends email_verified, PROVIDERS does not trust it (it is not listed, never, or only for some \
             domains), and Cognito stores it as it comes",
        ),
        Trigger::InboundFederation if looks_for_subject(facts) => (
            Severity::Warning,
            "Pre-sign-up looks for the subject in SUBJECT_ATTRIBUTE, and nothing else fills that attribute",
        ),
        Trigger::InboundFederation => {
            (Severity::Note, "Cognito stores the email_verified that any provider sends, trusted or not")
        }
        Trigger::PostConfirmation => (Severity::Note, "New users join no group, and email_verified is not repaired"),
        Trigger::PostAuthentication => {
            (Severity::Note, "email_verified stays false after a sign-in from a provider that does not send it")
        }
        Trigger::CustomMessage => (Severity::Note, "Cognito sends its own messages"),
    }
}
