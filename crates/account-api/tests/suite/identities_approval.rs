//! Whoever has the session of an account and none of its mailbox connects nothing to it.

use crate::email_change::wrong;
use crate::house::{Answer, House, NOW, TRAPS, cut_off_anywhere};
use crate::identities::{disconnect, id, token};
use crate::identities_connect::{
    A_WHILE, ADA, ANY, AT_GOOGLE, NEW, ada, alone, approved, confirm, confirmed, connect, last_code,
    made_with_identity, old_alone, post, untouched,
};
use cognito_core::user_pool::memory::{Account, PoolKind, federated, native};
use futures_util::future::join_all;
use serde_json::{Value, json};

async fn send(house: &House, claims: &Value, body: &Value) -> Answer {
    post(house, claims, "/identities", body.clone()).await.unwrap()
}

fn with(body: &Value, code: &str) -> Value {
    let mut body = body.clone();
    body["code"] = json!(code);
    body
}

fn mails_to(house: &House, address: &str) -> usize {
    house.mailer.all_to(address).len()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_connected_before_the_accounts_own_mailbox_has_approved() {
    for other in [alone(), made_with_identity()] {
        let house = House::set([ada(), other.clone()], &NEW);
        let (claims, body) = confirmed(&house, &ada(), &other, &ada()).await;
        let asked = send(&house, &claims, &body).await;
        let expected = json!({ "sent_to": "a***@example.com", "expires_at": NOW + 900 });
        asked.says(202, &expected);
        assert_eq!((mails_to(&house, ADA), mails_to(&house, AT_GOOGLE)), (1, 0));
        let mail = house.mailer.last_to(ADA).unwrap();
        assert!(mail.letter.text.contains("Google") && !mail.letter.text.contains("lovelace"));
        untouched(&house, &[ada(), other.clone()]);
        let code = house.code_sent_to(ADA);
        assert!(!house.store.text().contains(&code) && !house.store.text().contains("\"a***"));
        send(&house, &claims, &with(&body, wrong(&code))).await.is_refused(400, "wrong-code");
        untouched(&house, &[ada(), other]);
        assert_eq!(send(&house, &claims, &with(&body, &code)).await.status, 200);
    }
}

/// The thief has a fresh token of the victim's, and an identity at a provider.
#[tokio::test(start_paused = true)]
async fn a_stolen_session_connects_nothing_whichever_of_the_two_calls() {
    // The victim's account makes the offer, and the thief's confirms that the victim's stays.
    let house = House::set([alone(), ada()], &ANY);
    let (claims, body) = confirmed(&house, &alone(), &ada(), &ada()).await;
    assert_eq!(send(&house, &claims, &body).await.body["sent_to"], "a***@example.com");
    assert_eq!((mails_to(&house, ADA), mails_to(&house, AT_GOOGLE)), (1, 0));
    untouched(&house, &[alone(), ada()]);

    // The victim's account is given up for the thief's.
    let with_google = || native(AT_GOOGLE).with_identity("Google", "1");
    let house = House::set([ada(), with_google()], &ANY);
    let (claims, body) = confirmed(&house, &ada(), &with_google(), &with_google()).await;
    assert_eq!(send(&house, &claims, &body).await.body["sent_to"], "a***@example.com");
    untouched(&house, &[ada(), with_google()]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_in_use_does_not_go_without_its_own_mailbox() {
    let house = House::set([ada(), old_alone()], &ANY);
    let (claims, body) = confirmed(&house, &ada(), &old_alone(), &ada()).await;
    assert_eq!(send(&house, &claims, &body).await.body["sent_to"], "a***@example.com");
    let first = last_code(&house);
    let asked = send(&house, &claims, &with(&body, &first)).await;
    assert_eq!((asked.status.as_u16(), &asked.body["sent_to"]), (202, &json!("l***@example.org")));
    // The answer may have been lost: the first code again is no guess at the second.
    for _ in 0..6 {
        send(&house, &claims, &with(&body, &first)).await.says(202, &asked.body);
    }
    untouched(&house, &[ada(), old_alone()]);
    assert_eq!((mails_to(&house, ADA), mails_to(&house, AT_GOOGLE)), (1, 1));
    assert_eq!(send(&house, &claims, &with(&body, &last_code(&house))).await.status, 200);

    // One mailbox for both is asked once.
    let same = || Account { email: Some("ADA@example.com".into()), ..old_alone() };
    let house = House::set([ada(), same()], &ANY);
    let (claims, body) = approved(&house, &ada(), &same(), &ada()).await;
    assert_eq!(send(&house, &claims, &body).await.status, 200);
}

/// What a mailbox approves is which of the two stays.
#[tokio::test(start_paused = true)]
async fn a_code_for_one_account_to_stay_is_none_for_the_other_way_round() {
    let house = House::set([ada(), made_with_identity()], &ANY);
    let (claims, body) = approved(&house, &ada(), &made_with_identity(), &ada()).await;
    let mut other_way = body.clone();
    other_way["stays"] = json!(made_with_identity().sub);
    send(&house, &claims, &other_way).await.is_refused(410, "code-expired");
    untouched(&house, &[ada(), made_with_identity()]);
    assert_eq!(send(&house, &claims, &body).await.status, 200);
}

/// A session that somebody stole is older than the one that asked for the code.
#[tokio::test(start_paused = true)]
async fn a_code_counts_only_for_a_sign_in_that_was_fresh_when_it_was_asked_for() {
    let house = House::set([ada(), alone()], &NEW);
    let (claims, body) = approved(&house, &ada(), &alone(), &ada()).await;
    send(&house, &token(&ada(), NOW - 601), &body).await.is_refused(403, "sign-in-again");
    untouched(&house, &[ada(), alone()]);
    assert_eq!(send(&house, &claims, &body).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_address_nobody_proved_gets_no_identity() {
    let own = || ada().unverified();
    for own in [own(), Account { email: None, ..ada() }, Account { email: Some("no address".into()), ..ada() }] {
        let house = House::set([own.clone(), alone()], &NEW);
        connect(&house, &own, &alone(), &own).await.is_refused(409, "email-unverified");
        untouched(&house, &[own, alone()]);
    }
    let house = House::set([own(), alone()], &NEW);
    let ways = house.call(Some(&token(&own(), NOW)), "GET", "/identities", None).await.unwrap();
    assert_eq!(ways.body["may_connect"], false);
}

#[tokio::test(start_paused = true)]
async fn five_wrong_codes_end_it_and_ten_codes_a_day_are_all_that_a_mailbox_is_asked_for() {
    // Each time with another account of the thief's: the limit is the mailbox's.
    let thiefs = |n: u32| Account { created: alone().created, ..federated("Google", &n.to_string(), AT_GOOGLE) };
    let accounts: Vec<_> = (0..11).map(thiefs).chain([ada()]).collect();
    let house = House::set(accounts.clone(), &NEW);
    let mut asked = 0;
    for thief in (0..11).map(thiefs) {
        let (claims, body) = confirmed(&house, &thief, &ada(), &ada()).await;
        let answer = send(&house, &claims, &body).await;
        if answer.status != 202 {
            answer.is_refused(429, "too-many-requests");
            break;
        }
        asked += 1;
        let code = last_code(&house);
        for left in [4, 3] {
            let answer = send(&house, &claims, &with(&body, wrong(&code))).await;
            answer.is_refused(400, "wrong-code");
            assert_eq!(answer.body["tries_left"], left);
        }
        // Another code allows no more tries.
        house.clock.forward(60);
        assert_eq!(send(&house, &claims, &body).await.status, 202);
        let code = last_code(&house);
        for left in [2, 1] {
            let answer = send(&house, &claims, &with(&body, wrong(&code))).await;
            assert_eq!(answer.body["tries_left"], left);
        }
        send(&house, &claims, &with(&body, wrong(&code))).await.is_refused(410, "too-many-tries");
        send(&house, &claims, &with(&body, &code)).await.is_refused(410, "code-expired");
    }
    assert_eq!(asked, 10);
    untouched(&house, &accounts);
}

#[tokio::test(start_paused = true)]
async fn guesses_at_once_are_worth_no_more_than_guesses_one_after_the_other() {
    let house = House::set([ada(), alone()], &NEW);
    let (claims, body) = confirmed(&house, &ada(), &alone(), &ada()).await;
    send(&house, &claims, &body).await;
    let code = last_code(&house);
    let guess = with(&body, wrong(&code));
    let answers = join_all((0..12).map(|_| send(&house, &claims, &guess))).await;
    let judged = answers.iter().filter(|answer| ["wrong-code", "too-many-tries"].contains(&answer.code())).count();
    assert_eq!(judged, 5, "{answers:?}");
    send(&house, &claims, &with(&body, &code)).await.is_refused(410, "code-expired");
    untouched(&house, &[ada(), alone()]);
}

#[tokio::test(start_paused = true)]
async fn a_code_is_good_for_what_was_confirmed_and_for_fifteen_minutes() {
    // Another account makes another offer meanwhile.
    let thiefs = || Account { sub: "thief".into(), ..made_with_identity() };
    let house = House::set([ada(), alone(), thiefs()], &NEW);
    let (claims, body) = confirmed(&house, &ada(), &alone(), &ada()).await;
    send(&house, &claims, &body).await;
    let code = last_code(&house);
    let (_, other) = confirmed(&house, &ada(), &thiefs(), &ada()).await;
    send(&house, &claims, &with(&other, &code)).await.is_refused(410, "code-expired");
    let asked = send(&house, &claims, &other).await;
    assert_eq!(asked.status, 202);
    send(&house, &claims, &with(&body, &code)).await.is_refused(410, "code-expired");
    send(&house, &claims, &with(&other, &code)).await.is_refused(400, "wrong-code");
    untouched(&house, &[ada(), alone(), thiefs()]);

    // The mail may take longer than a sign-in is fresh, and no longer than the code lives.
    for (seconds, status) in [(899, 200), (900, 410)] {
        let house = House::set([ada(), alone()], &NEW);
        let (claims, body) = approved(&house, &ada(), &alone(), &ada()).await;
        house.clock.forward(seconds);
        assert_eq!(send(&house, &claims, &body).await.status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_for_an_address_that_the_account_has_no_more_is_worth_nothing() {
    let house = House::set([ada(), alone()], &NEW);
    let (claims, body) = approved(&house, &ada(), &alone(), &ada()).await;
    // It looks the same when it is masked.
    house.pool.change(|accounts| accounts[0].email = Some("anna@example.com".into()));
    send(&house, &claims, &body).await.is_refused(400, "wrong-code");
    untouched(&house, &[ada(), alone()]);
}

#[tokio::test(start_paused = true)]
async fn sessions_that_ended_meanwhile_approve_nothing() {
    let own = || ada().with_identity("Corp", "7");
    let house = House::set([own(), alone()], &NEW);
    let (claims, body) = approved(&house, &own(), &alone(), &own()).await;
    house.clock.forward(10);
    assert_eq!(disconnect(&house, &own(), &id(&house, &own(), "Corp").await).await.status, 204);
    send(&house, &claims, &body).await.is_refused(410, "code-expired");
    assert!(!house.pool.owners_of("Google", "1").iter().any(|account| account.sub == own().sub));
}

#[tokio::test(start_paused = true)]
async fn another_code_is_sent_three_times_with_a_pause_and_at_once_if_the_mail_failed() {
    let house = House::set([ada(), alone()], &NEW);
    let (claims, body) = confirmed(&house, &ada(), &alone(), &ada()).await;
    house.mailer.set_broken(true);
    send(&house, &claims, &body).await.is_refused(503, "mail-not-sent");
    house.mailer.set_broken(false);
    let first = send(&house, &claims, &body).await;
    assert_eq!((first.status.as_u16(), mails_to(&house, ADA)), (202, 1));
    send(&house, &claims, &body).await.says(202, &first.body);
    assert_eq!(mails_to(&house, ADA), 1, "the answer was lost, not the mail");
    for mails in [2, 3] {
        house.clock.forward(60);
        let sent = send(&house, &claims, &body).await;
        assert_eq!((sent.status.as_u16(), &sent.body["expires_at"]), (202, &json!(house.time() + 900)));
        assert_eq!(mails_to(&house, ADA), mails);
    }
    house.clock.forward(60);
    send(&house, &claims, &body).await.is_refused(429, "resends-used-up");
    assert_eq!(send(&house, &claims, &with(&body, &last_code(&house))).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_code_whose_successor_was_cut_off_anywhere_is_entered_again() {
    cut_off_anywhere(&TRAPS, 10..20, async |trap, after| {
        let house = House::with(PoolKind::EmailUserNames, [ada(), old_alone()], &ANY, trap);
        let (claims, body) = confirmed(&house, &ada(), &old_alone(), &ada()).await;
        send(&house, &claims, &body).await;
        let first = with(&body, &last_code(&house));
        let (_, sprung) = house.cut_off(after, post(&house, &claims, "/identities", first.clone())).await;
        untouched(&house, &[ada(), old_alone()]);
        house.clock.forward(A_WHILE);
        let again = send(&house, &claims, &first).await;
        assert_eq!((again.status.as_u16(), &again.body["sent_to"]), (202, &json!("l***@example.org")), "{again:?}");
        let second = house.code_sent_to(AT_GOOGLE);
        assert_eq!(send(&house, &claims, &with(&body, &second)).await.status, 200, "{trap:?} {after}");
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn asking_for_a_code_that_was_cut_off_anywhere_is_asked_again() {
    cut_off_anywhere(&TRAPS, 8..20, async |trap, after| {
        let house = House::with(PoolKind::EmailUserNames, [ada(), alone()], &NEW, trap);
        let (claims, body) = confirmed(&house, &ada(), &alone(), &ada()).await;
        let (answer, sprung) = house.cut_off(after, post(&house, &claims, "/identities", body.clone())).await;
        let is_passing = |answer: &Answer| [202, 503].contains(&answer.status.as_u16());
        assert!(answer.as_ref().is_none_or(is_passing), "{trap:?} {after}: {answer:?}");
        untouched(&house, &[ada(), alone()]);
        house.clock.forward(A_WHILE);
        assert_eq!(confirm(&house, &claims, body).await.status, 200, "{trap:?} {after}");
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_code_is_mailed_in_the_language_of_the_request() {
    let house = House::set([ada(), alone()], &NEW);
    let (claims, body) = confirmed(&house, &ada(), &alone(), &ada()).await;
    assert_eq!(crate::mails::post(&house, Some(&claims), "/identities", body).await.status, 202);
    let mail = house.mailer.last_to(ADA).unwrap();
    assert!(mail.letter.text.contains("Minuten"), "{}", mail.letter.text);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_connected_one_provider_connects_another_on_the_same_day() {
    let facebook = federated("Facebook", "9", "countess@example.net");
    let facebook = Account { email_verified: true, created: alone().created, ..facebook };
    let house = House::set([ada(), alone(), facebook.clone()], &NEW);
    for other in [alone(), facebook] {
        let answer = connect(&house, &ada(), &other, &ada()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        house.clock.forward(A_WHILE);
    }
    let accounts = house.pool.accounts();
    assert_eq!((accounts.len(), accounts[0].identities.len()), (1, 2), "{accounts:?}");
}
