use crate::{PreSignUp, Settings};
use cognito_core::account_event::{EventBus, MemoryBus, NotTaken, What};
use cognito_core::retry_queue::MemoryQueue;
use cognito_core::testing::{CapturedLog, answer_to, sample};
use cognito_core::user_pool::memory::{MemoryPool, PoolKind, native};
use std::sync::Arc;

const ADA: &str = "ada@example.com";

fn trigger(pool: &MemoryPool, bus: &MemoryBus) -> PreSignUp<MemoryPool, MemoryQueue> {
    let lookup = |asked: &str| (asked == "PROVIDERS").then(|| "Google:claim".to_owned());
    let bus: Arc<dyn EventBus> = Arc::new(bus.clone());
    PreSignUp::new(Settings::from_lookup(&lookup).unwrap(), pool.clone(), None).telling(Some(bus))
}

fn pool() -> MemoryPool {
    MemoryPool::new(PoolKind::EmailUserNames, [native(ADA)])
}

#[tokio::test]
async fn the_bus_is_told_before_the_link_is_made() {
    let (pool, bus) = (pool(), MemoryBus::default());
    let seen = bus.clone();
    pool.before_each_call(move |called, _| {
        if called == "AdminLinkProviderForUser" {
            assert_eq!(seen.events().len(), 1, "a cut after the link would lose it");
        }
    });
    answer_to(&trigger(&pool, &bus), &sample("pre-sign-up/google")).await.unwrap();
    assert!(pool.accounts()[0].has_identity("Google", "123456789012345678901"));
    let [event] = bus.events().try_into().expect("one event");
    assert_eq!(event.what, What::LinkBegun { provider: "Google".into() });
    assert_eq!((event.sub, event.user_pool_id.as_str()), (native(ADA).sub, "eu-central-1_EXAMPLE01"));
}

#[tokio::test]
async fn a_bus_that_fails_keeps_nobody_out() {
    let (pool, bus) = (pool(), MemoryBus::default());
    bus.fail(Some(NotTaken { code: "AccessDeniedException".into(), may_pass: false }));
    let trigger = trigger(&pool, &bus);
    let (answer, log) = CapturedLog::of(answer_to(&trigger, &sample("pre-sign-up/google"))).await;
    assert!(answer.is_ok() && pool.accounts()[0].has_identity("Google", "123456789012345678901"));
    assert!(log.contains("event_not_sent") && log.contains("AccessDeniedException"), "{log}");
    assert!(!log.replace(&native(ADA).sub, "a sub").contains('@') && !log.contains("123456789012345678901"), "{log}");
}

#[tokio::test]
async fn who_is_refused_or_known_tells_the_bus_nothing() {
    let (pool, bus) = (pool(), MemoryBus::default());
    let event = sample("pre-sign-up/google").replace(r#""email_verified": "true""#, r#""email_verified": "false""#);
    assert!(answer_to(&trigger(&pool, &bus), &event).await.is_err());
    assert!(bus.events().is_empty());
}
