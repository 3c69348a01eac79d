use super::*;
use cognito_core::testing::{
    CapturedLog, answer_to, documented_settings, edited, lookup, personal_data, sample, samples, sorted,
};
use cognito_core::user_pool::memory::{MemoryPool, PoolKind, Quirks, native};
use serde_json::{Value, json};

fn trigger(pool: &MemoryPool, providers: &'static str, repair: &'static str) -> PostAuthentication<MemoryPool> {
    let lookup = lookup([("PROVIDERS", providers), ("REPAIR", repair)]);
    PostAuthentication::new(Settings::from_lookup(&lookup).unwrap(), pool.clone())
}

fn pool_for(event: &str) -> MemoryPool {
    let event: Value = serde_json::from_str(event).unwrap();
    let account = native("ada@example.com").named(event["userName"].as_str().unwrap()).unverified();
    MemoryPool::new(PoolKind::EmailUserNames, [account])
}

async fn calls(case: &str, providers: &'static str, repair: &'static str) -> Vec<&'static str> {
    let event = sample(&format!("post-authentication/{case}"));
    let pool = pool_for(&event);
    let answer = answer_to(&trigger(&pool, providers, repair), &event).await.unwrap();
    assert_eq!(answer, serde_json::from_str::<Value>(&event).unwrap(), "{case}");
    pool.calls()
}

#[tokio::test]
async fn an_address_its_providers_prove_is_repaired_where_the_operator_vouches_for_what_is_stored() {
    const REPAIRED: [&str; 2] = ["ListUsers", "AdminUpdateUserAttributes"];
    assert_eq!(calls("facebook-unverified", "Facebook:always", "external").await, REPAIRED);
    assert_eq!(calls("without-new-device-used", "Facebook:always", "linked").await, REPAIRED);
    assert_eq!(calls("google-unverified", "Google:always", "linked").await, REPAIRED);
    assert_eq!(calls("line", "LINE:always", "linked").await, REPAIRED);
    assert_eq!(calls("linked-native", "Google:always,Facebook:always", "linked").await, REPAIRED);
}

/// The person wrote the victim's address in a pool that stores it at once, and the provider sends none. So the address
/// in the event did not come with this sign-in.
#[tokio::test]
async fn an_address_that_was_stored_before_is_not_marked_as_verified() {
    for case in ["facebook-unverified", "linked-native", "without-new-device-used"] {
        assert!(calls(case, "Google:always,Facebook:always", "").await.is_empty(), "{case}");
    }
}

/// In alias pools, marking the address would take it from its owner, without an error.
#[tokio::test]
async fn an_address_that_somebody_else_holds_as_verified_is_not_taken_from_them() {
    let event = sample("post-authentication/facebook-unverified");
    let parsed: Value = serde_json::from_str(&event).unwrap();
    let address = parsed["request"]["userAttributes"]["email"].as_str().unwrap();
    let own = native(address).named(parsed["userName"].as_str().unwrap()).unverified();
    let quirks = Quirks { alias_moves: true, ..Quirks::default() };
    let pool = MemoryPool::new(PoolKind::EmailAlias, [own, native(address)]).with_quirks(quirks);
    answer_to(&trigger(&pool, "Facebook:always", "linked"), &event).await.unwrap();
    let verified: Vec<_> = pool.accounts().into_iter().map(|account| account.email_verified).collect();
    assert_eq!(verified, [false, true]);
}

#[tokio::test]
async fn everybody_else_costs_no_call() {
    const TRUST: &str = "Google:claim,Facebook:always";
    for case in ["native", "google-verified", "google-unverified", "linked-native", "linked-native-verified"] {
        assert!(calls(case, TRUST, "linked").await.is_empty(), "{case}");
    }
    assert!(calls("facebook-unverified", "", "linked").await.is_empty());
    for (case, trust) in [
        ("linkedin", "LinkedIn:always"),
        ("line", "LINE:never"),
        ("okta", "Okta:always@corp.example"),
        ("auth0", "Auth0:claim"),
        ("github", "GitHub:always"),
        ("microsoft", "EntraID:always"),
        ("apple", "SignInWithApple:always"),
        ("amazon", "LoginWithAmazon:claim"),
        ("saml", "CorpSAML:claim"),
    ] {
        assert!(calls(case, trust, "linked").await.is_empty(), "{case}");
    }
    assert!(calls("linked-native", "Google:always,Facebook:always", "external").await.is_empty());
}

#[tokio::test]
async fn a_failed_repair_is_logged_and_keeps_nobody_out() {
    let event = sample("post-authentication/facebook-unverified");
    let nobody = MemoryPool::new(PoolKind::EmailUserNames, []);
    let (answer, log) = CapturedLog::of(answer_to(&trigger(&nobody, "Facebook:always", "external"), &event)).await;
    assert_eq!(answer.unwrap(), serde_json::from_str::<Value>(&event).unwrap());
    assert_eq!(log.matches("repair_failed").count(), 1, "{log}");
}

#[tokio::test]
async fn an_event_without_user_name_or_attributes_goes_back() {
    let event = edited("post-authentication/facebook-unverified", |event| {
        event["userName"] = json!(null);
        event["request"]["userAttributes"] = json!(null);
    });
    let pool = MemoryPool::new(PoolKind::EmailUserNames, []);
    assert!(answer_to(&trigger(&pool, "Facebook:always", ""), &event).await.is_ok());
    assert!(pool.calls().is_empty());
}

#[tokio::test]
async fn no_log_holds_personal_data() {
    for (name, event) in samples("post-authentication") {
        for pool in [pool_for(&event), MemoryPool::new(PoolKind::EmailUserNames, [])] {
            let trigger = trigger(&pool, "Google:always,Facebook:always", "");
            let (_, log) = CapturedLog::of(answer_to(&trigger, &event)).await;
            for secret in personal_data(&event) {
                assert!(!log.contains(&secret), "{name}: {secret} in {log}");
            }
        }
    }
}

#[test]
fn the_readme_lists_every_variable() {
    assert_eq!(documented_settings("post-authentication"), sorted(&NAMES));
}
