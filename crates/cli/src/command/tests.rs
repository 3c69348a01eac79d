//! `attach` and `detach` where somebody interferes.

use super::Command;
use crate::arguments::Arguments;
use crate::attachment::Report;
use crate::attachment::fake_aws::{FakeAws, POOL, arn, refusal};
use crate::terminal::Refused;
use anyhow::Result;
use clap::Parser;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::TempDir;

/// An operator in a folder of their own.
struct Operator {
    aws: FakeAws,
    folder: TempDir,
}

impl Operator {
    fn of(lambda_config: Value) -> Self {
        Self { aws: FakeAws::with(lambda_config), folder: tempfile::tempdir().unwrap() }
    }

    async fn run(&self, line: &str) -> Result<Report> {
        let record = self.record_file();
        let (command, options) = line.split_once(' ').unwrap();
        let fixed =
            ["cognito-triggers", command, "--user-pool-id", POOL, "--yes", "--record", record.to_str().unwrap()];
        let arguments = Arguments::try_parse_from(fixed.into_iter().chain(options.split(' '))).unwrap();
        let cloud = self.aws.cloud();
        match arguments.command {
            Command::Attach(command) => command.on(&command.request, &cloud).await,
            Command::Detach(command) => command.on(&command.request, &cloud).await,
            other => unreachable!("{other:?}"),
        }
    }

    async fn refused(&self, line: &str) -> String {
        let error = self.run(line).await.unwrap_err();
        assert!(error.is::<Refused>(), "{error:#}");
        error.to_string()
    }

    async fn failed(&self, line: &str) -> String {
        let error = self.run(line).await.unwrap_err();
        assert!(!error.is::<Refused>(), "{error:#}");
        format!("{error:#}")
    }

    fn trigger(&self, member: &str) -> Value {
        self.aws.state().pool["LambdaConfig"][member].clone()
    }

    /// The ids of the statements that let the pool call a function.
    fn statements(&self, function: &str) -> Vec<String> {
        self.aws.state().of(function)
    }

    fn record_file(&self) -> PathBuf {
        self.folder.path().join("record.json")
    }

    fn record(&self) -> Value {
        let text = std::fs::read_to_string(self.record_file());
        text.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
    }

    /// Somebody else writes this record between our first reading of it and the second, when the functions are looked up.
    fn somebody_else_records(&self, triggers: &Value) {
        let (file, record) = (self.record_file(), json!({ "userPoolId": POOL, "triggers": triggers }).to_string());
        self.aws.interfere(move |state, operation, _| {
            if operation == "GetPolicy" && state.count(operation) == 1 {
                std::fs::write(&file, &record).unwrap();
            }
            None
        });
    }
}

fn statement(trigger: &str) -> String {
    format!("cognito-triggers-{POOL}-{trigger}")
}

