use super::*;
use cognito_core::retry_queue::{MemoryQueue, NotKept, RUSH};
use cognito_core::testing::{
    CapturedLog, answer_to, documented_settings, edited, lookup, personal_data, raw_answer_to, sample, samples, sorted,
};
use cognito_core::user_pool::memory::{Fate, Interceptor, MemoryPool, PoolKind, Quirks, federated, native};
use serde_json::{Value, json};
use std::pin::Pin;
use std::sync::Arc;

const PROVIDERS: &str = "Google:claim,Facebook:always";

fn trigger(pool: &MemoryPool, group: &'static str) -> PostConfirmation<MemoryPool, MemoryQueue> {
    with_queue(pool, group, None)
}

fn with_queue(
    pool: &MemoryPool,
    group: &'static str,
    queue: Option<MemoryQueue>,
) -> PostConfirmation<MemoryPool, MemoryQueue> {
    let lookup = lookup([("PROVIDERS", PROVIDERS), ("DEFAULT_GROUP", group)]);
    PostConfirmation::new(Settings::from_lookup(&lookup).unwrap(), pool.clone(), queue)
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
async fn an_empty_group_costs_no_call() {
    let event = sample("post-confirmation/sign-up");
    let pool = pool_for(&event);
    answer_to(&trigger(&pool, ""), &event).await.unwrap();
    assert!(pool.calls().is_empty());
}

/// Otherwise a person who stole the old password stays signed in.
#[tokio::test]
async fn a_replaced_password_ends_what_was_open_and_joins_no_group() {
    let event = sample("post-confirmation/forgot-password");
    let name = serde_json::from_str::<Value>(&event).unwrap()["userName"].as_str().unwrap().to_owned();
    let pool = MemoryPool::new(PoolKind::EmailUserNames, [native("ada@example.com").planted().named(&name)]);
    let answer = answer_to(&trigger(&pool, "Users"), &event).await.unwrap();
    assert_eq!(answer, serde_json::from_str::<Value>(&event).unwrap());
    let [account] = pool.accounts().try_into().expect("one account");
    assert!(account.sessions.is_empty() && account.groups.is_empty());
    assert_eq!(pool.calls(), ["AdminUserGlobalSignOut"]);
}

#[tokio::test]
async fn a_replaced_password_costs_no_call_where_the_operator_says_so() {
    let event = sample("post-confirmation/forgot-password");
    let pool = pool_for(&event);
    let off = |asked: &str| (asked == SIGN_OUT_ON_PASSWORD_RESET).then(|| "off".to_owned());
    let trigger = PostConfirmation::new(Settings::from_lookup(&off).unwrap(), pool.clone(), None::<MemoryQueue>);
    answer_to(&trigger, &event).await.unwrap();
    assert!(pool.calls().is_empty());
}

/// The attacker's profile bears the victim's `sub` for its name, and is gone when the call is made.
#[tokio::test]
async fn nobody_joins_a_group_and_no_address_is_verified_under_a_user_name_that_is_somebody_elses_sub() {
    let mut victim = native("victim@example.com").unverified();
    "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11".clone_into(&mut victim.sub);
    let event = edited("post-confirmation/sign-up", |event| {
        event["userName"] = json!(victim.sub);
        let attributes = &mut event["request"]["userAttributes"];
        attributes["sub"] = json!("0b5e6c1e-8a51-4f6e-9a0e-3f1d2c4b5a69");
        attributes["email_verified"] = json!("false");
        attributes["identities"] = json!(r#"[{"userId":"1","providerName":"Facebook","primary":true}]"#);
    });
    let pool = MemoryPool::new(PoolKind::EmailAlias, [victim]);
    answer_to(&trigger(&pool, "Users"), &event).await.unwrap();
    let [victim] = pool.accounts().try_into().expect("one account");
    assert!(victim.groups.is_empty() && !victim.email_verified);
    assert!(pool.calls().iter().all(|call| *call == "ListUsers"), "{:?}", pool.calls());
}

/// The attacker's profile bears the victim's `sub` for its name, and is gone when the call is made.
#[tokio::test]
async fn nobody_is_signed_out_under_a_user_name_that_is_somebody_elses_sub() {
    let mut victim = native("victim@example.com").planted();
    "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11".clone_into(&mut victim.sub);
    let event = edited("post-confirmation/forgot-password", |event| {
        event["userName"] = json!(victim.sub);
        event["request"]["userAttributes"]["sub"] = json!("0b5e6c1e-8a51-4f6e-9a0e-3f1d2c4b5a69");
    });
    let pool = MemoryPool::new(PoolKind::EmailAlias, [victim]);
    let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, "Users"), &event)).await;
    assert_eq!(answer.unwrap(), serde_json::from_str::<Value>(&event).unwrap());
    assert_eq!(log.matches("sessions_not_ended").count(), 1, "{log}");
    assert!(!pool.accounts()[0].sessions.is_empty());
}

