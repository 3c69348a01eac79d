use super::fake_aws::{FakeAws, State, arn, refusal};
use super::update::{UpdateError, apply};
use super::*;
use serde_json::json;
use std::time::Duration;

fn change(old: Option<String>, new: Option<String>) -> Change {
    Change {
        trigger: Trigger::PreSignUp,
        before: old.clone(),
        after: new.clone(),
        permission: String::new(),
        next_function: None,
        old: old.map(Value::from),
        new: new.map(Value::from),
    }
}

/// An account where an update of the pool may be answered by the test.
fn account(mut on_update: impl FnMut(&mut State) -> Option<(u16, Value)> + Send + 'static) -> FakeAws {
    let aws = FakeAws::with(json!({}));
    aws.interfere(move |state, operation, _| if operation == "UpdateUserPool" { on_update(state) } else { None });
    aws
}

async fn attempt(aws: &FakeAws) -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let pool = Description(aws.state().pool.clone());
    let mut snapshot = Snapshot::write(&folder.path().join("record.json"), pool).unwrap();
    let changes = [change(None, Some(arn("ours")))];
    match apply(&aws.cloud(), &mut snapshot, &changes, Duration::from_millis(1)).await {
        Ok(_) => Ok(()),
        Err(UpdateError::Unchanged(error) | UpdateError::Uncertain(error)) => Err(error),
    }
}

#[tokio::test]
async fn a_concurrent_modification_is_repeated_on_what_the_pool_is_by_then() {
    let aws = account(|state| {
        let tries = state.count("UpdateUserPool");
        (tries < 3).then(|| {
            state.pool["MfaConfiguration"] = json!(format!("changed {tries}"));
            refusal(400, "ConcurrentModificationException")
        })
    });
    attempt(&aws).await.unwrap();
    assert_eq!(aws.state().count("UpdateUserPool"), 3);
    assert_eq!(aws.state().pool["MfaConfiguration"], "changed 2", "written back from an old reading");
}

#[tokio::test]
async fn a_trigger_that_somebody_else_set_meanwhile_is_left_to_them() {
    let aws = account(|state| {
        state.pool["LambdaConfig"] = json!({ "PreSignUp": "theirs" });
        Some(refusal(400, "ConcurrentModificationException"))
    });
    let error = attempt(&aws).await.unwrap_err();
    assert!(error.is::<Refused>(), "{error:#}");
}

#[tokio::test]
async fn somebody_who_never_stops_changing_the_pool_ends_the_attempt() {
    let error = attempt(&account(|_| Some(refusal(400, "ConcurrentModificationException")))).await.unwrap_err();
    assert!(format!("{error:#}").contains("ConcurrentModificationException"), "{error:#}");
}

#[tokio::test]
async fn a_setting_that_cognito_reset_all_the_same_is_named_with_the_way_back() {
    let aws = FakeAws::with(json!({}));
    aws.state().pool["MfaConfiguration"] = json!("ON");
    aws.interfere(|state, operation, _| {
        if operation == "DescribeUserPool" && state.count("UpdateUserPool") == 1 {
            state.pool["MfaConfiguration"] = json!("OFF");
        }
        None
    });
    let error = attempt(&aws).await.unwrap_err().to_string();
    assert!(error.contains(r#"MfaConfiguration: "ON" became "OFF""#) && error.contains("restore"), "{error}");
}

#[tokio::test]
async fn an_update_that_did_not_set_the_trigger_is_no_success() {
    let error = attempt(&account(|_| Some((200, json!({}))))).await.unwrap_err().to_string();
    assert!(error.contains("LambdaConfig.PreSignUp"), "{error}");
}

#[tokio::test]
async fn a_function_that_is_not_there_is_refused_and_one_of_another_account_taken_as_it_is() {
    let cloud =
        Cloud::answering(|_| (404, json!({ "__type": "ResourceNotFoundException", "Message": "no" }).to_string()));
    let pool = Description(json!({ "Id": "p", "Arn": "arn:aws:cognito-idp:eu-central-1:1:userpool/p" }));
    let error = resolve(&cloud, &pool, &Function::parse("gone").unwrap()).await.unwrap_err();
    assert!(error.is::<Refused>() && error.to_string().contains("no function gone"), "{error:#}");
    let foreign = "arn:aws:lambda:eu-central-1:2:function:theirs";
    assert_eq!(resolve(&cloud, &pool, &Function::parse(foreign).unwrap()).await.unwrap().as_str(), foreign);
}

#[test]
fn where_nothing_changes_no_column_says_what_would_be() {
    let report = |change| Report {
        user_pool_id: "p".into(),
        applied: false,
        changes: vec![change],
        permissions_removed: Vec::new(),
        record: "r".into(),
        saved: Vec::new(),
    };
    let shown = |change| report(change).table().for_stdout().to_string();
    assert!(!shown(change(Some(arn("ours")), Some(arn("ours")))).contains("would be"));
    assert!(shown(change(None, Some(arn("ours")))).contains("would be"));
}
