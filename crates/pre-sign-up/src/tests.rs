mod forms;
mod held;
mod registrations;
mod subjects;
mod takeover;

use super::*;
use cognito_core::retry_queue::MemoryQueue;
use cognito_core::testing::{CapturedLog, answer_to, edited, lookup, only_response_changed, personal_data, sample};
use cognito_core::user_pool::memory::{Account, MemoryPool, PoolKind, Quirks, federated, invited, native};
use cognito_core::user_pool::{NewNative, PoolErrorKind, Status};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const PROVIDERS: &str = "Google:claim,Facebook:always,SignInWithApple:claim,Okta:claim,CorpSAML:always";

fn trigger(pool: &MemoryPool, settings: &'static [(&'static str, &'static str)]) -> PreSignUp<MemoryPool, MemoryQueue> {
    let lookup = lookup([settings, &[("PROVIDERS", PROVIDERS), ("DEFAULT_GROUP", "Users")]].concat());
    PreSignUp::new(Settings::from_lookup(&lookup).unwrap(), pool.clone(), None)
}

fn pool(accounts: impl IntoIterator<Item = Account>) -> MemoryPool {
    MemoryPool::new(PoolKind::EmailUserNames, accounts)
}

async fn answered(pool: &MemoryPool, event: &str) -> Value {
    let answer = answer_to(&trigger(pool, &[]), event).await.expect("not refused");
    assert!(only_response_changed(event, &answer));
    answer
}

async fn refusal(
    pool: &MemoryPool,
    settings: &'static [(&'static str, &'static str)],
    event: &str,
) -> Option<&'static str> {
    answer_to(&trigger(pool, settings), event).await.err().map(|(code, _)| code)
}

/// A sample whose person has this attribute.
fn sample_with(name: &str, attribute: &str, value: impl Into<Value>) -> String {
    edited(name, |event| event["request"]["userAttributes"][attribute] = value.into())
}

/// The address of the person of a sample.
fn address_in(event: &str) -> String {
    let event: Value = serde_json::from_str(event).unwrap();
    event["request"]["userAttributes"]["email"].as_str().unwrap().to_owned()
}

/// Grace, whose `sub` somebody else takes for a user name.
const GRACE_SUB: &str = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";

fn grace() -> Account {
    Account { sub: GRACE_SUB.into(), ..native("grace@example.org").named("grace") }
}

#[tokio::test]
async fn a_person_with_an_account_arriving_from_google_is_linked_in_two_calls() {
    let pool = pool([native(ADA)]);
    let answer = answered(&pool, &sample("pre-sign-up/google")).await;
    let [account] = pool.accounts().try_into().expect("one account");
    assert!(account.has_identity("Google", "123456789012345678901"));
    assert_eq!(pool.calls(), ["ListUsers", "AdminLinkProviderForUser"]);
    assert_eq!(answer["response"]["autoConfirmUser"], json!(false));
}

#[tokio::test]
async fn a_new_person_gets_a_native_account_with_their_name_in_the_group() {
    let pool = pool([]);
    let event = sample("pre-sign-up/google-new-person");
    let answer = answered(&pool, &event).await;
    let [account] = pool.accounts().try_into().expect("one account");
    let sent: Value = serde_json::from_str(&event).unwrap();
    assert_eq!(account.status, Status::Confirmed);
    assert!(account.email_verified && account.groups.contains("Users"));
    assert_eq!(account.identities.len(), 1);
    assert_eq!(
        Some(account.attributes["given_name"].as_str()),
        sent["request"]["userAttributes"]["given_name"].as_str()
    );
    assert!(account.password.is_some_and(|password| password.len() == 99));
    assert_eq!(answer["response"]["autoConfirmUser"], json!(true));
    assert_eq!(answer["response"]["autoVerifyEmail"], json!(true));
    assert_eq!(answer["response"]["autoVerifyPhone"], json!(false));
    assert_eq!(pool.calls().len(), 5);
}

#[tokio::test]
async fn in_alias_pools_no_flag_is_raised_because_it_would_move_the_alias() {
    let pool = MemoryPool::new(PoolKind::EmailAlias, []);
    let event = sample("pre-sign-up/google-new-person");
    let answer = answer_to(&trigger(&pool, &[("NATIVE_USERNAME", "uuid")]), &event).await.unwrap();
    assert_eq!(answer, serde_json::from_str::<Value>(&event).unwrap());
    let [account] = pool.accounts().try_into().expect("one account");
    assert!(!account.user_name.contains('@') && !UserName::new(account.user_name.as_str()).has_form_of_sub());
}