/// Everybody can tell a derived name, and may have taken it as an alias.
#[tokio::test]
async fn nothing_is_done_under_a_derived_name_that_reaches_somebody_else() {
    let name = "address-0123456789abcdef0123456789abcdef";
    let mut mallory = native("mallory@example.org").planted();
    mallory.attributes.insert("preferred_username".into(), name.into());
    let owner = native("victim@example.com").named(name);
    for case in ["forgot-password", "sign-up"] {
        let event = edited(&format!("post-confirmation/{case}"), |event| {
            event["userName"] = json!(name);
            event["request"]["userAttributes"]["sub"] = json!(owner.sub);
        });
        let quirks = Quirks { alias_comes_first: true, ..Quirks::default() };
        let pool = MemoryPool::new(PoolKind::UserNames, [mallory.clone(), owner.clone()]).with_quirks(quirks);
        let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, "Users"), &event)).await;
        assert_eq!(answer.unwrap(), serde_json::from_str::<Value>(&event).unwrap());
        assert!(log.contains("sessions_not_ended") || log.contains("group_not_joined"), "{case}: {log}");
        let theirs = &pool.accounts()[0];
        assert!(!theirs.sessions.is_empty() && theirs.groups.is_empty(), "{case}: {theirs:?}");
        // Without the alias, the same call reaches its owner.
        let pool = MemoryPool::new(PoolKind::UserNames, [owner.clone().planted()]).with_quirks(quirks);
        answer_to(&trigger(&pool, "Users"), &event).await.unwrap();
        let own = &pool.accounts()[0];
        assert!(own.sessions.is_empty() || own.groups.contains("Users"), "{case}: {own:?}");
    }
}

