use super::update::{UpdateError, apply};
use super::*;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const OURS: &str = "arn:aws:lambda:eu-central-1:1:function:ours";

fn change(old: Option<&str>, new: Option<&str>) -> Change {
    Change {
        trigger: Trigger::PreSignUp,
        before: old.map(str::to_owned),
        after: new.map(str::to_owned),
        permission: String::new(),
        next_function: None,
        old: old.map(Value::from),
        new: new.map(Value::from),
    }
}

/// A pool behind the API: what happens to it on an update is the test's choice.
fn account(pool: Value, on_update: impl Fn(&mut Value, &Value) -> (u16, Value) + Send + Sync + 'static) -> Cloud {
    let pool = Arc::new(Mutex::new(pool));
    Cloud::answering(move |request| {
        let mut pool = pool.lock().unwrap();
        let input: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let operation = request.headers()["x-amz-target"].to_str().unwrap();
        if operation.ends_with("DescribeUserPool") {
            return (200, json!({ "UserPool": *pool }).to_string());
        }
        let (status, answer) = on_update(&mut pool, &input);
        (status, answer.to_string())
    })
}

fn pool() -> Value {
    json!({ "Id": "p", "Name": "n", "Arn": "a", "MfaConfiguration": "ON", "LambdaConfig": {} })
}

async fn attempt(cloud: &Cloud) -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let mut snapshot = Snapshot::write(&folder.path().join("record.json"), Description(pool())).unwrap();
    apply(cloud, &mut snapshot, &[change(None, Some(OURS))], Duration::from_millis(1)).await.map(drop).map_err(
        |error| match error {
            UpdateError::Unchanged(error) | UpdateError::Uncertain(error) => error,
        },
    )
}

fn refusal(code: &str) -> (u16, Value) {
    (400, json!({ "__type": code, "message": "no" }))
}

#[tokio::test]
async fn a_concurrent_modification_is_repeated_on_what_the_pool_is_by_then() {
    let tries = Arc::new(Mutex::new(0));
    let count = Arc::clone(&tries);
    let cloud = account(pool(), move |pool, input| {
        let mut tries = count.lock().unwrap();
        *tries += 1;
        if *tries < 3 {
            pool["MfaConfiguration"] = json!(format!("changed {tries}"));
            return refusal("ConcurrentModificationException");
        }
        assert_eq!(input["MfaConfiguration"], "changed 2", "written back from an old reading");
        pool["LambdaConfig"] = input["LambdaConfig"].clone();
        (200, json!({}))
    });
    attempt(&cloud).await.unwrap();
    assert_eq!(*tries.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_trigger_that_somebody_else_set_meanwhile_is_left_to_them() {
    let cloud = account(pool(), |pool, _| {
        pool["LambdaConfig"] = json!({ "PreSignUp": "theirs" });
        refusal("ConcurrentModificationException")
    });
    let error = attempt(&cloud).await.unwrap_err();
    assert!(error.is::<Refused>(), "{error:#}");
}

#[tokio::test]
async fn somebody_who_never_stops_changing_the_pool_ends_the_attempt() {
    let cloud = account(pool(), |_, _| refusal("ConcurrentModificationException"));
    let error = attempt(&cloud).await.unwrap_err();
    assert!(format!("{error:#}").contains("ConcurrentModificationException"), "{error:#}");
}

#[tokio::test]
async fn a_setting_that_cognito_reset_all_the_same_is_named_with_the_way_back() {
    let cloud = account(pool(), |pool, input| {
        pool["LambdaConfig"] = input["LambdaConfig"].clone();
        pool["MfaConfiguration"] = json!("OFF");
        (200, json!({}))
    });
    let error = attempt(&cloud).await.unwrap_err().to_string();
    assert!(error.contains(r#"MfaConfiguration: "ON" became "OFF""#) && error.contains("restore"), "{error}");
}

#[tokio::test]
async fn an_update_that_did_not_set_the_trigger_is_no_success() {
    let cloud = account(pool(), |_, _| (200, json!({})));
    let error = attempt(&cloud).await.unwrap_err().to_string();
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
    assert!(!shown(change(Some(OURS), Some(OURS))).contains("would be"));
    assert!(shown(change(None, Some(OURS))).contains("would be"));
}
