use super::*;
use cognito_core::testing::{CapturedLog, answer_to, edited, personal_data, sample};
use cognito_core::user_pool::memory::{MemoryPool, PoolKind, federated, native};
use serde_json::{Value, json};

const PROVIDERS: &str = "Google:claim,Facebook:always";

fn trigger(pool: &MemoryPool, group: &'static str) -> PostConfirmation<MemoryPool> {
    let lookup = move |asked: &str| match asked {
        "PROVIDERS" => Some(PROVIDERS.to_owned()),
        "DEFAULT_GROUP" => Some(group.to_owned()),
        _ => None,
    };
    PostConfirmation::new(Settings::from_lookup(&lookup).unwrap(), pool.clone())
}

/// A pool with one account of the user name in the event.
fn pool_for(event: &str) -> MemoryPool {
    let event: Value = serde_json::from_str(event).unwrap();
    let account = native("ada@example.com").named(event["userName"].as_str().unwrap()).unverified();
    MemoryPool::new(PoolKind::EmailUserNames, [account])
}

#[tokio::test]
async fn a_confirmed_user_joins_the_group_also_when_an_administrator_confirmed() {
    for case in ["sign-up", "admin-confirmed"] {
        let event = sample(&format!("post-confirmation/{case}"));
        let pool = pool_for(&event);
        for _ in 0..2 {
            let answer = answer_to(&trigger(&pool, "Users"), &event).await.unwrap();
            assert_eq!(answer, serde_json::from_str::<Value>(&event).unwrap());
        }
        assert!(pool.accounts()[0].groups.contains("Users"));
        assert_eq!(pool.calls(), ["AdminAddUserToGroup"; 2]);
    }
}

#[tokio::test]
async fn a_replaced_password_and_an_empty_group_cost_no_call() {
    for (case, group) in [("forgot-password", "Users"), ("sign-up", "")] {
        let event = sample(&format!("post-confirmation/{case}"));
        let pool = pool_for(&event);
        answer_to(&trigger(&pool, group), &event).await.unwrap();
        assert!(pool.calls().is_empty(), "{case}");
    }
}

#[tokio::test]
async fn a_first_federated_sign_in_is_repaired_if_its_provider_proves() {
    for (provider, repaired) in [("Facebook", true), ("Google", false), ("Unlisted", false)] {
        let name = format!("{provider}_9");
        let identities = json!([{"userId": "9", "providerName": provider, "primary": true}]).to_string();
        let event = edited("post-confirmation/federated", |event| {
            event["userName"] = json!(name);
            event["request"]["userAttributes"]["identities"] = json!(identities);
            event["request"]["userAttributes"]["email_verified"] = json!("false");
        });
        let pool = MemoryPool::new(PoolKind::EmailUserNames, [federated(provider, "9", "ada@example.com")]);
        answer_to(&trigger(&pool, "Users"), &event).await.unwrap();
        assert_eq!(pool.accounts()[0].email_verified, repaired, "{provider}");
        assert!(pool.accounts()[0].groups.contains("Users"));
    }
}

#[tokio::test]
async fn what_goes_wrong_is_logged_and_keeps_nobody_out() {
    let event = sample("post-confirmation/sign-up");
    let nobody = MemoryPool::new(PoolKind::EmailUserNames, []);
    let (answer, log) = CapturedLog::of(answer_to(&trigger(&nobody, "Users"), &event)).await;
    assert_eq!(answer.unwrap(), serde_json::from_str::<Value>(&event).unwrap());
    assert_eq!(log.matches("group_not_joined").count(), 1, "{log}");
}

#[tokio::test]
async fn no_log_holds_personal_data() {
    for case in ["sign-up", "forgot-password", "admin-confirmed", "federated"] {
        let event = sample(&format!("post-confirmation/{case}"));
        for pool in [pool_for(&event), MemoryPool::new(PoolKind::EmailUserNames, [])] {
            let (_, log) = CapturedLog::of(answer_to(&trigger(&pool, "Users"), &event)).await;
            for secret in personal_data(&event) {
                assert!(!log.contains(&secret), "{case}: {secret} in {log}");
            }
        }
    }
}

#[test]
fn the_readme_lists_every_variable() {
    let mut names = NAMES.map(str::to_owned);
    names.sort();
    let mut documented = cognito_core::testing::documented_settings("post-confirmation");
    documented.sort();
    assert_eq!(documented, names);
}