/// JavaScript and Python accept such a name.
#[tokio::test]
async fn a_name_with_half_a_surrogate_pair_does_not_fail_the_confirmation() {
    let event = sample("post-confirmation/sign-up").replacen(
        "\"userAttributes\": {",
        r#""userAttributes": {"nickname": "\ud800","#,
        1,
    );
    assert!(event.contains("ud800"));
    let pool = pool_for(&sample("post-confirmation/sign-up"));
    let answer = raw_answer_to(&trigger(&pool, "Users"), &event).await.unwrap();
    assert!(answer.get().contains(r#""nickname": "\ud800""#));
    assert!(pool.accounts()[0].groups.contains("Users"));
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
    }
}

/// Anybody may come from a provider with any address, or with none.
#[tokio::test]
async fn who_proved_no_address_joins_the_group_only_where_the_operator_says_so() {
    let first = |provider: &str, email: Value, verified: &str| {
        let identities = json!([{"userId": "9", "providerName": provider, "primary": true}]).to_string();
        edited("post-confirmation/federated", |event| {
            event["userName"] = json!(format!("{provider}_9"));
            let attributes = &mut event["request"]["userAttributes"];
            attributes["identities"] = json!(identities);
            attributes["email"] = email;
            attributes["email_verified"] = json!(verified);
        })
    };
    let everybody = lookup([("PROVIDERS", PROVIDERS), ("DEFAULT_GROUP", "Users"), (DEFAULT_GROUP_FOR, "everybody")]);
    for (provider, email, verified, proven) in [
        ("Google", json!("ada@example.com"), "true", true),
        ("Google", json!("ada@example.com"), "false", false),
        ("Google", Value::Null, "true", false),
        // A provider whose every address is proven needs no mark.
        ("Facebook", json!("ada@example.com"), "false", true),
        ("Facebook", Value::Null, "false", false),
        ("Unlisted", json!("ada@example.com"), "true", false),
    ] {
        let event = first(provider, email, verified);
        for for_everybody in [false, true] {
            let pool = MemoryPool::new(PoolKind::EmailUserNames, [federated(provider, "9", "ada@example.com")]);
            let settings = Settings::from_lookup(&everybody).unwrap();
            let everybody = PostConfirmation::new(settings, pool.clone(), None);
            let trigger = if for_everybody { everybody } else { trigger(&pool, "Users") };
            answer_to(&trigger, &event).await.unwrap();
            let joined = pool.accounts()[0].groups.contains("Users");
            assert_eq!(joined, proven || for_everybody, "{provider} {verified}");
        }
    }
}

#[tokio::test]
async fn people_of_providers_by_name_join_the_group_if_their_provider_proves_the_address() {
    let providers = "LinkedIn:claim,LINE:claim,Okta:claim,Auth0:claim,GitHub:claim,EntraID:claim,SignInWithApple:claim,\
                     LoginWithAmazon:claim,Facebook:always,CorpSAML:claim";
    let lookup = lookup([("PROVIDERS", providers), ("DEFAULT_GROUP", "Users")]);
    for (case, joins) in [
        ("linkedin", true),
        ("line", false),
        ("okta", true),
        ("auth0", false),
        ("github", true),
        ("microsoft", true),
        ("apple", true),
        ("amazon", false),
        ("facebook", true),
        ("saml", false),
    ] {
        let event = sample(&format!("post-confirmation/{case}"));
        let pool = pool_for(&event);
        let settings = Settings::from_lookup(&lookup).unwrap();
        let trigger: PostConfirmation<_, MemoryQueue> = PostConfirmation::new(settings, pool.clone(), None);
        assert_eq!(answer_to(&trigger, &event).await.unwrap(), serde_json::from_str::<Value>(&event).unwrap());
        assert_eq!(pool.accounts()[0].groups.contains("Users"), joins, "{case}");
    }
}

/// A native profile may carry an address that its owner wrote before they linked a provider.
#[tokio::test]
async fn only_a_profile_that_the_sign_in_made_is_repaired() {
    let event = edited("post-confirmation/sign-up", |event| {
        let attributes = &mut event["request"]["userAttributes"];
        attributes["email_verified"] = json!("false");
        attributes["identities"] = json!(r#"[{"userId":"9","providerName":"Facebook","primary":false}]"#);
    });
    let pool = pool_for(&event);
    answer_to(&trigger(&pool, ""), &event).await.unwrap();
    assert!(pool.calls().is_empty() && !pool.accounts()[0].email_verified);
}

/// In alias pools, marking the address would take it from its owner, without an error.
#[tokio::test]
async fn a_repair_does_not_take_the_address_from_its_owner() {
    let identities = json!([{"userId": "9", "providerName": "Facebook", "primary": true}]).to_string();
    let event = edited("post-confirmation/federated", |event| {
        event["userName"] = json!("Facebook_9");
        let attributes = &mut event["request"]["userAttributes"];
        attributes["identities"] = json!(identities);
        attributes["email"] = json!("ada@example.com");
        attributes["email_verified"] = json!("false");
    });
    let quirks = Quirks { alias_moves: true, ..Quirks::default() };
    let accounts = [native("ada@example.com"), federated("Facebook", "9", "ada@example.com")];
    let pool = MemoryPool::new(PoolKind::EmailAlias, accounts).with_quirks(quirks);
    answer_to(&trigger(&pool, ""), &event).await.unwrap();
    let verified: Vec<_> = pool.accounts().into_iter().map(|account| account.email_verified).collect();
    assert_eq!(verified, [true, false]);
}

#[tokio::test]
async fn what_goes_wrong_is_logged_and_keeps_nobody_out() {
    let event = sample("post-confirmation/sign-up");
    let nobody = MemoryPool::new(PoolKind::EmailUserNames, []);
    let (answer, log) = CapturedLog::of(answer_to(&trigger(&nobody, "Users"), &event)).await;
    assert_eq!(answer.unwrap(), serde_json::from_str::<Value>(&event).unwrap());
    assert_eq!(log.matches("group_not_joined").count(), 1, "{log}");
    let event = sample("post-confirmation/forgot-password");
    let (answer, log) = CapturedLog::of(answer_to(&trigger(&nobody, "Users"), &event)).await;
    assert_eq!(answer.unwrap(), serde_json::from_str::<Value>(&event).unwrap());
    assert_eq!(log.matches("sessions_not_ended").count(), 1, "{log}");
}

/// Lets the calls of one operation end so. Without an end their answer never comes.
struct Strikes {
    operation: &'static str,
    end: Option<Fate>,
}

impl Interceptor for Strikes {
    fn before<'a>(&'a self, operation: &'static str, _: &'a str) -> Pin<Box<dyn Future<Output = Fate> + Send + 'a>> {
        Box::pin(async move {
            match self.end {
                _ if operation != self.operation => Fate::Happens,
                Some(end) => end,
                None => std::future::pending().await,
            }
        })
    }
}

