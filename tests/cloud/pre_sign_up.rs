//! The pre-sign-up binary against a pool, with the events that Cognito would send.

use end_to_end::user_pool_api::{Proxy, Stall};
use end_to_end::{cloud, function, invited, only_response_differs, opens, pool, pool_with, registers};
use local_cloud::event;
use local_cloud::runtime_api::{Function, FunctionError};
use local_cloud::seed::{GROUP, PASSWORD};
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::Value;
use std::time::{Duration, Instant};

const ADA: &str = "ada@example.com";
const ADA_AT_GOOGLE: &str = "123456789012345678901";
const GRACE: &str = "grace@example.org";
const GRACE_AT_GOOGLE: &str = "109876543210987654321";
const KINDS: [Kind; 3] = [Kind::EmailAsUsername, Kind::EmailAsAlias, Kind::UserName];

async fn pre_sign_up(kind: Kind) -> Function {
    pre_sign_up_at(&cloud().unwrap(), kind).await
}

async fn pre_sign_up_at(endpoint: &str, kind: Kind) -> Function {
    let user_names = match kind {
        Kind::EmailAsUsername => "email",
        Kind::EmailAsAlias => "uuid",
        Kind::UserName => "derived",
    };
    let settings = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("PROVIDERS", "Google:claim,Facebook:always"),
        ("DEFAULT_GROUP", GROUP),
        ("NATIVE_USERNAME", user_names),
    ];
    function("pre-sign-up", &settings).await.unwrap()
}

async fn answer(function: &Function, pool: &UserPool, sample: &str) -> Result<Value, FunctionError> {
    let event = event::load(sample, pool).unwrap();
    let answer = function.invoke(&event).await.unwrap();
    if let Ok(answer) = &answer {
        assert!(only_response_differs(&event, answer), "{answer}");
    }
    answer
}

#[tokio::test]
async fn a_proven_address_links_the_identity_to_its_native_account() {
    for kind in KINDS {
        let (pool, before) = pool_with(kind, ADA).await.unwrap();
        answer(&pre_sign_up(kind).await, &pool, "pre-sign-up/google").await.unwrap();
        let after = pool.only_profile_of(ADA).await.unwrap();
        assert_eq!(after.username, before.username, "{kind:?}");
        assert!(after.has_identity("Google", ADA_AT_GOOGLE), "{after:?}");
        assert!(after.email_verified() && after.status == "CONFIRMED", "{after:?}");
        let name = if kind == Kind::UserName { &before.username } else { ADA };
        assert!(opens(&pool, name, PASSWORD).await.unwrap(), "her password no longer opens her account");
    }
}

#[tokio::test]
async fn a_new_person_gets_a_native_account_that_is_linked_and_in_the_group() {
    for kind in KINDS {
        let pool = pool(kind).await.unwrap();
        let answer = answer(&pre_sign_up(kind).await, &pool, "pre-sign-up/google-new-person").await.unwrap();
        let grace = pool.only_profile_of(GRACE).await.unwrap();
        assert!(grace.status == "CONFIRMED" && grace.email_verified(), "{grace:?}");
        assert!(grace.has_identity("Google", GRACE_AT_GOOGLE), "{grace:?}");
        assert_eq!(grace.groups, [GROUP]);
        assert_eq!(grace.attribute("given_name"), "Grace");
        // In a pool where the address is an alias, the flag would take it from its owner.
        let flag = kind == Kind::EmailAsUsername;
        assert_eq!(answer["response"]["autoVerifyEmail"], flag, "{kind:?}");
        assert_eq!(answer["response"]["autoConfirmUser"], flag, "{kind:?}");
    }
}

#[tokio::test]
async fn where_only_invited_people_may_come_nobody_else_gets_an_account() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let settings = [("PROVIDERS", "Google:claim"), ("DEFAULT_GROUP", GROUP), ("NEWCOMERS", "invited")];
    let function = function("pre-sign-up", &settings).await.unwrap();
    let refusal = answer(&function, &pool, "pre-sign-up/google-new-person").await.unwrap_err();
    assert_eq!(refusal.error_type, "not_invited");
    assert!(pool.profiles().await.unwrap().is_empty());
    invited(&pool, GRACE, &[("email", GRACE)]).await.unwrap();
    answer(&function, &pool, "pre-sign-up/google-new-person").await.unwrap();
    let grace = pool.only_profile_of(GRACE).await.unwrap();
    assert!(grace.status == "CONFIRMED" && grace.email_verified(), "{grace:?}");
    assert!(grace.has_identity("Google", GRACE_AT_GOOGLE) && grace.groups == [GROUP], "{grace:?}");
}

