//! The process ends, or AWS fails, before each single call of each request; the person tries again.

use crate::house::{Answer, House, TRAPS, Trap, access_token, cut_off_anywhere};
use crate::invitations::{GUEST, PASSWORD, last_link};
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::{Account, PoolKind, native};
use serde_json::{Value, json};
use std::cell::Cell;

const OLD: &str = "ada@example.com";
const NEW: &str = "lovelace@example.org";

/// Longer than the pause between mails and the lease of a commit, shorter than a code's life.
const A_WHILE: u64 = 61;

async fn call(house: &House, method: &str, path: &str, body: Option<Value>) -> Option<Answer> {
    house.call(Some(&access_token(OLD)), method, path, body).await
}

async fn verify(house: &House, code: &str) -> Answer {
    call(house, "POST", "/email-change/verify", Some(json!({ "code": code }))).await.unwrap()
}

fn ask() -> Option<Value> {
    Some(json!({ "new_email": NEW }))
}

/// Sends a request into the trap; whether it sprang.
async fn trapped(house: &House, after: i64, method: &str, path: &str, body: Option<Value>) -> bool {
    let (answer, sprung) = house.cut_off(after, call(house, method, path, body)).await;
    if sprung && let Some(answer) = answer {
        let told = answer.status == 503 || answer.status.is_success();
        assert!(told, "a passing failure is told as one, or overcome: {answer:?}");
    }
    sprung
}

fn house(trap: Trap) -> House {
    let account = Account { sessions: vec!["a thief's".into()], ..native(OLD) };
    House::with(PoolKind::EmailUserNames, [account], &[], trap)
}

/// Finishes a change from wherever it is, as a person with both mailboxes would.
async fn finish(house: &House) {
    house.clock.forward(A_WHILE);
    for _ in 0..8 {
        let status = call(house, "GET", "/email-change", None).await.unwrap();
        let stage = status.body["stage"].as_str().unwrap();
        if stage == "none" {
            if house.pool.accounts()[0].email.as_deref() == Some(NEW) {
                return;
            }
            assert_eq!(call(house, "POST", "/email-change", ask()).await.unwrap().status, 202);
            continue;
        }
        let to = if stage == "current" { OLD } else { NEW };
        let answer = match house.mailer.last_to(to).and_then(|mail| mail.code()) {
            Some(code) => verify(house, &code).await,
            None => call(house, "POST", "/email-change/resend", None).await.unwrap(),
        };
        if answer.code() == "wrong-code" {
            house.clock.forward(A_WHILE);
            assert_eq!(call(house, "POST", "/email-change/resend", None).await.unwrap().status, 202);
        }
    }
    panic!("the change does not end: {:?}", call(house, "GET", "/email-change", None).await);
}

