use super::*;
use crate::{PreSignUp, Settings};
use cognito_core::retry_queue::{MemoryQueue, NotKept, RUSH};
use cognito_core::testing::{CapturedLog, answer_to, lookup, sample};
use cognito_core::user_pool::memory::{MemoryPool, PoolKind, Quirks, native};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::time::Duration;

const GROUP: Option<&str> = Some("AdminAddUserToGroup");
const LINK: Option<&str> = Some("AdminLinkProviderForUser");

fn trigger<Q: RetryQueue + Debug + Sync>(pool: &MemoryPool, queue: Option<Q>) -> PreSignUp<MemoryPool, Q> {
    let lookup = lookup([("PROVIDERS", "Google:claim"), ("DEFAULT_GROUP", "Users")]);
    PreSignUp::new(Settings::from_lookup(&lookup).unwrap(), pool.clone(), queue)
}

fn throttling(pool: &MemoryPool, operation: Option<&'static str>) {
    pool.set_quirks(Quirks { throttled: operation, ..Quirks::default() });
}

fn empty_pool() -> MemoryPool {
    MemoryPool::new(PoolKind::EmailUserNames, [])
}

/// Another new person's first sign-in.
fn another(n: u32) -> String {
    let mut event: Value = serde_json::from_str(&sample("pre-sign-up/google-new-person")).unwrap();
    event["userName"] = json!(format!("Google_{n}"));
    event["request"]["userAttributes"]["email"] = json!(format!("person{n}@example.com"));
    event.to_string()
}

fn tried(pool: &MemoryPool) -> usize {
    pool.calls().iter().filter(|call| Some(**call) == GROUP).count()
}

#[tokio::test(start_paused = true)]
async fn a_group_that_cognito_throws_back_waits_in_the_queue_and_the_person_signs_in() {
    let (pool, queue) = (empty_pool(), MemoryQueue::default());
    throttling(&pool, GROUP);
    let trigger = trigger(&pool, Some(queue.clone()));
    let (answer, log) = CapturedLog::of(answer_to(&trigger, &another(1))).await;
    assert!(answer.is_ok() && log.contains("group_waits") && !log.contains("person1"), "{log}");
    let [account] = pool.accounts().try_into().expect("one account");
    assert!(account.has_identity("Google", "1") && account.groups.is_empty());
    let [message] = queue.messages().try_into().expect("one message");
    let message: Value = serde_json::from_str(&message).unwrap();
    assert_eq!((&message["userName"], &message["sub"]), (&json!(account.user_name), &json!(account.sub)));
    assert!(message["userPoolId"].is_string() && message["clientId"].is_string(), "{message}");
}

/// To wait helps nobody here, and the operator has to know.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_there_waits_in_no_queue() {
    let (pool, queue) = (empty_pool(), MemoryQueue::default());
    pool.delete_group("Users");
    let trigger = trigger(&pool, Some(queue.clone()));
    let (answer, log) = CapturedLog::of(answer_to(&trigger, &another(1))).await;
    assert!(answer.is_ok() && log.contains("group_missing") && !log.contains("group_waits"), "{log}");
    assert!(queue.messages().is_empty());
}

#[tokio::test(start_paused = true)]
async fn for_half_a_minute_no_group_is_tried_and_then_it_is_again() {
    let (pool, queue) = (empty_pool(), MemoryQueue::default());
    throttling(&pool, GROUP);
    let trigger = trigger(&pool, Some(queue.clone()));
    for n in 1..=3 {
        answer_to(&trigger, &another(n)).await.unwrap();
    }
    assert_eq!((tried(&pool), queue.messages().len()), (1, 3));
    throttling(&pool, None);
    tokio::time::advance(RUSH).await;
    answer_to(&trigger, &another(4)).await.unwrap();
    assert_eq!((tried(&pool), queue.messages().len()), (2, 3));
    assert!(pool.accounts()[3].groups.contains("Users"));
}

/// Cognito never asks again about a linked identity.
#[tokio::test(start_paused = true)]
async fn the_membership_is_noted_before_the_link_is_tried() {
    let (pool, queue) = (empty_pool(), MemoryQueue::default());
    throttling(&pool, LINK);
    let trigger = trigger(&pool, Some(queue.clone()));
    assert_eq!(answer_to(&trigger, &another(1)).await.unwrap_err().0, "try_again");
    // The link showed the rush, so the next person's group waits, although the pool would take it.
    assert!(answer_to(&trigger, &another(2)).await.is_err());
    assert_eq!((tried(&pool), queue.messages().len()), (1, 1));
    assert!(pool.accounts().iter().all(|account| account.identities.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_or_with_one_that_fails_nobody_signs_in_without_the_group() {
    #[derive(Debug)]
    struct Full;
    impl RetryQueue for Full {
        async fn put(&self, _: String, _: Option<Duration>) -> Result<(), NotKept> {
            Err(NotKept("QueueDoesNotExist".into()))
        }
    }
    for queue in [None, Some(Full)] {
        let pool = empty_pool();
        throttling(&pool, GROUP);
        let has_queue = queue.is_some();
        let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, queue), &another(1))).await;
        assert_eq!(answer.unwrap_err().0, "try_again");
        assert!(log.contains("TooMany") || log.contains("Throttled"), "{log}");
        assert_eq!(log.contains("retry_queue_failed"), has_queue, "{log}");
        assert!(pool.accounts()[0].identities.is_empty() && tried(&pool) > 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_thrown_back_for_three_seconds_is_made_at_the_first_press() {
    let pool = MemoryPool::new(PoolKind::EmailUserNames, [native("ada@example.com")]);
    throttling(&pool, LINK);
    let later = pool.clone();
    let ends = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        throttling(&later, None);
    });
    answer_to(&trigger(&pool, None::<MemoryQueue>), &sample("pre-sign-up/google")).await.unwrap();
    ends.await.unwrap();
    assert_eq!(pool.accounts()[0].identities.len(), 1);
}
