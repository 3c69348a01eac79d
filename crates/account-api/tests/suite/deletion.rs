//! An owner deletes their account.

use crate::house::{Answer, House, NOW, TRAPS, Trap, cut_off_anywhere};
use crate::identities::token;
use crate::identities_connect::{ADA, ANY, ada, alone, offer};
use account_api::testing::event;
use cognito_core::account_event::What;
use cognito_core::testing::CapturedLog;
use cognito_core::user_pool::memory::{Account, PoolKind, native};
use serde_json::Value;

const ON: [(&str, &str); 1] = [("ACCOUNT_DELETION", "on")];

async fn delete(house: &House, account: &Account) -> Answer {
    house.as_account(account, "DELETE", "/account", None).await
}

/// The request of the owner, who has just signed in. It leaves the work to a later run.
fn request(house: &House) -> Value {
    event(Some(&token(&ada(), house.time())), "DELETE", "/account", None, "application/json")
}

fn events(house: &House) -> Vec<(String, What)> {
    house.bus.events().into_iter().map(|event| (event.sub, event.what)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_account_is_deleted_its_owner_told_and_nobody_elses_touched() {
    let other = native("grace@example.com");
    let house = House::set([ada().with_identity("Google", "1"), other.clone()], &ON);
    assert_eq!(delete(&house, &ada()).await.status, 202);
    let left = house.pool.accounts();
    assert_eq!(left.iter().map(|account| &account.sub).collect::<Vec<_>>(), [&other.sub]);
    assert_eq!(events(&house), [(ada().sub, What::Deleted)]);
    let mail = house.mailer.last_to(ADA).unwrap();
    assert!(mail.letter.subject.contains("deleted"), "{mail:?}");
    assert!(!house.store.text().contains("\"to\""), "the mail is not owed any more");
    // The answer may have been lost.
    assert_eq!(delete(&house, &ada()).await.status, 202);
    assert_eq!((house.mailer.sent().len(), events(&house).len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_account_may_not_ask_for_ever() {
    let house = House::with(PoolKind::EmailUserNames, [ada()], &ON, Trap::Fail);
    let claims = token(&ada(), NOW);
    for _ in 0..20 {
        // State, profile, count, state; then the job, which the queue does not take.
        let (answer, sprung) = house.cut_off(4, house.call(Some(&claims), "DELETE", "/account", None)).await;
        assert!(sprung && answer.unwrap().status == 503);
    }
    delete(&house, &ada()).await.is_refused(429, "too-many-requests");
    assert_eq!(house.pool.accounts().len(), 1);
}

/// An administrator deletes it at the same moment, or the answer to the call was lost.
#[tokio::test(start_paused = true)]
async fn who_deletes_an_account_that_is_gone_by_then_is_told_that_it_is_deleted() {
    let house = House::set([ada()], &ON);
    house.just_before("AdminDeleteUser", Vec::clear);
    assert_eq!(delete(&house, &ada()).await.status, 202);
    assert_eq!(events(&house), [(ada().sub, What::Deleted)]);
    assert_eq!(house.mailer.all_to(ADA).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_mail_is_in_the_language_of_the_request_and_sent_by_a_later_run_if_it_fails() {
    let house = House::set([ada()], &ON);
    let mut request = request(&house);
    request["headers"]["accept-language"] = "de".into();
    house.mailer.set_broken(true);
    assert_eq!(house.answer(&request).await.unwrap().status, 202);
    let [job] = house.queue.take().try_into().expect("one job");
    assert!(house.run(&job).await.is_err(), "Lambda comes again");
    house.mailer.set_broken(false);
    house.clock.forward(61);
    assert!(house.run(&job).await.is_ok());
    let mail = house.mailer.last_to(ADA).unwrap();
    assert!(mail.letter.subject.contains("gelöscht"), "{mail:?}");
    assert_eq!((house.mailer.sent().len(), events(&house).len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn whoever_signs_out_everywhere_takes_back_a_deletion_that_is_not_done() {
    let house = House::set([ada()], &ON);
    let claims = token(&ada(), house.time());
    assert_eq!(house.answer(&request(&house)).await.unwrap().status, 202);
    house.clock.forward(1);
    let sign_out = event(Some(&claims), "DELETE", "/sessions", None, "application/json");
    assert_eq!(house.answer(&sign_out).await.unwrap().status, 204);
    house.work().await;
    assert_eq!(house.pool.accounts().len(), 1);
    assert!(events(&house).is_empty());
}

/// Lambda comes again within minutes if a run fails. Whoever went on with the account must not lose it days later.
#[tokio::test(start_paused = true)]
async fn what_was_asked_for_is_done_within_an_hour_and_no_later() {
    for (seconds, is_done) in [(3600, true), (3601, false)] {
        let house = House::set([ada()], &ON);
        assert_eq!(house.answer(&request(&house)).await.unwrap().status, 202);
        house.clock.forward(seconds);
        house.work().await;
        assert_eq!(house.pool.accounts().is_empty(), is_done, "after {seconds} seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_without_the_setting_a_token_or_a_fresh_sign_in() {
    let house = House::set([ada()], &ANY);
    delete(&house, &ada()).await.is_refused(404, "not-found");
    let house = House::set([ada()], &ON);
    house.as_nobody("DELETE", "/account", None).await.is_refused(401, "unauthorized");
    let old = token(&ada(), NOW - 601);
    house.call(Some(&old), "DELETE", "/account", None).await.unwrap().is_refused(403, "sign-in-again");
    let heir = Account { sub: "another".into(), ..ada() };
    delete(&house, &heir).await.is_refused(403, "account-unusable");
    let house = House::set([ada().disabled()], &ON);
    delete(&house, &ada()).await.is_refused(403, "account-unusable");
    assert_eq!(house.pool.accounts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_from_before_the_sessions_were_ended_deletes_nothing() {
    let house = House::set([ada()], &ON);
    let stolen = token(&ada(), house.time());
    house.clock.forward(1);
    assert_eq!(house.as_account(&ada(), "DELETE", "/sessions", None).await.status, 204);
    house.call(Some(&stolen), "DELETE", "/account", None).await.unwrap().is_refused(403, "sign-in-again");
    assert_eq!(house.pool.accounts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_cut_off_anywhere_ends_done_or_undone_and_never_late() {
    cut_off_anywhere(&TRAPS, 6..20, async |trap, after| {
        let house = House::with(PoolKind::EmailUserNames, [ada()], &ON, trap);
        let request = request(&house);
        let act = async {
            let answer = house.answer(&request).await;
            house.work().await;
            answer
        };
        let (answer, sprung) = house.cut_off(after, act).await;
        let deleted = house.pool.accounts().is_empty();
        if answer.as_ref().is_some_and(|answer| answer.status == 202) && trap != Trap::Crash {
            assert!(deleted, "{trap:?} after {after}: told that it is deleted");
        }
        // Whoever was given no answer goes on, and comes back days later.
        house.clock.forward(3 * 24 * 3600);
        let again = token(&ada(), house.time());
        house.queue_completion(&ada()).await;
        house.work().await;
        let back = house.call(Some(&again), "DELETE", "/sessions", None).await.unwrap();
        assert_eq!(back.status.is_success(), !house.pool.accounts().is_empty(), "nobody is kept out: {back:?}");
        assert_eq!(deleted, house.pool.accounts().is_empty(), "{trap:?} after {after}: deleted late");
        if house.pool.accounts().is_empty() {
            assert!(events(&house).contains(&(ada().sub, What::Deleted)), "{trap:?} after {after}");
        } else {
            assert!(events(&house).is_empty());
        }
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_disabled_in_between_stays() {
    let house = House::set([ada()], &ON);
    assert_eq!(house.answer(&request(&house)).await.unwrap().status, 202);
    house.pool.change(|accounts| accounts[0].enabled = false);
    let ((), log) = CapturedLog::of(house.work()).await;
    assert!(log.contains("account_not_deleted"), "{log}");
    assert_eq!(house.pool.accounts().len(), 1);
    assert!(events(&house).is_empty() && house.mailer.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_being_deleted_is_not_connected() {
    let house = House::set([ada(), alone()], &[ON[0], ANY[0], ANY[1]]);
    let made = offer(&house, &alone(), &ada()).await;
    let claims = token(&ada(), house.time());
    assert_eq!(house.answer(&request(&house)).await.unwrap().status, 202);
    let look =
        event(Some(&claims), "POST", "/identities", Some(&format!(r#"{{"offer":"{made}"}}"#)), "application/json");
    let answer = house.answer(&look).await.unwrap();
    assert!(answer.status.is_client_error(), "{answer:?}");
    house.work().await;
    let left = house.pool.accounts();
    assert_eq!(left.iter().map(|account| &account.sub).collect::<Vec<_>>(), [&alone().sub]);
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_deletion_names_nobody() {
    let house = House::set([ada()], &ON);
    let (_, log) = CapturedLog::of(delete(&house, &ada())).await;
    assert!(log.contains("account_deletion_begun") && log.contains("account_deleted"), "{log}");
    assert!(!log.replace(&ada().sub, "a sub").contains('@'), "{log}");
}