#[tokio::test]
async fn a_setting_that_somebody_changed_since_the_pool_was_shown_stays_changed() {
    for reading in [2, 3] {
        let operator = Operator::of(json!({}));
        operator.aws.at_reading(reading, |state| state.pool["MfaConfiguration"] = json!("ON"));
        let report = operator.run("attach --pre-sign-up ours").await.unwrap();
        assert_eq!(operator.aws.state().pool["MfaConfiguration"], "ON", "reading {reading}");
        let restore = std::fs::read_to_string(report.saved.last().unwrap()).unwrap();
        assert!(restore.contains(r#""MfaConfiguration": "ON""#), "reading {reading}: {restore}");

        operator.aws.state().calls.clear();
        operator.aws.at_reading(reading, |state| state.pool["MfaConfiguration"] = json!("OPTIONAL"));
        operator.run("detach --all").await.unwrap();
        assert_eq!(operator.aws.state().pool["MfaConfiguration"], "OPTIONAL", "reading {reading}");
    }
}

#[tokio::test]
async fn a_trigger_that_somebody_changed_since_it_was_shown_is_left_to_them_and_nothing_was_changed() {
    for reading in [2, 3] {
        let operator = Operator::of(json!({}));
        operator.aws.at_reading(reading, |state| state.pool["LambdaConfig"]["PreSignUp"] = json!("theirs"));
        let why = operator.refused("attach --pre-sign-up ours").await;
        assert!(why.contains("pre-sign-up"), "{why}");
        assert_eq!(operator.trigger("PreSignUp"), "theirs", "reading {reading}");
        assert!(operator.statements("ours").is_empty(), "reading {reading}: a permission was added and stays");
        assert_eq!(operator.record(), Value::Null, "reading {reading}");
    }
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_named_and_no_refusal() {
    let operator = Operator::of(json!({}));
    operator.aws.interfere(|state, operation, _| {
        if operation == "UpdateUserPool" {
            state.pool["LambdaConfig"]["PreSignUp"] = json!("theirs");
            return Some(refusal(400, "ConcurrentModificationException"));
        }
        (operation == "RemovePermission").then(|| refusal(403, "AccessDeniedException"))
    });
    let why = operator.failed("attach --pre-sign-up ours").await;
    assert!(why.contains(&statement("PreSignUp")), "{why}");
    assert_eq!(operator.record()["permissions"][0]["statement"], json!(statement("PreSignUp")));
}

#[tokio::test]
async fn a_second_operator_in_the_same_folder_loses_nothing_of_the_first() {
    let operator = Operator::of(json!({}));
    operator.somebody_else_records(&json!({ "CustomMessage": { "function": arn("b"), "displaced": null } }));
    operator.run("attach --pre-sign-up a").await.unwrap();
    assert_eq!(operator.record()["triggers"]["CustomMessage"]["function"], json!(arn("b")));
    assert_eq!(operator.record()["triggers"]["PreSignUp"]["function"], json!(arn("a")));
}

#[tokio::test]
async fn a_record_that_says_something_else_about_the_trigger_by_now_is_not_overwritten() {
    let operator = Operator::of(json!({}));
    operator.somebody_else_records(&json!({ "PreSignUp": { "function": arn("b"), "displaced": arn("x") } }));
    let why = operator.refused("attach --pre-sign-up a").await;
    assert!(why.contains("record.json"), "{why}");
    assert_eq!(operator.record()["triggers"]["PreSignUp"]["displaced"], arn("x"));
    assert!(operator.statements("a").is_empty());
}

#[tokio::test]
async fn a_permission_stays_until_the_last_trigger_with_the_function_is_detached() {
    let operator = Operator::of(json!({}));
    let report = operator.run("attach --pre-sign-up ours --post-confirmation ours").await.unwrap();
    let said: Vec<_> = report.changes.iter().map(|change| change.permission.as_str()).collect();
    assert_eq!(said, ["added", "there already"]);
    let report = operator.run("detach --pre-sign-up").await.unwrap();
    assert_eq!(operator.statements("ours"), [statement("PreSignUp")], "post confirmation still needs it");
    assert_eq!(report.changes[0].permission, "stays: another trigger has the function");
    let report = operator.run("detach --all").await.unwrap();
    assert_eq!((operator.statements("ours").len(), report.changes[0].permission.as_str()), (0, "removed"));
    assert_eq!(operator.record(), Value::Null, "nothing is left to remember");
}

#[tokio::test]
async fn a_permission_stays_for_a_trigger_that_there_is_no_function_for_here() {
    let operator = Operator::of(json!({}));
    operator.run("attach --pre-sign-up ours").await.unwrap();
    let elsewhere = json!({ "LambdaArn": arn("ours"), "LambdaVersion": "V2_0" });
    operator.aws.state().pool["LambdaConfig"]["PreTokenGenerationConfig"] = elsewhere;
    operator.run("detach --all").await.unwrap();
    assert_eq!(operator.statements("ours").len(), 1);
    operator.aws.state().pool["LambdaConfig"] = json!({});
    operator.run("detach --all").await.unwrap();
    assert_eq!((operator.statements("ours").len(), operator.record()), (0, Value::Null));
}

#[tokio::test]
async fn a_function_replaced_on_one_trigger_may_still_be_called_by_the_other() {
    let operator = Operator::of(json!({}));
    operator.run("attach --pre-sign-up f --post-confirmation f").await.unwrap();
    operator.run("attach --pre-sign-up g").await.unwrap();
    assert_eq!((operator.statements("f").len(), operator.statements("g").len()), (1, 1));
    let report = operator.run("attach --post-confirmation g").await.unwrap();
    assert_eq!(operator.statements("f").len(), 0);
    assert_eq!(report.permissions_removed[0].function, arn("f"));
}

#[tokio::test]
async fn a_replacement_that_failed_can_be_repeated_and_forgets_nothing() {
    for status in [400, 500] {
        let operator = Operator::of(json!({ "PreSignUp": arn("x") }));
        operator.run("attach --pre-sign-up a --replace").await.unwrap();
        operator.aws.refuses("UpdateUserPool", status, "InternalErrorException");
        operator.failed("attach --pre-sign-up b").await;
        operator.aws.leave_alone();
        operator.run("attach --pre-sign-up b").await.unwrap();
        assert_eq!(operator.trigger("PreSignUp"), json!(arn("b")));
        assert!(operator.statements("a").is_empty(), "{status}: a's permission stays");
        operator.run("detach --all").await.unwrap();
        assert_eq!((operator.trigger("PreSignUp"), operator.record()), (json!(arn("x")), Value::Null), "{status}");
        assert!(operator.statements("b").is_empty());
    }
}

#[tokio::test]
async fn after_a_replacement_that_failed_detach_puts_back_what_was_displaced_first() {
    let operator = Operator::of(json!({ "PreSignUp": arn("x") }));
    operator.run("attach --pre-sign-up a --replace").await.unwrap();
    operator.aws.refuses("UpdateUserPool", 500, "InternalErrorException");
    operator.failed("attach --pre-sign-up b").await;
    operator.aws.leave_alone();
    operator.run("detach --all").await.unwrap();
    assert_eq!(operator.trigger("PreSignUp"), json!(arn("x")));
    assert!(operator.statements("a").is_empty() && operator.statements("b").is_empty());
}

#[tokio::test]
async fn an_update_that_cognito_refused_leaves_neither_permission_nor_record() {
    let operator = Operator::of(json!({}));
    operator.aws.refuses("UpdateUserPool", 400, "InvalidParameterException");
    operator.failed("attach --pre-sign-up a --post-confirmation b").await;
    assert!(operator.statements("a").is_empty() && operator.statements("b").is_empty());
    assert_eq!(operator.record(), Value::Null);
}

#[tokio::test]
async fn a_permission_stays_if_the_pool_was_updated_although_cognito_said_no() {
    for (code, is_done) in [("ConcurrentModificationException", true), ("TooManyRequestsException", false)] {
        let operator = Operator::of(json!({}));
        operator.aws.interfere(move |state, operation, _| {
            (operation == "UpdateUserPool").then(|| {
                state.pool["LambdaConfig"]["PreSignUp"] = json!(arn("a"));
                refusal(400, code)
            })
        });
        assert_eq!(operator.run("attach --pre-sign-up a").await.is_ok(), is_done, "{code}");
        assert_eq!(operator.statements("a").len(), 1, "{code}");
        operator.aws.leave_alone();
        operator.run("detach --all").await.unwrap();
        assert_eq!((operator.trigger("PreSignUp"), operator.record()), (Value::Null, Value::Null), "{code}");
    }
}

#[tokio::test]
async fn a_run_that_ended_after_the_update_is_finished_by_the_next() {
    let operator = Operator::of(json!({}));
    operator.run("attach --pre-sign-up a").await.unwrap();
    operator.aws.state().calls.clear();
    operator.aws.interfere(|state, operation, _| {
        (operation == "DescribeUserPool" && state.count("UpdateUserPool") == 1)
            .then(|| refusal(400, "NotAuthorizedException"))
    });
    let why = operator.failed("attach --pre-sign-up b").await;
    assert!(why.contains("again"), "{why}");
    operator.aws.leave_alone();
    operator.run("attach --pre-sign-up b").await.unwrap();
    assert!(operator.statements("a").is_empty(), "a's permission stays");
}

#[tokio::test]
async fn a_permission_that_could_not_be_removed_is_removed_by_the_same_command_later() {
    for options in ["--pre-sign-up", "--all"] {
        let operator = Operator::of(json!({ "PreSignUp": arn("x") }));
        operator.run("attach --pre-sign-up a --replace").await.unwrap();
        operator.aws.refuses("RemovePermission", 403, "AccessDeniedException");
        let why = operator.failed(&format!("detach {options}")).await;
        assert!(why.contains("still there") && why.contains("AccessDenied"), "{why}");
        operator.aws.leave_alone();
        operator.run(&format!("detach {options}")).await.unwrap();
        assert_eq!((operator.trigger("PreSignUp"), operator.record()), (json!(arn("x")), Value::Null));
        assert!(operator.statements("a").is_empty());
    }
}

#[tokio::test]
async fn a_permission_added_for_a_function_that_was_attached_already_is_removed_by_detach() {
    let operator = Operator::of(json!({ "PreSignUp": arn("ours") }));
    operator.run("attach --pre-sign-up ours --post-confirmation other").await.unwrap();
    assert_eq!(operator.statements("ours").len(), 1);
    operator.run("detach --pre-sign-up --leave-empty").await.unwrap();
    assert!(operator.statements("ours").is_empty());
}

#[tokio::test]
async fn a_function_of_ours_that_somebody_displaced_loses_its_permission_when_theirs_is_displaced() {
    let operator = Operator::of(json!({}));
    operator.run("attach --pre-sign-up f").await.unwrap();
    operator.aws.state().pool["LambdaConfig"]["PreSignUp"] = json!(arn("y"));
    operator.run("attach --pre-sign-up g --replace").await.unwrap();
    assert!(operator.statements("f").is_empty());
    operator.run("detach --all").await.unwrap();
    assert_eq!((operator.trigger("PreSignUp"), operator.statements("g").len()), (json!(arn("y")), 0));
}

#[tokio::test]
async fn without_a_record_every_permission_of_attach_is_found_whichever_trigger_it_was_added_for() {
    let operator = Operator::of(json!({}));
    operator.run("attach --pre-sign-up ours --custom-message ours").await.unwrap();
    std::fs::remove_file(operator.record_file()).unwrap();
    operator.run("detach --pre-sign-up --leave-empty").await.unwrap();
    assert_eq!(operator.statements("ours").len(), 1, "custom message still needs it");
    let report = operator.run("detach --custom-message --leave-empty").await.unwrap();
    assert_eq!((operator.statements("ours").len(), report.changes[0].permission.as_str()), (0, "removed"));
    assert_eq!(operator.record(), Value::Null);
}

#[tokio::test]
async fn every_trigger_can_be_cleared_without_a_record_and_permissions_of_others_stay() {
    let inbound = json!({ "LambdaArn": arn("f"), "LambdaVersion": "V1_0" });
    let operator = Operator::of(json!({ "PreSignUp": arn("f"), "InboundFederation": inbound }));
    operator.aws.state().statements.insert("f".into(), ["made-by-the-template".into()].into());
    let all = "--pre-sign-up --post-confirmation --post-authentication --inbound-federation --custom-message";
    operator.run(&format!("detach --leave-empty {all}")).await.unwrap();
    assert_eq!(operator.aws.state().pool["LambdaConfig"], json!({}));
    assert_eq!(operator.statements("f"), ["made-by-the-template"]);
}

#[tokio::test]
async fn detach_goes_on_where_it_may_not_look_at_what_was_displaced_and_not_where_that_is_gone() {
    let operator = Operator::of(json!({ "PreSignUp": arn("theirs") }));
    operator.run("attach --pre-sign-up ours --replace").await.unwrap();
    operator.aws.refuses("GetFunctionConfiguration", 404, "ResourceNotFoundException");
    let refused = operator.refused("detach --all").await;
    assert!(refused.contains("--leave-empty") && refused.contains("theirs"), "{refused}");
    operator.aws.refuses("GetFunctionConfiguration", 403, "AccessDeniedException");
    operator.run("detach --all").await.unwrap();
    assert_eq!(operator.trigger("PreSignUp"), json!(arn("theirs")));
}

#[tokio::test]
async fn a_planted_record_chooses_neither_a_function_of_another_account_nor_a_permission() {
    let operator = Operator::of(json!({ "PreSignUp": arn("ours") }));
    operator.aws.state().statements.entry("payments".into()).or_default().insert("api-gateway".into());
    let evil = "arn:aws:lambda:eu-central-1:666666666666:function:evil";
    let plant = |triggers: Value, permissions: Value| {
        let record = json!({ "userPoolId": POOL, "triggers": triggers, "permissions": permissions });
        std::fs::write(operator.record_file(), record.to_string()).unwrap();
    };
    let displaced = |displaced: Value| json!({ "PreSignUp": { "function": arn("ours"), "displaced": displaced } });
    for (triggers, permissions, says) in [
        (displaced(json!(evil)), json!([]), "another account"),
        (displaced(json!("x")), json!([]), "can have had"),
        (displaced(json!({ "LambdaArn": arn("b"), "More": 1 })), json!([]), "can have had"),
        (json!({ "PreSignUp": { "function": "x", "displaced": null } }), json!([]), "not the ARN"),
        (json!({}), json!([{ "function": arn("payments"), "statement": "api-gateway" }]), "not one that attach adds"),
        (
            json!({ "PreSignUp": { "function": arn("ours"), "displaced": arn("theirs"),
                "chained": { "next": arn("payments"), "former": "x" } } }),
            json!([]),
            "not the function that PreSignUp had",
        ),
        (
            json!({ "PreSignUp": { "function": evil, "displaced": arn("theirs"),
                "chained": { "next": arn("theirs"), "former": "x" } } }),
            json!([]),
            "not the function that PreSignUp had",
        ),
        (
            json!({}),
            json!([{ "function": evil, "statement": format!("cognito-triggers-{POOL}-PreSignUp") }]),
            "not one",
        ),
    ] {
        plant(triggers, permissions);
        let why = operator.refused("detach --all").await;
        assert!(why.contains(says), "{why}");
    }
    assert_eq!(operator.trigger("PreSignUp"), json!(arn("ours")));
    assert_eq!(operator.statements("payments"), ["api-gateway"]);
    plant(displaced(json!(evil)), json!([]));
    operator.run(&format!("detach --all --put-back {evil}")).await.unwrap();
    assert_eq!(operator.trigger("PreSignUp"), json!(evil));
}

#[tokio::test]
async fn a_pool_that_another_tool_owns_is_changed_only_by_who_says_that_it_is_theirs() {
    let operator = Operator::of(json!({}));
    let tags = json!({ "aws:cloudformation:stack-name": "shop" });
    operator.aws.state().pool["UserPoolTags"] = tags;
    let why = operator.refused("attach --pre-sign-up ours").await;
    for part in ["the CloudFormation stack shop owns the pool", "its own template", "--print", "--yes-i-own-it"] {
        assert!(why.contains(part), "{part} is not in {why}");
    }
    assert_eq!((operator.trigger("PreSignUp"), operator.statements("ours")), (Value::Null, vec![]));
    operator.run("attach --pre-sign-up ours --yes-i-own-it").await.unwrap();
    assert_eq!(operator.trigger("PreSignUp"), arn("ours"));
    // What is as it should be needs no word of the operator's.
    operator.run("attach --pre-sign-up ours").await.unwrap();
    assert_eq!(operator.aws.state().count("DescribeStackResources"), 0, "the tag says it");
}

#[tokio::test]
async fn a_stack_that_only_cloudformation_knows_is_an_owner_and_its_silence_keeps_nobody_away() {
    let operator = Operator::of(json!({}));
    operator.aws.interfere(|_, operation, _| {
        let answer = format!(
            "<DescribeStackResourcesResponse><member><PhysicalResourceId>{POOL}</PhysicalResourceId><StackName>shop</StackName>\
             </member></DescribeStackResourcesResponse>"
        );
        (operation == "DescribeStackResources").then(|| (200, json!(answer)))
    });
    assert!(operator.refused("attach --pre-sign-up ours").await.contains("stack shop"));
    operator.aws.interfere(|_, operation, _| {
        let denied = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
        (operation == "DescribeStackResources").then(|| (403, json!(denied)))
    });
    assert!(operator.run("attach --pre-sign-up ours").await.unwrap().applied);
}

/// A pool whose pre sign-up trigger has a function of the team.
fn taken() -> Operator {
    let operator = Operator::of(json!({ "PreSignUp": arn("theirs") }));
    let own = BTreeMap::from([("PROVIDERS".to_owned(), "Google:claim".to_owned())]);
    operator.aws.state().settings.insert("ours".into(), own);
    operator
}

fn settings(operator: &Operator) -> BTreeMap<String, BTreeMap<String, String>> {
    operator.aws.state().settings.clone()
}

fn next_of(operator: &Operator, function: &str) -> Option<String> {
    operator.aws.state().settings.get(function)?.get("NEXT_FUNCTION").cloned()
}

#[tokio::test]
async fn a_function_that_is_there_is_called_by_ours_when_asked_and_detach_puts_everything_back() {
    let operator = taken();
    let why = operator.refused("attach --pre-sign-up ours").await;
    assert!(why.contains("--chain") && why.contains("--replace"), "{why}");
    let before = settings(&operator);
    let report = operator.run("attach --pre-sign-up ours --chain --test").await.unwrap();
    assert_eq!((report.applied, report.changes[0].next_function.as_deref()), (true, Some(arn("theirs").as_str())));
    assert_eq!(operator.trigger("PreSignUp"), json!(arn("ours")));
    assert_eq!(next_of(&operator, "ours").unwrap(), arn("theirs"));
    assert_eq!(settings(&operator)["ours"]["PROVIDERS"], "Google:claim");
    assert_eq!(operator.statements("theirs"), [format!("{}-next", statement("PreSignUp"))]);
    let again = operator.run("attach --pre-sign-up ours --chain").await.unwrap();
    assert!(!again.applied);
    // Another function of ours would have to be told of theirs first.
    assert!(operator.refused("attach --pre-sign-up newer").await.contains("Detach it first"));

    operator.run("detach --pre-sign-up").await.unwrap();
    assert_eq!(operator.trigger("PreSignUp"), json!(arn("theirs")));
    assert_eq!((settings(&operator), operator.statements("theirs")), (before, vec![]));
    assert_eq!((operator.statements("ours"), operator.record()), (vec![], Value::Null));
}

#[tokio::test]
async fn a_chain_that_does_not_work_is_undone_before_the_pool_calls_it() {
    let crash = json!({ "errorType": "Runtime.ExitError", "errorMessage": "exit status: 1" });
    let silent = json!({ "answer": "of another kind" });
    for (line, answer, says) in [
        ("attach --pre-sign-up ours --chain", crash, "--features next-function"),
        ("attach --pre-sign-up ours --chain --test", silent, "does not start"),
    ] {
        let operator = taken();
        let before = settings(&operator);
        operator.aws.state().answers.insert("ours".into(), answer);
        let why = operator.refused(line).await;
        assert!(why.contains(says), "{why}");
        assert_eq!(operator.trigger("PreSignUp"), json!(arn("theirs")));
        assert_eq!((settings(&operator), operator.statements("theirs")), (before, vec![]));
        assert_eq!((operator.statements("ours"), operator.record()), (vec![], Value::Null));
    }
}

#[tokio::test]
async fn a_dry_event_that_does_not_come_back_undoes_the_chain() {
    let operator = taken();
    operator.aws.interfere(|state, operation, _| {
        // The first is no event, and the function refuses it by itself.
        let error = json!({ "errorType": "next_function_failed", "errorMessage": "no" });
        (operation == "Invoke" && state.count("Invoke") > 1).then_some((200, error))
    });
    let why = operator.refused("attach --pre-sign-up ours --chain --test").await;
    assert!(why.contains("next_function_failed"), "{why}");
    assert_eq!((next_of(&operator, "ours"), operator.statements("theirs")), (None, vec![]));
}

#[tokio::test]
async fn a_chain_that_cannot_be_made_is_refused_before_anything_is_changed() {
    let with_next = |function: &str, next: &str| {
        let operator = taken();
        let settings = BTreeMap::from([("NEXT_FUNCTION".to_owned(), next.to_owned())]);
        operator.aws.state().settings.insert(function.into(), settings);
        operator
    };
    let in_two_steps = with_next("theirs", "third");
    let third = BTreeMap::from([("NEXT_FUNCTION".to_owned(), "ours".to_owned())]);
    in_two_steps.aws.state().settings.insert("third".into(), third);
    for (operator, line, says) in [
        (with_next("ours", "another"), "attach --pre-sign-up ours --chain", "calls another already"),
        (with_next("theirs", "ours"), "attach --pre-sign-up ours --chain", "call each other"),
        (in_two_steps, "attach --pre-sign-up ours --chain", "call each other"),
        (taken(), "attach --pre-sign-up ours:live --chain", "is an alias"),
        (taken(), "attach --pre-sign-up arn:aws:lambda:eu-central-1:2:function:ours --chain", "account only"),
    ] {
        let before = settings(&operator);
        let why = operator.refused(line).await;
        assert!(why.contains(says), "{why}");
        assert_eq!((settings(&operator), operator.record()), (before, Value::Null));
    }
}

#[tokio::test]
async fn a_detach_that_was_cut_off_before_the_settings_were_put_back_ends_when_it_is_repeated() {
    let operator = taken();
    operator.run("attach --pre-sign-up ours --chain").await.unwrap();
    operator.aws.refuses("UpdateFunctionConfiguration", 429, "TooManyRequestsException");
    assert!(operator.failed("detach --pre-sign-up").await.contains("run the same command again"));
    operator.aws.leave_alone();
    operator.run("detach --pre-sign-up").await.unwrap();
    assert_eq!((next_of(&operator, "ours"), operator.record()), (None, Value::Null));
}

#[tokio::test]
async fn a_chain_that_was_cut_off_before_the_pool_was_changed_is_repeated_and_undone_whole() {
    let operator = taken();
    let before = settings(&operator);
    operator.run("attach --pre-sign-up ours --chain").await.unwrap();
    // As if that run had ended just before the update of the pool.
    operator.aws.state().pool["LambdaConfig"]["PreSignUp"] = json!(arn("theirs"));
    operator.run("attach --pre-sign-up ours --chain").await.unwrap();
    assert_eq!(operator.trigger("PreSignUp"), json!(arn("ours")));
    operator.run("detach --pre-sign-up").await.unwrap();
    assert_eq!(operator.trigger("PreSignUp"), json!(arn("theirs")));
    assert_eq!((settings(&operator), operator.statements("theirs")), (before, vec![]));
}
