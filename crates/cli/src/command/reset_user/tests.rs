use super::*;
use crate::arguments::Arguments;
use crate::command::Command;
use crate::lookup::tests::ada;
use clap::Parser;
use cognito_core::user_pool::aws::AwsUserPool;
use cognito_core::user_pool::memory::{federated, native};
use cognito_core::user_pool::{AppClient, ProfileRecord};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const POOL: &str = "eu-central-1_A";

fn command(further: &[&str]) -> ResetUser {
    let fixed = ["cognito-triggers", "reset-user", "--user-pool-id", POOL, "--client-id", "c"];
    let Command::ResetUser(command) = Arguments::try_parse_from(fixed.iter().chain(further)).unwrap().command else {
        panic!("another command")
    };
    command
}

fn unconfirmed() -> ProfileRecord {
    ProfileRecord { status: "UNCONFIRMED".into(), ..ada().record() }
}

fn settings() -> PoolSettings {
    PoolSettings { auto_verified_attributes: vec!["email".into()], ..PoolSettings::default() }
}

fn client() -> AppClient {
    AppClient::new("c", Vec::new(), None)
}

fn recovery(profile: ProfileRecord, settings: &PoolSettings) -> Result<Recovery, String> {
    Recovery::of(POOL, profile, vec!["Users".into()], BTreeMap::new(), settings, &[])
}