#[tokio::test]
async fn every_other_source_goes_back_without_a_call() {
    let pool = pool([federated("Google", "1", ADA)]);
    for case in ["native", "native-minimal", "admin-create"] {
        let event = sample(&format!("pre-sign-up/{case}"));
        assert_eq!(answered(&pool, &event).await, serde_json::from_str::<Value>(&event).unwrap(), "{case}");
    }
    assert!(pool.calls().is_empty());
}

/// The same rule for people who register and people who come from a provider, before anything is looked up or made.
#[tokio::test]
async fn an_address_of_another_domain_gets_no_account_and_who_has_one_keeps_it() {
    const ONLY: [(&str, &str); 1] = [("ALLOWED_DOMAINS", "corp.example")];
    let empty = pool([]);
    for case in ["native", "native-minimal", "google-new-person"] {
        let event = sample(&format!("pre-sign-up/{case}"));
        let refusal = answer_to(&trigger(&empty, &ONLY), &event).await.unwrap_err();
        assert_eq!(refusal.0, "domain_not_allowed", "{case}");
        answer_to(&trigger(&pool([]), &[("DENIED_DOMAINS", "corp.example")]), &event).await.unwrap();
    }
    assert!(empty.accounts().is_empty() && !empty.calls().contains(&"AdminCreateUser"));
    let event = sample("pre-sign-up/admin-create");
    assert_eq!(
        answer_to(&trigger(&empty, &ONLY), &event).await.unwrap(),
        serde_json::from_str::<Value>(&event).unwrap()
    );
    let owned = pool([native(ADA)]);
    answer_to(&trigger(&owned, &ONLY), &sample("pre-sign-up/google")).await.unwrap();
    assert!(owned.accounts()[0].has_identity("Google", "123456789012345678901"));
}

#[tokio::test]
async fn an_invocation_repeated_by_cognito_changes_nothing_more() {
    let pool = pool([]);
    let event = sample("pre-sign-up/google-new-person");
    let first = answered(&pool, &event).await;
    let after_first = pool.accounts();
    assert_eq!(answered(&pool, &event).await, first);
    let [before, after] = [&after_first[0], &pool.accounts()[0]];
    assert_eq!((&before.sub, &before.password, &before.identities), (&after.sub, &after.password, &after.identities));
}

#[tokio::test]
async fn a_second_factor_costs_calls_only_where_it_keeps_an_account_from_being_linked() {
    let event = sample("pre-sign-up/google");
    let owned = || pool([Account { second_factor: true, ..native(ADA) }]);
    let linking = owned();
    answered(&linking, &event).await;
    assert_eq!(linking.calls(), ["ListUsers", "AdminLinkProviderForUser"]);
    let refusing = owned();
    let refusal = answer_to(&trigger(&refusing, &[("LINK_WITH_FACTORS", "refuse")]), &event).await.unwrap_err();
    assert_eq!(refusal.0, "second_factor");
    assert!(refusing.accounts()[0].identities.is_empty() && refusing.calls().contains(&"AdminGetUser"));
}

#[tokio::test]
async fn a_missing_group_is_an_error_in_the_log_and_keeps_nobody_out() {
    let pool = pool([]);
    let trigger = trigger(&pool, &[("DEFAULT_GROUP", "Nobody")]);
    let event = sample("pre-sign-up/google-new-person");
    let (answer, log) = CapturedLog::of(answer_to(&trigger, &event)).await;
    assert!(answer.is_ok() && pool.accounts()[0].identities.len() == 1);
    assert!(log.contains("group_missing"), "{log}");
}

#[tokio::test]
async fn a_link_that_the_pool_keeps_refusing_is_not_tried_until_the_time_is_up() {
    let quirks = Quirks { refuse_every_link: true, ..Quirks::default() };
    let pool = pool([native(ADA)]).with_quirks(quirks);
    let answer = answer_to(&trigger(&pool, &[]), &sample("pre-sign-up/google")).await;
    assert_eq!(answer.err().map(|(code, _)| code), Some("misconfigured"));
    assert_eq!(pool.calls().iter().filter(|call| **call == "AdminLinkProviderForUser").count(), 2);
}