#[tokio::test]
async fn an_unproven_address_that_somebody_has_is_refused_and_changes_nothing() {
    for kind in KINDS {
        let (pool, before) = pool_with(kind, ADA).await.unwrap();
        let refusal = answer(&pre_sign_up(kind).await, &pool, "pre-sign-up/google-unverified").await.unwrap_err();
        assert_eq!(refusal.error_type, "unproven_email");
        assert!(refusal.error_message.contains("already in use"), "{refusal:?}");
        assert_eq!(pool.profiles().await.unwrap(), [before]);
    }
}

#[tokio::test]
async fn an_account_planted_for_the_victims_address_gives_the_planter_no_way_in() {
    let pool = planted().await;
    answer(&pre_sign_up(Kind::EmailAsUsername).await, &pool, "pre-sign-up/google").await.unwrap();
    let ada = pool.only_profile_of(ADA).await.unwrap();
    assert!(ada.has_identity("Google", ADA_AT_GOOGLE), "{ada:?}");
    assert!(!opens(&pool, ADA, PASSWORD).await.unwrap(), "the planted password opens the account");
}

#[tokio::test]
async fn two_deliveries_at_once_end_in_one_account() {
    for kind in KINDS {
        let pool = pool(kind).await.unwrap();
        let (one, two) = (pre_sign_up(kind).await, pre_sign_up(kind).await);
        let sample = "pre-sign-up/google-new-person";
        let (first, second) = tokio::join!(answer(&one, &pool, sample), answer(&two, &pool, sample));
        assert!(first.is_ok() && second.is_ok(), "{first:?}\n{second:?}");
        let grace = pool.only_profile_of(GRACE).await.unwrap();
        assert_eq!(grace.identities.len(), 1, "{grace:?}");
        assert!(grace.has_identity("Google", GRACE_AT_GOOGLE) && grace.groups == [GROUP], "{grace:?}");
    }
}

/// A pool in which somebody registered Ada's address and never confirmed it.
async fn planted() -> UserPool {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    registers(&pool, ADA).await.unwrap();
    pool
}

/// However the first call ended, the second one leaves Ada with one account, and the planter with none.
async fn called_again(pool: &UserPool, told: &str) {
    answer(&pre_sign_up(Kind::EmailAsUsername).await, pool, "pre-sign-up/google").await.unwrap();
    let ada = pool.only_profile_of(ADA).await.unwrap();
    assert!(ada.status == "CONFIRMED" && ada.email_verified() && ada.groups == [GROUP], "{told}: {ada:?}");
    assert!(ada.has_identity("Google", ADA_AT_GOOGLE) && ada.identities.len() == 1, "{told}: {ada:?}");
    assert!(!opens(pool, ADA, PASSWORD).await.unwrap(), "{told}: the planted password opens the account");
}

#[tokio::test]
async fn killed_at_every_call_and_called_again_the_person_has_one_account() {
    let mut kills = 0;
    for stall in [Stall::Before, Stall::After] {
        for at in 1.. {
            let pool = planted().await;
            let proxy = Proxy::start(&cloud().unwrap(), Some((at, stall))).await.unwrap();
            let function = pre_sign_up_at(&proxy.endpoint(), Kind::EmailAsUsername).await;
            let is_stalled = tokio::select! {
                () = proxy.stalled() => true,
                answer = answer(&function, &pool, "pre-sign-up/google") => { answer.unwrap(); false }
            };
            // Ends the process.
            drop(function);
            called_again(&pool, &format!("killed {stall:?} call {at}, {:?}", proxy.calls().await.last())).await;
            if !is_stalled {
                break;
            }
            kills += 1;
        }
    }
    assert!(kills >= 12, "{kills}");
}

