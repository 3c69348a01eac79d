//! Are the functions attached, there, and open to Cognito?

use super::{Facts, Finding, Severity};
use crate::function_arn::FunctionArn;
use crate::invoke_permission;
use crate::trigger::Trigger;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    Trigger::ALL.into_iter().filter_map(|trigger| of(facts, trigger)).collect()
}

/// What is wrong with one trigger.
pub(super) fn of(facts: &Facts, trigger: Trigger) -> Option<Finding> {
    let pool = facts.pool.id();
    let attach = format!("cognito-triggers attach --user-pool-id {pool} --{trigger} FUNCTION");
    let Some(function) = facts.functions.get(&trigger) else {
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

fn missing(facts: &Facts, trigger: Trigger) -> (Severity, &'static str) {
    let federated = facts.providers.as_ref().is_none_or(|providers| !providers.is_empty());
    match trigger {
        Trigger::PreSignUp if federated => {
            (Severity::Warning, "People who sign in with a provider get a second account beside the one they have")
        }
        Trigger::PreSignUp => (Severity::Note, "Needed as soon as people can sign in with a provider"),
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