/// The code that an event is refused with.
#[tokio::test]
async fn no_log_of_any_outcome_holds_personal_data() {
    let cases = std::fs::read_dir(cognito_core::testing::events_dir().join("pre-sign-up")).unwrap();
    let settings = &[("NATIVE_SIGN_UP", "unique"), ("UNVERIFIED_PROFILE", "reclaim")];
    for path in cases.map(|entry| entry.unwrap().path()) {
        let event = std::fs::read_to_string(&path).unwrap();
        let email = serde_json::from_str::<Value>(&event).unwrap()["request"]["userAttributes"]["email"].clone();
        let email = email.as_str().unwrap_or(ADA);
        for accounts in [
            vec![],
            vec![native(email)],
            vec![native(email).unconfirmed()],
            vec![native(email).unverified()],
            vec![native(email).disabled()],
            vec![invited(email)],
            vec![federated("Facebook", "9", email)],
            vec![native(email).named("one"), native(email).named("two")],
        ] {
            let accounts =
                accounts.into_iter().enumerate().map(|(n, account)| Account { sub: format!("sub-{n}"), ..account });
            let pool = pool(accounts);
            let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, settings), &event)).await;
            for secret in personal_data(&event) {
                assert!(!log.contains(&secret), "{}: {secret} in {log}", path.display());
                let shown =
                    answer.as_ref().err().is_some_and(|(code, text)| code.contains(&secret) || text.contains(&secret));
                assert!(!shown, "{}: {secret} in {answer:?}", path.display());
            }
            if pool.calls().len() > 1 {
                assert!(log.contains("\"message\":\"decided\""), "{}: {log}", path.display());
            }
        }
    }
}

#[test]
fn the_readme_lists_every_variable_and_the_refusal_of_registrations() {
    let mut names = NAMES.map(str::to_owned);
    names.sort();
    let mut documented = cognito_core::testing::documented_settings("pre-sign-up");
    documented.sort();
    assert_eq!(documented, names);
    for kind in [EMAIL_IN_USE, USER_NAME_IS_A_SUB, USER_NAME_IS_AN_IDENTITY, USER_NAME_IS_RESERVED] {
        assert!(cognito_core::testing::is_documented(kind), "{}", kind.code);
    }
}

/// What ours answered, what the team's function said, and what counts.
#[test]
fn of_the_flags_of_the_teams_function_the_stricter_counts() {
    const NATIVE: TriggerSource = TriggerSource::PreSignUpSignUp;
    const FEDERATED: TriggerSource = TriggerSource::PreSignUpExternalProvider;
    for (source, flag, ours, theirs, counts) in [
        // Confirming somebody proves nothing, and ours has no opinion about it.
        (NATIVE, "autoConfirmUser", json!(false), json!(true), json!(true)),
        (NATIVE, "autoVerifyPhone", json!(false), json!(true), json!(true)),
        // Linking relies on the mark.
        (NATIVE, "autoVerifyEmail", json!(false), json!(true), json!(false)),
        (TriggerSource::Unknown, "autoVerifyEmail", json!(false), json!(true), json!(false)),
        // In an alias pool a raised flag takes the alias away from its owner.
        (FEDERATED, "autoConfirmUser", json!(false), json!(true), json!(false)),
        (FEDERATED, "autoVerifyEmail", json!(false), json!(true), json!(false)),
        (FEDERATED, "autoVerifyPhone", json!(false), json!(true), json!(false)),
        (FEDERATED, "autoVerifyEmail", json!(true), json!(true), json!(true)),
        (FEDERATED, "autoVerifyEmail", json!(true), json!(false), json!(false)),
        (FEDERATED, "autoConfirmUser", json!(true), json!(false), json!(false)),
        // Cognito would refuse the answer.
        (NATIVE, "autoConfirmUser", json!(false), json!("true"), json!(false)),
        (FEDERATED, "autoConfirmUser", json!(true), json!("no"), json!(true)),
    ] {
        let of = |value: &serde_json::Value| Map::from_iter([(flag.to_owned(), value.clone())]);
        let overruled = overruled(source, &Answers { ours: of(&ours), theirs: of(&theirs) }, false);
        assert_eq!(overruled.get(flag).unwrap_or(&theirs), &counts, "{source:?} {flag} {ours} {theirs}");
    }
    assert_eq!(overruled(NATIVE, &Answers::default(), true), Map::new());
    // Cognito's code proves that somebody has an address of an allowed domain.
    let of = |value: bool| Map::from_iter([("autoConfirmUser".to_owned(), value.into())]);
    let unproven = Answers { ours: of(false), theirs: of(true) };
    assert_eq!(overruled(NATIVE, &unproven, true), of(false));
}

#[test]
fn a_function_that_may_refuse_people_is_asked_first_and_nobody_passes_unasked() {
    type Ours = PreSignUp<cognito_core::user_pool::aws::AwsUserPools, cognito_core::sdk::SqsQueue>;
    assert_eq!(<Ours as Trigger>::NEXT_FUNCTION, Defaults::ASKED_FIRST);
}