#[tokio::test]
async fn with_a_cloud_that_falls_silent_the_answer_comes_before_five_seconds_and_the_next_call_finishes() {
    let cut_off = async |at: usize| {
        let pool = planted().await;
        let proxy = Proxy::start(&cloud().unwrap(), Some((at, Stall::AllFrom))).await.unwrap();
        let function = pre_sign_up_at(&proxy.endpoint(), Kind::EmailAsUsername).await;
        let start = Instant::now();
        let failure = answer(&function, &pool, "pre-sign-up/google").await.unwrap_err();
        assert!(failure.error_type == "try_again" && start.elapsed() < Duration::from_secs(5), "{failure:?}");
        called_again(&pool, &format!("silent from call {at}")).await;
    };
    tokio::join!(cut_off(1), cut_off(2), cut_off(3), cut_off(4), cut_off(5), cut_off(6));
}

/// Two people claim the address and neither proved it.
#[tokio::test]
async fn where_several_accounts_have_the_address_nobody_is_chosen() {
    let pool = pool(Kind::EmailAsAlias).await.unwrap();
    for name in ["one", "two"] {
        pool.add(name, &[("email", ADA)], PASSWORD).await.unwrap();
    }
    let before = pool.profiles().await.unwrap();
    let refusal = answer(&pre_sign_up(Kind::EmailAsAlias).await, &pool, "pre-sign-up/google").await.unwrap_err();
    assert_eq!(refusal.error_type, "ambiguous_owner");
    assert_eq!(pool.profiles().await.unwrap(), before);
}

#[tokio::test]
async fn a_repeated_delivery_changes_nothing_more() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let function = pre_sign_up(Kind::EmailAsUsername).await;
    answer(&function, &pool, "pre-sign-up/google-new-person").await.unwrap();
    let before = pool.profiles().await.unwrap();
    answer(&function, &pool, "pre-sign-up/google-new-person").await.unwrap();
    assert_eq!(pool.profiles().await.unwrap(), before);
}

#[tokio::test]
async fn every_other_source_goes_back_untouched_and_changes_nothing() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let function = pre_sign_up(Kind::EmailAsUsername).await;
    for sample in ["pre-sign-up/native", "pre-sign-up/native-minimal", "pre-sign-up/admin-create"] {
        let event = event::load(sample, &pool).unwrap();
        assert_eq!(function.invoke(&event).await.unwrap(), Ok(event));
    }
    assert!(pool.profiles().await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_personal_reaches_the_log() {
    let (pool, _) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    let function = pre_sign_up(Kind::EmailAsUsername).await;
    for sample in ["google", "google-new-person", "google-unverified", "facebook", "without-email"] {
        // The decision is logged, whether it is a refusal or not.
        let _ = answer(&function, &pool, &format!("pre-sign-up/{sample}")).await;
    }
    let log = function.log();
    assert!(log.contains("decision"), "the log is empty:\n{log}");
    for secret in [ADA, GRACE, ADA_AT_GOOGLE, GRACE_AT_GOOGLE, "Lovelace", "Hopper", "10223344556677889"] {
        assert!(!log.to_lowercase().contains(&secret.to_lowercase()), "{secret} is in the log:\n{log}");
    }
}

/// Cognito changes the subject to lower case before pre sign-up sees it. The local cloud does not, so this test uses
/// the events that Cognito sends.
#[tokio::test]
async fn a_lower_cased_subject_is_linked_with_the_raw_one_and_refused_without() {
    let (pool, before) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    let settings = [("PROVIDERS", "Okta:claim"), ("SUBJECT_ATTRIBUTE", "custom:idp_subject")];
    let function = function("pre-sign-up", &settings).await.unwrap();
    let lower_cased = event::load("pre-sign-up/oidc-lower-cased", &pool).unwrap();
    let refusal = function.invoke(&lower_cased).await.unwrap().unwrap_err();
    assert_eq!(refusal.error_type, "unreliable_subject");
    assert_eq!(pool.profiles().await.unwrap(), [before]);
    let with_raw_subject = event::load("pre-sign-up/oidc-raw-subject", &pool).unwrap();
    function.invoke(&with_raw_subject).await.unwrap().unwrap();
    let ada = pool.only_profile_of(ADA).await.unwrap();
    assert!(ada.has_identity("Okta", "00uAbC1dEfGHIjKlM5d7"), "{ada:?}");
}