fn settled(house: &House) {
    let account = &house.pool.accounts()[0];
    assert_eq!((account.email.as_deref(), account.email_verified), (Some(NEW), true));
    assert!(account.sessions.is_empty(), "every session is ended");
    let told = house.mailer.sent().iter().filter(|mail| mail.to == OLD && mail.code().is_none()).count();
    assert!((1..=2).contains(&told), "the old address was told {told} times");
    assert!(!house.store.text().contains('@'), "no address is kept");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_cut_off_anywhere_is_made_again() {
    cut_off_anywhere(&TRAPS, 6..20, async |trap, after| {
        let house = house(trap);
        let sprung = trapped(&house, after, "POST", "/email-change", ask()).await;
        // Who got no answer asks again; if a request is pending, its code may be on its way or not.
        let again = call(&house, "POST", "/email-change", ask()).await.unwrap();
        assert!(again.status == 202 || again.code() == "request-pending", "{again:?}");
        finish(&house).await;
        settled(&house);
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_proof_of_the_current_address_that_was_cut_off_anywhere_is_given_again() {
    cut_off_anywhere(&TRAPS, 4..20, async |trap, after| {
        let house = house(trap);
        call(&house, "POST", "/email-change", ask()).await.unwrap();
        let code = house.code_sent_to(OLD);
        let body = Some(json!({ "code": code }));
        let sprung = trapped(&house, after, "POST", "/email-change/verify", body).await;
        let again = verify(&house, &code).await;
        assert_eq!(again.body["stage"], "new", "{again:?}");
        finish(&house).await;
        settled(&house);
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_cut_off_anywhere_ends_done_and_is_never_stuck() {
    cut_off_anywhere(&TRAPS, 8..20, async |trap, after| {
        let house = house(trap);
        call(&house, "POST", "/email-change", ask()).await.unwrap();
        verify(&house, &house.code_sent_to(OLD)).await;
        let code = house.code_sent_to(NEW);
        let body = Some(json!({ "code": code }));
        let sprung = trapped(&house, after, "POST", "/email-change/verify", body).await;
        let mut again = verify(&house, &code).await;
        if again.code() == "commit-in-progress" {
            // Cut off, or the write that ends it or gives the lease back was what failed.
            house.clock.forward(A_WHILE);
            again = verify(&house, &code).await;
        }
        assert_eq!(again.body, json!({ "stage": "done" }), "{after}: {again:?}");
        // A mail that hung is owed.
        house.clock.forward(A_WHILE);
        call(&house, "GET", "/email-change", None).await.unwrap().says_no_change();
        settled(&house);
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_cut_off_anywhere_is_withdrawn_only_if_the_account_does_not_have_the_new_address() {
    let changed = Cell::new(0);
    cut_off_anywhere(&TRAPS, 8..20, async |trap, after| {
        let house = house(trap);
        call(&house, "POST", "/email-change", ask()).await.unwrap();
        verify(&house, &house.code_sent_to(OLD)).await;
        let body = Some(json!({ "code": house.code_sent_to(NEW) }));
        if !trapped(&house, after, "POST", "/email-change/verify", body).await {
            return false;
        }
        let mut withdrawn = call(&house, "DELETE", "/email-change", None).await.unwrap();
        if withdrawn.code() == "commit-in-progress" {
            house.clock.forward(A_WHILE);
            withdrawn = call(&house, "DELETE", "/email-change", None).await.unwrap();
        }
        if house.pool.accounts()[0].email.as_deref() == Some(OLD) {
            assert_eq!(withdrawn.status, 204, "{after}: {withdrawn:?}");
            assert!(house.mailer.sent().iter().all(|mail| mail.to != OLD || mail.code().is_some()));
        } else {
            changed.set(changed.get() + 1);
            house.clock.forward(A_WHILE);
            call(&house, "GET", "/email-change", None).await.unwrap().says_no_change();
            let ended = house.mailer.sent().iter().any(|mail| mail.to == OLD && mail.code().is_none());
            assert!(ended, "{after}: the old address is told, whatever the person pressed: {withdrawn:?}");
            assert!(withdrawn.status == 204 || withdrawn.code() == "already-changed", "{after}: {withdrawn:?}");
            settled(&house);
        }
        assert!(!house.store.text().contains('@'), "no address is kept");
        assert_eq!(call(&house, "DELETE", "/email-change", None).await.unwrap().status, 204);
        true
    })
    .await;
    assert!(changed.get() > 5, "some were cut off after the write");
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_was_cut_off_anywhere_is_sent_again_and_completed() {
    cut_off_anywhere(&TRAPS, 6..20, async |trap, after| {
        let house = House::with(PoolKind::EmailAlias, [], &[("NATIVE_USERNAME", "uuid")], trap);
        let body = || Some(json!({ "email": GUEST }));
        let sprung = trapped(&house, after, "POST", "/invitations", body()).await;
        house.clock.forward(A_WHILE);
        assert_eq!(house.as_nobody("POST", "/invitations", body()).await.status, 202);
        assert_eq!(house.pool.accounts().len(), 1);
        last_link(&house).answer(&house).await.says(200, &json!({ "email": GUEST }));
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_was_cut_off_anywhere_is_settled_by_the_next_one() {
    for registered in [false, true] {
        cut_off_anywhere(&TRAPS, 5..20, async |trap, after| {
            let registration = registered.then(|| native(GUEST).unconfirmed().named("registered"));
            let house = House::with(PoolKind::EmailUserNames, registration, &[], trap);
            house.as_nobody("POST", "/invitations", Some(json!({ "email": GUEST }))).await;
            let link = last_link(&house);
            let sprung = trapped(&house, after, "POST", "/invitations/complete", link.body(PASSWORD)).await;
            let again = link.answer(&house).await;
            assert!(again.status == 200 || again.code() == "already-completed", "{again:?}");
            let account = &house.pool.accounts()[0];
            assert_eq!((account.status, account.email_verified), (Status::Confirmed, true));
            assert_eq!(account.password.as_deref(), Some(PASSWORD));
            assert!(account.groups.contains("Users"));
            link.answer(&house).await.is_refused(409, "already-completed");
            sprung
        })
        .await;
    }
}