/// A pool that answers the n-th call of an operation, counted from 1.
fn pool(answer: impl Fn(&str, usize) -> (u16, Value) + Send + Sync + 'static) -> AwsUserPool {
    let operations = ["AdminGetUser", "AdminDeleteUser", "AdminListGroupsForUser", "AdminUserGlobalSignOut", "SignUp"];
    let calls: BTreeMap<_, _> = operations.map(|operation| (operation, AtomicUsize::new(0))).into();
    Cloud::answering(move |request| {
        let operation = request.headers()["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap();
        let (status, body) = answer(operation, calls[operation].fetch_add(1, SeqCst) + 1);
        (status, body.to_string())
    })
    .user_pool(POOL)
}

fn profile(sub: &str) -> (u16, Value) {
    let attributes = json!([{ "Name": "sub", "Value": sub }, { "Name": "email", "Value": "ada@example.com" }]);
    (200, json!({ "Username": "ada", "UserStatus": "UNCONFIRMED", "Enabled": true, "UserAttributes": attributes }))
}

fn failure(code: &str) -> (u16, Value) {
    (400, json!({ "__type": code }))
}

async fn signed_up_again(pool: &AwsUserPool) -> Result<Registered> {
    let recovery = recovery(unconfirmed(), &settings()).unwrap();
    registration::repeat(pool, &client(), &recovery, &recovery.attributes, Duration::from_secs(1)).await
}

#[test]
fn what_cognito_sets_itself_is_not_signed_up_with() {
    let plain = recovery(unconfirmed(), &settings()).unwrap();
    assert_eq!(plain.attributes, [("email".to_owned(), "ada@example.com".to_owned())].into());
    assert_eq!(plain.sign_up_name, "ada");
    let named_by = |name: &str| PoolSettings { user_name_attributes: vec![name.into()], ..settings() };
    assert_eq!(recovery(unconfirmed(), &named_by("email")).unwrap().sign_up_name, "ada@example.com");
    assert!(recovery(unconfirmed(), &named_by("phone_number")).err().unwrap().contains("phone_number"));
}

#[test]
fn only_profiles_that_a_sign_up_can_make_again_are_deleted() {
    let refusal = |profile: &ProfileRecord| registration::is_replaceable(profile, true).err().unwrap_or_default();
    assert_eq!(refusal(&unconfirmed()), "");
    assert_eq!(refusal(&ada().record()), "");
    assert!(registration::is_replaceable(&ada().record(), false).unwrap_err().contains("--yes-delete-confirmed"));
    for status in ["FORCE_CHANGE_PASSWORD", "ARCHIVED", "EXTERNAL_PROVIDER"] {
        assert_ne!(refusal(&ProfileRecord { status: status.into(), ..unconfirmed() }), "", "{status}");
    }
    let linked = native("ada@example.com").unconfirmed().with_identity("Google", "1").record();
    assert!(refusal(&linked).contains("unlink"));
    assert!(refusal(&federated("Google", "1", "ada@example.com").record()).contains("federated identity"));
    assert!(refusal(&ProfileRecord { enabled: false, ..unconfirmed() }).contains("disabled"));
}

#[test]
fn whatever_would_make_the_sign_up_fail_is_noticed_before_the_deletion() {
    let attributes: BTreeMap<_, _> =
        [("email", "ada@example.com"), ("custom:plan", "gold")].map(|(name, value)| (name.into(), value.into())).into();
    let check = |settings, client| registration::check(&attributes, &settings, &client).err().unwrap_or_default();
    let writes = |names: &[&str]| AppClient::new("c", names.iter().map(|&name| name.into()).collect(), None);
    let everything = ["email", "custom:plan"];
    assert_eq!(check(settings(), writes(&everything)), "");
    assert!(check(settings(), client()).contains("may not write custom:plan"));
    let closed = PoolSettings { administrators_only: true, ..settings() };
    assert!(check(closed, writes(&everything)).contains("only administrators"));
    let silent = PoolSettings { auto_verified_attributes: vec!["phone_number".into()], ..settings() };
    assert!(check(silent, writes(&everything)).contains("no message"));
    let strict = PoolSettings { required_attributes: vec!["given_name".into()], ..settings() };
    assert!(check(strict, writes(&everything)).contains("requires given_name"));
}

#[test]
fn an_attribute_that_is_left_out_stays_in_the_file() {
    let mut ada = unconfirmed();
    ada.attributes.insert("custom:plan".into(), "gold".into());
    let recovery = recovery(ada, &settings()).unwrap();
    assert!(!recovery.attributes_without(&["custom:plan".into()]).contains_key("custom:plan"));
    assert!(recovery.attributes.contains_key("custom:plan"));
}

#[test]
fn the_file_comes_back_as_it_was_is_its_owners_alone_and_replaces_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ada.json");
    let written = recovery(unconfirmed(), &settings()).unwrap();
    let file = written.save(Some(&path)).unwrap();
    let back = Recovery::load(&file).unwrap();
    assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::to_value(&written).unwrap());
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions()) & 0o777, 0o600);
    assert!(written.save(Some(&path)).is_err());
    for (text, says) in [(r#"{"mine":1}"#, "not a file"), (&json!({ "format": 2 }).to_string(), "not a file")] {
        std::fs::write(&file, text).unwrap();
        let why = format!("{:#}", Recovery::load(&file).err().unwrap());
        assert!(why.contains(says) && !why.contains("mine"), "{why}");
    }
    let mut later = serde_json::to_value(&written).unwrap();
    later["format"] = json!(2);
    std::fs::write(&file, later.to_string()).unwrap();
    assert!(Recovery::load(&file).err().unwrap().to_string().contains("another version"));
}

#[test]
fn a_log_learns_nothing_personal_and_whoever_is_asked_sees_everything() {
    let recovery = recovery(ada().record(), &settings()).unwrap();
    let log = losses(&recovery, false).join("\n");
    assert!(!log.contains("ada"), "{log}");
    for part in [recovery.sub.as_str(), "email, email_verified", "Users"] {
        assert!(log.contains(part), "{log}");
    }
    let question = losses(&recovery, true).join("\n");
    assert!(question.contains("ada (CONFIRMED") && question.contains("email = ada@example.com"), "{question}");
}

