//! Changes of an address by people who hold a session, or many accounts, and mean no good.

use crate::email_change::{NEW, OLD, ask, prove, request, verify, wrong};
use crate::house::{House, access_token, wait};
use cognito_core::user_pool::memory::{Account, native};
use futures_util::future::join_all;
use serde_json::json;

/// People with a day's last place taken by the second of them, whose change to the victim's address waits for its code.
async fn used_up(victim: &str) -> House {
    let house = House::set([native(OLD), native("b@example.com")], &[("EMAIL_CHANGES_A_DAY", "1,1,1")]);
    assert_eq!(ask(&house, "b@example.com", victim).await.status, 202);
    assert_eq!(prove(&house, "b@example.com", "b@example.com").await.body["stage"], "new");
    house
}

/// The right code is entered, and a wrong one some moments later, so that the state changes between any two calls.
#[tokio::test(start_paused = true)]
async fn no_code_is_sent_that_is_not_counted_whatever_is_guessed_at_the_same_time() {
    for late in 0..30 {
        let house = used_up(NEW).await;
        let mails = house.mailer.all_to(NEW).len();
        request(&house).await;
        let code = house.code_sent_to(OLD);
        let guess = async {
            wait(late).await;
            verify(&house, wrong(&code)).await
        };
        let (right, _) = tokio::join!(verify(&house, &code), guess);
        right.is_refused(429, "too-many-requests");
        house.as_owner(OLD, "GET", "/email-change", None).await.says_no_change();
        house.clock.forward(60);
        house.as_owner(OLD, "POST", "/email-change/resend", None).await.is_refused(404, "no-request");
        assert_eq!(house.mailer.all_to(NEW).len(), mails, "{late} moments later");
        // What was never counted is not given back either: there is no place in the domain and the pool.
        assert_eq!(ask(&house, OLD, "x@example.org").await.status, 202);
        prove(&house, OLD, OLD).await.is_refused(429, "too-many-requests");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_place_of_a_day_is_for_whoever_takes_it_even_twice_at_once() {
    let house = House::set([native(OLD)], &[("EMAIL_CHANGES_A_DAY", "1,1,1")]);
    request(&house).await;
    let code = house.code_sent_to(OLD);
    for answer in join_all((0..20).map(|_| verify(&house, &code))).await {
        assert_eq!((answer.status.as_u16(), &answer.body["stage"]), (200, &json!("new")), "{answer:?}");
    }
    assert_eq!(prove(&house, OLD, NEW).await.body, json!({ "stage": "done" }));
    // It ended well, and takes no place any more.
    assert_eq!(ask(&house, OLD, "third@example.org").await.status, 202);
    assert_eq!(prove(&house, OLD, NEW).await.body["stage"], "new");
}

#[tokio::test(start_paused = true)]
async fn a_code_that_is_entered_twice_at_once_is_counted_once() {
    for late in 0..30 {
        let house = House::set([native(OLD)], &[("EMAIL_CHANGES_A_DAY", "2,2,2")]);
        request(&house).await;
        let code = house.code_sent_to(OLD);
        let again = async {
            wait(late).await;
            verify(&house, &code).await
        };
        tokio::join!(verify(&house, &code), again);
        house.as_owner(OLD, "DELETE", "/email-change", None).await;
        request(&house).await;
        let next = prove(&house, OLD, OLD).await;
        assert_eq!((next.status.as_u16(), &next.body["stage"]), (200, &json!("new")), "{late} moments later");
    }
}

#[tokio::test(start_paused = true)]
async fn many_accounts_share_a_limit_of_guesses() {
    let people = ["a@example.com", "b@example.com", "c@example.com"];
    let house = House::set(people.map(native), &[("EMAIL_CHANGES_A_DAY", "1,2,9")]);
    let advance = async |person: &str, new: &str| {
        let asked = ask(&house, person, new).await;
        assert_eq!(asked.status, 202, "{asked:?}");
        prove(&house, person, person).await
    };
    assert_eq!(advance(people[0], "victim@x.example").await.body["stage"], "new");
    advance(people[1], "victim@x.example").await.is_refused(429, "too-many-requests");
    house.as_owner(people[1], "GET", "/email-change", None).await.says_no_change();
    assert_eq!(advance(people[1], "own@x.example").await.body["stage"], "new");
    advance(people[2], "third@x.example").await.is_refused(429, "too-many-requests");
    let done = prove(&house, people[1], "own@x.example").await;
    assert_eq!(done.body, json!({ "stage": "done" }), "what is under way goes on");
}

#[tokio::test(start_paused = true)]
async fn the_current_address_gets_so_many_mails_a_day_and_a_code_that_was_entered_is_not_counted() {
    let house = House::set([native(OLD)], &[("EMAIL_CHANGES_A_DAY", "2,9,9")]);
    let withdraw = async || house.as_owner(OLD, "DELETE", "/email-change", None).await;
    for _ in 0..3 {
        assert_eq!(request(&house).await.status, 202);
        prove(&house, OLD, OLD).await;
        withdraw().await;
    }
    for status in [202, 202, 429] {
        assert_eq!(request(&house).await.status, status);
        withdraw().await;
    }
}

/// An account that names the address and never proved it.
fn squatter(name: &str) -> Account {
    Account { user_name: format!("native-{name}"), sub: format!("sub-{name}"), ..native(OLD).unverified() }
}

#[tokio::test(start_paused = true)]
async fn nobodys_words_go_to_an_address_that_nobody_proved() {
    let names = ["one", "two", "three"];
    let house = House::with_aliases(names.map(squatter), &[]);
    for name in names {
        ask(&house, name, "your.account.is.locked@evil.example").await.is_refused(409, "email-unverified");
    }
    assert!(house.mailer.sent().is_empty());
    // The address itself may be proven, and that has limits for all accounts together.
    let mut answers = Vec::new();
    for name in names.iter().cycle().take(12) {
        let asked = ask(&house, name, OLD).await;
        house.as_owner(name, "DELETE", "/email-change", None).await;
        answers.push(asked.status.as_u16());
    }
    assert_eq!(answers, [[202; 10].as_slice(), &[429; 2]].concat());
    assert_eq!(house.mailer.sent().len(), 10);
    assert!(house.mailer.sent().iter().all(|mail| !mail.letter.text.contains("evil")));
}

#[tokio::test(start_paused = true)]
async fn an_address_whose_mark_was_lost_is_proven_again_with_one_code() {
    for account in [native(OLD).unverified(), native(OLD).unverified().with_identity("Facebook", "1")] {
        let house = House::new([account]);
        let asked = ask(&house, OLD, OLD).await;
        assert_eq!((asked.status.as_u16(), &asked.body["stage"]), (202, &json!("new")), "{asked:?}");
        let code = house.code_sent_to(OLD);
        verify(&house, wrong(&code)).await.is_refused(400, "wrong-code");
        assert_eq!(verify(&house, &code).await.body, json!({ "stage": "done" }));
        let account = house.pool.account(&format!("native-{OLD}")).unwrap();
        assert_eq!((account.email.as_deref(), account.email_verified), (Some(OLD), true));
        assert_eq!(house.mailer.sent().len(), 1, "nobody is told of a change");
        ask(&house, OLD, OLD).await.is_refused(400, "same-email");
    }
    // Not where somebody else has proven it.
    let house = House::with_aliases([native(OLD), squatter("mallory")], &[]);
    ask(&house, "mallory", OLD).await.is_refused(409, "email-taken");
}

#[tokio::test(start_paused = true)]
async fn a_code_approves_the_change_that_its_owner_sees_and_no_other() {
    let house = House::new([native(OLD)]);
    let verify = async |code: &str, id: &serde_json::Value| {
        let body = json!({ "code": code, "id": id });
        house.as_owner(OLD, "POST", "/email-change/verify", Some(body)).await
    };
    let seen = request(&house).await.body["id"].clone();
    // Whoever holds the same session puts another change in its place.
    house.as_owner(OLD, "DELETE", "/email-change", None).await;
    let other = ask(&house, OLD, "mallory@evil.example").await.body["id"].clone();
    let code = house.code_sent_to(OLD);
    for _ in 0..6 {
        verify(&code, &seen).await.is_refused(409, "account-changed");
    }
    assert!(house.mailer.last_to("mallory@evil.example").is_none());
    // It costs no try and ends nothing: the owner withdraws what they did not ask for.
    let status = house.as_owner(OLD, "GET", "/email-change", None).await;
    assert_eq!((&status.body["id"], &status.body["stage"]), (&other, &json!("current")));
    house.as_owner(OLD, "DELETE", "/email-change", None).await;
    verify(&code, &seen).await.is_refused(404, "no-request");

    let id = request(&house).await.body["id"].clone();
    let proven = verify(&house.code_sent_to(OLD), &id).await;
    assert_eq!((&proven.body["stage"], &proven.body["id"]), (&json!("new"), &id));
    let code = house.code_sent_to(NEW);
    verify(&code, &seen).await.is_refused(409, "account-changed");
    for _ in 0..2 {
        assert_eq!(verify(&code, &id).await.body, json!({ "stage": "done" }));
    }
    verify(&code, &seen).await.is_refused(409, "account-changed");
    verify(&code, &json!("")).await.is_refused(400, "invalid-request");
}

/// The attacker registers with the victim's `sub` for a user name, changes their own address, and deletes the account
/// just before the pool is written. Cognito would take the name for the victim's `sub`.
#[tokio::test(start_paused = true)]
async fn a_user_name_that_is_the_sub_of_somebody_else_does_not_change_their_address() {
    const VICTIM_SUB: &str = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";
    let mut victim = native("victim@example.com");
    VICTIM_SUB.clone_into(&mut victim.sub);
    let mallory = native(OLD).named(VICTIM_SUB);
    let house = House::with_aliases([mallory, victim], &[]);
    let mut claims = access_token(OLD);
    claims["username"] = json!(VICTIM_SUB);
    claims["sub"] = json!(format!("sub-{VICTIM_SUB}"));
    let ask = async |path: &str, body| house.call(Some(&claims), "POST", path, Some(body)).await.unwrap();
    assert_eq!(ask("/email-change", json!({ "new_email": NEW })).await.status, 202);
    ask("/email-change/verify", json!({ "code": house.code_sent_to(OLD) })).await;
    house.just_before("AdminUpdateUserAttributes", |accounts| {
        accounts.retain(|account| account.user_name != VICTIM_SUB);
    });
    ask("/email-change/verify", json!({ "code": house.code_sent_to(NEW) })).await;
    let victim = house.pool.account("native-victim@example.com").unwrap();
    assert_eq!(victim.email.as_deref(), Some("victim@example.com"));
}