/// Cognito does not ask again, and no token is issued before the answer.
#[tokio::test(start_paused = true)]
async fn whatever_call_fails_or_hangs_the_answer_comes_in_time_and_the_other_work_is_done() {
    for (case, operation, code) in [
        ("forgot-password", "AdminUserGlobalSignOut", "sessions_not_ended"),
        ("facebook", "AdminAddUserToGroup", "group_not_joined"),
        ("facebook", "ListUsers", "repair_failed"),
        ("facebook", "AdminUpdateUserAttributes", "repair_failed"),
    ] {
        for end in [Some(Fate::Fails), Some(Fate::ReplyLost), None] {
            let event = sample(&format!("post-confirmation/{case}"));
            let pool = pool_for(&event);
            let trigger = trigger(&pool.behind(Arc::new(Strikes { operation, end })), "Users");
            let start = tokio::time::Instant::now();
            let (answer, log) = CapturedLog::of(answer_to(&trigger, &event)).await;
            let what = format!("{case}, {operation}, {end:?}: {log}");
            assert!(start.elapsed() < std::time::Duration::from_secs(5), "{what}");
            assert_eq!(answer.unwrap(), serde_json::from_str::<Value>(&event).unwrap(), "{what}");
            assert!(log.matches("ERROR").count() == 1 && log.contains(code), "{what}");
            let [account] = pool.accounts().try_into().expect("one account");
            assert!(case != "facebook" || code == "group_not_joined" || account.groups.contains("Users"), "{what}");
            assert!(case != "facebook" || code == "repair_failed" || account.email_verified, "{what}");
        }
    }
}

/// What Lambda hands the function when SQS delivers these messages.
fn delivery(messages: &[String]) -> String {
    let records: Vec<_> = messages.iter().map(|body| json!({"eventSource": "aws:sqs", "body": body})).collect();
    json!({ "Records": records }).to_string()
}