#[tokio::test]
async fn a_deletion_that_failed_counts_by_what_is_found_afterwards() {
    let sub = ada().sub;
    let same = profile(&sub);
    for (found, file_stays) in [
        (same.clone(), None),
        (failure("UserNotFoundException"), Some(true)),
        (failure("ServiceUnavailable"), Some(false)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ada.json");
        let shown = same.clone();
        let pool = pool(move |operation, n| match (operation, n) {
            ("AdminDeleteUser", _) => failure("ServiceUnavailable"),
            ("AdminListGroupsForUser", _) => (200, json!({ "Groups": [{ "GroupName": "Users" }] })),
            // When it was shown, and once more before it is deleted.
            ("AdminGetUser", 1 | 2) => shown.clone(),
            _ => found.clone(),
        });
        let command = command(&["ada", "--yes", "--save", file.to_str().unwrap()]);
        let shown = pool.record("ada").await.unwrap().unwrap();
        let ended = command.delete(&pool, &recovery(shown, &settings()).unwrap()).await;
        assert_eq!(ended.ok().map(|file| file.is_some()), file_stays);
        assert_eq!(file.exists(), file_stays.is_some());
    }
}

#[tokio::test]
async fn nobody_is_signed_up_before_readers_and_writers_agree_that_the_profile_is_gone() {
    let sub = ada().sub;
    let pool = pool(move |operation, n| match (operation, n) {
        ("AdminGetUser", 1) => profile(&sub),
        ("SignUp", 1) => failure("UsernameExistsException"),
        ("SignUp", 2) => (200, json!({ "UserSub": "new", "UserConfirmed": false })),
        _ => failure("UserNotFoundException"),
    });
    assert_eq!(signed_up_again(&pool).await.unwrap().sub, "new");
}

#[tokio::test]
async fn a_profile_that_does_not_go_is_an_error_after_the_wait() {
    let sub = ada().sub;
    let why = signed_up_again(&pool(move |_, _| profile(&sub))).await.unwrap_err().to_string();
    assert!(why.contains("still there after 1 seconds"), "{why}");
}

#[tokio::test]
async fn a_registration_that_somebody_else_made_is_never_taken_for_its_own() {
    // With the very attributes that this run sent: the password may be somebody else's.
    let pool = pool(move |operation, n| match (operation, n) {
        ("SignUp", _) => failure("UsernameExistsException"),
        (_, 1 | 2) => failure("UserNotFoundException"),
        _ => profile("new"),
    });
    let why = signed_up_again(&pool).await.unwrap_err().to_string();
    assert!(why.contains("this run did not make it") && why.contains("password of their own"), "{why}");
}

#[tokio::test]
async fn a_sign_up_without_an_answer_may_have_been_made_and_one_too_many_is_sent_again() {
    let lost = pool(|operation, _| match operation {
        "SignUp" => (503, json!({})),
        _ => failure("UserNotFoundException"),
    });
    let why = signed_up_again(&lost).await.unwrap_err().to_string();
    assert!(why.contains("nobody knows whether the user was signed up"), "{why}");
    let busy = pool(|operation, n| match (operation, n) {
        ("SignUp", 1) => failure("TooManyRequestsException"),
        ("SignUp", _) => (200, json!({ "UserSub": "new", "UserConfirmed": false })),
        _ => failure("UserNotFoundException"),
    });
    assert_eq!(signed_up_again(&busy).await.unwrap().sub, "new");
}

#[tokio::test]
async fn a_profile_that_its_owner_confirms_while_the_question_stands_is_not_deleted() {
    let sub = unconfirmed().sub().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ada.json");
    let pool = pool(move |operation, n| match (operation, n) {
        ("AdminGetUser", n) => {
            let (status, mut user) = profile(&sub);
            if n > 1 {
                user["UserStatus"] = json!("CONFIRMED");
            }
            (status, user)
        }
        ("AdminListGroupsForUser", _) => (200, json!({ "Groups": [] })),
        (other, _) => unreachable!("{other}"),
    });
    let command = command(&["ada", "--yes", "--save", file.to_str().unwrap()]);
    let shown = pool.record("ada").await.unwrap().unwrap();
    let why = command.delete(&pool, &recovery(shown, &settings()).unwrap()).await.unwrap_err();
    assert!(why.is::<Refused>() && why.to_string().contains("confirmed"), "{why:#}");
    assert!(!file.exists());
}

#[tokio::test]
async fn whoever_was_confirmed_is_signed_out_before_the_deletion_and_told_what_outlives_it() {
    let confirmed = |sub: &str| {
        let (status, mut user) = profile(sub);
        user["UserStatus"] = json!("CONFIRMED");
        (status, user)
    };
    for (answer, deletes) in [((200, json!({})), true), (failure("AccessDeniedException"), false)] {
        let (sub, folder, order) = (ada().sub, tempfile::tempdir().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let (file, seen) = (folder.path().join("ada.json"), Arc::clone(&order));
        let pool = pool(move |operation, _| {
            seen.lock().unwrap().push(operation.to_owned());
            match operation {
                "AdminGetUser" => confirmed(&sub),
                "AdminUserGlobalSignOut" => answer.clone(),
                "AdminListGroupsForUser" => (200, json!({ "Groups": [{ "GroupName": "Users" }] })),
                _ => (200, json!({})),
            }
        });
        let command = command(&["ada", "--yes-delete-confirmed", "--save", file.to_str().unwrap()]);
        let recovery = recovery(pool.record("ada").await.unwrap().unwrap(), &settings()).unwrap();
        let told = losses(&recovery, false).join("\n");
        for part in ["signed out first", "at most a day", "cookie of the hosted pages", "up to an hour"] {
            assert!(told.contains(part), "{part} in {told}");
        }
        let ended = command.delete(&pool, &recovery).await;
        assert_eq!((ended.is_ok(), file.exists()), (deletes, deletes), "{ended:?}");
        let order = order.lock().unwrap();
        let changes: Vec<_> = order.iter().filter(|name| name.contains("SignOut") || name.contains("Delete")).collect();
        let expected: &[_] =
            if deletes { &["AdminUserGlobalSignOut", "AdminDeleteUser"] } else { &["AdminUserGlobalSignOut"] };
        assert_eq!(changes, expected);
    }
    assert!(!losses(&recovery(unconfirmed(), &settings()).unwrap(), false).join("\n").contains("signed out"));
}

#[tokio::test]
async fn a_message_to_an_address_that_ses_holds_back_is_not_reported_as_sent() {
    let email = "ada@example.com".to_owned();
    let cloud = |status, answer: Value| {
        Cloud::answering(move |request| {
            if request.uri().path().contains("/suppression/") {
                return (status, answer.to_string());
            }
            let sender =
                json!({ "EmailSendingAccount": "DEVELOPER", "SourceArn": "arn:aws:ses:eu-west-1:1:identity/e" });
            (200, json!({ "UserPool": { "Id": POOL, "EmailConfiguration": sender } }).to_string())
        })
    };
    let entry = json!({ "EmailAddress": email, "Reason": "COMPLAINT", "LastUpdateTime": 1 });
    let listed = cloud(200, json!({ "SuppressedDestination": entry }));
    let suppressed = suppression(&listed, POOL, Some(&email), false).await;
    assert_eq!(suppressed.as_deref(), Some("COMPLAINT"));
    for (status, code) in [(404, "NotFoundException"), (400, "AccessDeniedException")] {
        let other = cloud(status, json!({ "__type": code }));
        assert_eq!(suppression(&other, POOL, Some(&email), false).await, None);
    }
    let delivery = Delivery { medium: "EMAIL".into(), destination: "a***@e***".into() };
    let outcome = |suppressed| Outcome {
        old_sub: String::new(),
        new_sub: String::new(),
        confirmed: false,
        delivery: Some(delivery.clone()),
        suppressed,
        groups_left: vec![],
        saved: None,
    };
    let table = |suppressed| outcome(suppressed).table().for_stdout().to_string();
    assert!(table(suppressed).contains("held back by SES") && !table(None).contains("held back"));
}
