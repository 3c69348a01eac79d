//! Can our functions call the team's own?

use super::{Facts, Finding, Next, quoted};
use crate::trigger::Trigger;
use cognito_core::next_function::NEXT_FUNCTION;

/// What a function may take before Cognito's patience could end: it waits five seconds for both.
const SECONDS: i32 = 3;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let of = |(trigger, function): (&Trigger, &super::Attached)| Some(of(*trigger, function.next.as_ref()?));
    let lost = facts.chained.iter().filter_map(|(trigger, next)| lost(facts, *trigger, next));
    facts.functions.iter().filter_map(of).flatten().chain(lost).collect()
}

/// A deployment of the stack or module of our function writes its variables anew.
fn lost(facts: &Facts, trigger: Trigger, next: &str) -> Option<Finding> {
    facts.has_settings(trigger).then_some(())?;
    let now = facts.setting(trigger, NEXT_FUNCTION);
    let why = format!(
        "attach made the function call {next}, and {NEXT_FUNCTION} is {} now, so nobody asks that function any more",
        now.map_or("not set".to_owned(), quoted)
    );
    let remedy = format!(
        "Set {NEXT_FUNCTION} where your function's other variables come from (NextFunction… of the template), or run \
         attach --chain again; detach forgets the chain"
    );
    (now != Some(next)).then(|| Finding::error("next_function_lost", trigger, &why, remedy))
}

fn of(trigger: Trigger, next: &Next) -> Vec<Finding> {
    let Next { name, role, .. } = next;
    let Some(arn) = &next.arn else {
        let why = format!("{NEXT_FUNCTION} is {name}, which names no function, so ours does not start");
        let remedy = format!("Set {NEXT_FUNCTION} of the function of {trigger} to a name or an ARN, or remove it");
        return vec![Finding::error("next_function_wrong", trigger, &why, remedy)];
    };
    let mut findings = Vec::new();
    if next.leads_back {
        let why = format!("{name} calls ours back, so every event fails");
        let remedy = format!("Remove {NEXT_FUNCTION} from one of the functions of the chain");
        findings.push(Finding::error("next_function_loop", trigger, &why, remedy));
    }
    if next.exists == Some(false) {
        let why = format!("{name}, which {NEXT_FUNCTION} names, does not exist");
        let remedy = format!("Set {NEXT_FUNCTION} of the function of {trigger} to one that exists, or remove it");
        findings.push(Finding::error("next_function_gone", trigger, &why, remedy));
    }
    if next.callable == Some(false) {
        let why = format!("Our function may not call {name}, which {NEXT_FUNCTION} names");
        let qualifier = arn.alias.as_ref().map(|alias| format!(" --qualifier {alias}")).unwrap_or_default();
        let remedy = format!(
            "aws lambda add-permission --region {} --function-name {}{qualifier} --statement-id cognito-triggers-next \
             --action lambda:InvokeFunction --principal {role}",
            arn.region, arn.name
        );
        findings.push(Finding::error("next_function_denied", trigger, &why, remedy));
    }
    if let Some(timeout) = next.timeout.filter(|timeout| *timeout > SECONDS) {
        let why = format!(
            "{name} may work for {timeout} seconds, and Cognito waits five for both functions. Ours gives it up in time, \
             and what it does after that nobody sees"
        );
        findings.push(Finding::note(
            "next_function_slow",
            trigger,
            &why,
            format!("Give {} a timeout of {SECONDS} seconds or less", arn.name),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Attached;
    use crate::function_arn::FunctionArn;

    fn codes(next: Next) -> Vec<&'static str> {
        let mut facts = Facts::default();
        facts.functions.insert(Trigger::PreSignUp, Attached { next: Some(next), ..Attached::default() });
        check(&facts).iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_chain_that_a_deployment_took_away_is_an_error() {
        let mut facts = Facts::default();
        facts.chained.insert(Trigger::PreSignUp, "theirs".to_owned());
        let settings = |value: &str| Some([(NEXT_FUNCTION.to_owned(), value.to_owned())].into());
        for (settings, found) in [
            (None, vec![]),
            (settings("theirs"), vec![]),
            (settings("another"), vec!["next_function_lost"]),
            (Some(std::collections::BTreeMap::new()), vec!["next_function_lost"]),
        ] {
            facts.functions.insert(Trigger::PreSignUp, Attached { settings, ..Attached::default() });
            assert_eq!(check(&facts).iter().map(|finding| finding.code).collect::<Vec<_>>(), found);
        }
    }

    #[test]
    fn what_keeps_the_teams_function_from_being_called_is_an_error_with_its_own_code() {
        let arn = FunctionArn::parse("arn:aws:lambda:eu-central-1:123456789012:function:theirs:live");
        let fine = Next {
            name: "theirs".into(),
            arn,
            exists: Some(true),
            callable: Some(true),
            timeout: Some(3),
            ..Next::default()
        };
        assert!(codes(fine.clone()).is_empty());
        assert!(codes(Next { exists: None, callable: None, timeout: None, ..fine.clone() }).is_empty());
        assert_eq!(codes(Next { arn: None, ..fine.clone() }), ["next_function_wrong"]);
        assert_eq!(codes(Next { exists: Some(false), ..fine.clone() }), ["next_function_gone"]);
        assert_eq!(codes(Next { callable: Some(false), ..fine.clone() }), ["next_function_denied"]);
        assert_eq!(codes(Next { leads_back: true, ..fine.clone() }), ["next_function_loop"]);
        assert_eq!(codes(Next { timeout: Some(30), ..fine }), ["next_function_slow"]);
    }
}