async fn deliver(
    trigger: &PostConfirmation<MemoryPool, MemoryQueue>,
    messages: &[String],
) -> Result<(), cognito_core::failure::Failure> {
    raw_answer_to(trigger, &delivery(messages)).await.map(drop)
}

#[tokio::test]
async fn a_membership_that_cognito_does_not_take_for_ten_minutes_is_written_then() {
    let event = sample("post-confirmation/sign-up");
    let pool = pool_for(&event);
    let queue = MemoryQueue::default();
    let trigger = with_queue(&pool, "Users", Some(queue.clone()));
    pool.set_quirks(Quirks { unavailable: true, ..Quirks::default() });
    let (answer, log) = CapturedLog::of(answer_to(&trigger, &event)).await;
    assert_eq!(answer.unwrap(), serde_json::from_str::<Value>(&event).unwrap());
    assert!(log.contains("group_waits") && !log.contains("ERROR"), "{log}");
    // SQS delivers it again every five minutes.
    for _ in 0..3 {
        assert!(deliver(&trigger, &queue.messages()).await.is_err());
        assert!(pool.accounts()[0].groups.is_empty());
    }
    pool.set_quirks(Quirks::default());
    deliver(&trigger, &queue.messages()).await.unwrap();
    assert!(pool.accounts()[0].groups.contains("Users"));
    // SQS may deliver a message twice.
    deliver(&trigger, &queue.messages()).await.unwrap();
    assert_eq!(queue.messages().len(), 1);
}

/// Otherwise each membership that is written takes the link of somebody else who signs in for the first time.
#[tokio::test(start_paused = true)]
async fn for_half_a_minute_after_cognito_throttled_each_membership_goes_to_the_queue_untried() {
    let event = sample("post-confirmation/sign-up");
    let (pool, queue) = (pool_for(&event), MemoryQueue::default());
    let trigger = with_queue(&pool, "Users", Some(queue.clone()));
    pool.set_quirks(Quirks { throttled: Some("AdminAddUserToGroup"), ..Quirks::default() });
    let ((), log) = CapturedLog::of(async {
        for _ in 0..3 {
            answer_to(&trigger, &event).await.unwrap();
        }
    })
    .await;
    assert_eq!((pool.calls().len(), queue.messages().len()), (1, 3));
    assert_eq!(log.matches("group_waits").count(), 3, "{log}");
    pool.set_quirks(Quirks::default());
    tokio::time::advance(RUSH).await;
    answer_to(&trigger, &event).await.unwrap();
    assert_eq!((pool.calls().len(), queue.messages().len()), (2, 3));
    assert!(pool.accounts()[0].groups.contains("Users"));
}

/// Each app client's people join their own group, those that waited in the queue, too.
#[tokio::test]
async fn the_group_depends_on_the_app_client_also_when_the_queue_brings_the_membership() {
    let event = sample("post-confirmation/sign-up");
    let client = serde_json::from_str::<Value>(&event).unwrap()["callerContext"]["clientId"].clone();
    let overrides = json!([{ "client_id": client, "settings": { "DEFAULT_GROUP": "Users" } }]).to_string();
    let (pool, queue) = (pool_for(&event), MemoryQueue::default());
    let lookup = lookup([(settings::OVERRIDES, overrides.as_str())]);
    let build = |lookup: Lookup<'_>| {
        Ok(PostConfirmation::new(Settings::from_lookup(lookup)?, pool.clone(), Some(queue.clone())))
    };
    let triggers = settings::Overridden::build(&lookup, build).unwrap();
    let answer = async |payload: &str| drop(raw_answer_to(&triggers, payload).await.unwrap());
    let joined = || pool.accounts()[0].groups.iter().cloned().collect::<Vec<_>>();
    pool.set_quirks(Quirks { unavailable: true, ..Quirks::default() });
    answer(&event).await;
    pool.set_quirks(Quirks::default());
    answer(&delivery(&queue.messages())).await;
    assert_eq!(joined(), ["Users"]);
    pool.change(|accounts| accounts[0].groups.clear());
    // For everybody else no group is set.
    let mut without: Value = serde_json::from_str(&queue.messages()[0]).unwrap();
    without.as_object_mut().unwrap().remove("clientId");
    answer(&delivery(&[without.to_string()])).await;
    assert!(joined().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_leaves_time_for_the_queue() {
    struct Hangs;
    impl RetryQueue for Hangs {
        async fn put(&self, _: String, _: Option<std::time::Duration>) -> Result<(), NotKept> {
            std::future::pending().await
        }
    }
    let pool = pool_for(&sample("post-confirmation/sign-up"));
    let start = tokio::time::Instant::now();
    let clock = Clock::starting_now(cognito_core::trigger::TIME_LIMIT);
    let left = clock.leaving(std::time::Duration::from_millis(1500));
    assert!(left.limit(std::future::pending::<()>()).await.is_err());
    assert_eq!(start.elapsed().as_millis(), 3000);
    pool.set_quirks(Quirks { unavailable: true, ..Quirks::default() });
    let lookup = |asked: &str| (asked == "DEFAULT_GROUP").then(|| "Users".to_owned());
    let trigger = PostConfirmation::new(Settings::from_lookup(&lookup).unwrap(), pool, Some(Hangs));
    let (_, log) = CapturedLog::of(answer_to(&trigger, &sample("post-confirmation/sign-up"))).await;
    assert!(log.contains("group_not_joined") && log.contains("the time for an answer ran out"), "{log}");
}

#[tokio::test]
async fn what_no_time_can_mend_waits_in_no_queue() {
    let event = sample("post-confirmation/sign-up");
    let (pool, queue) = (pool_for(&event), MemoryQueue::default());
    let trigger = with_queue(&pool, "Users", Some(queue.clone()));
    pool.set_quirks(Quirks { unavailable: true, ..Quirks::default() });
    answer_to(&trigger, &event).await.unwrap();
    pool.set_quirks(Quirks::default());
    pool.change(Vec::clear);
    let (delivered, log) = CapturedLog::of(deliver(&trigger, &queue.messages())).await;
    assert!(delivered.is_ok() && log.contains("group_not_joined"), "{log}");
    answer_to(&trigger, &event).await.unwrap();
    assert_eq!(queue.messages().len(), 1);
}

#[tokio::test]
async fn a_message_of_somebody_else_leaves_the_queue_and_is_logged() {
    let pool = pool_for(&sample("post-confirmation/sign-up"));
    let (delivered, log) = CapturedLog::of(deliver(&trigger(&pool, "Users"), &["{}".to_owned()])).await;
    assert!(delivered.is_ok() && log.contains("not_a_membership"), "{log}");
    assert!(pool.calls().is_empty());
}

#[tokio::test]
async fn what_is_neither_an_event_nor_of_the_queue_is_refused() {
    let pool = pool_for(&sample("post-confirmation/sign-up"));
    for payload in [json!({}), json!({"Records": [{"s3": {}}]}), json!([1])] {
        let refused = answer_to(&trigger(&pool, "Users"), &payload.to_string()).await;
        assert_eq!(refused.unwrap_err().0, "not_a_cognito_event");
    }
    assert!(pool.calls().is_empty());
}

#[tokio::test]
async fn no_log_holds_personal_data() {
    for (name, event) in samples("post-confirmation") {
        for pool in [pool_for(&event), MemoryPool::new(PoolKind::EmailUserNames, [])] {
            let (_, log) = CapturedLog::of(answer_to(&trigger(&pool, "Users"), &event)).await;
            for secret in personal_data(&event) {
                assert!(!log.contains(&secret), "{name}: {secret} in {log}");
            }
        }
    }
}

#[test]
fn the_readme_lists_every_variable() {
    assert_eq!(documented_settings("post-confirmation"), sorted(&NAMES));
}
