//! What stands in the mails.

use crate::email_change::{NEW, OLD};
use crate::house::{Answer, House, access_token, admin_token, event};
use crate::invitations::GUEST;
use cognito_core::user_pool::memory::native;
use serde_json::{Value, json};

/// Posts as a browser does that is set to German.
pub(crate) async fn post(house: &House, token: Option<&Value>, path: &str, body: Value) -> Answer {
    let mut event = event(token, "POST", path, Some(&body.to_string()), "application/json");
    event["headers"]["accept-language"] = json!("de-AT, en;q=0.5");
    let answer = house.send(&event).await.unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
    answer
}

/// The subject and the text of the last mail to an address.
fn last(house: &House, to: &str) -> (String, String) {
    let mail = house.mailer.last_to(to).unwrap();
    (mail.letter.subject, mail.letter.text)
}

#[tokio::test(start_paused = true)]
async fn the_mails_of_a_change_are_in_the_language_of_the_request_and_say_how_long_a_code_is_valid() {
    let house = House::new([native(OLD)]);
    let token = access_token(OLD);
    post(&house, Some(&token), "/email-change", json!({ "new_email": NEW })).await;
    let (_, text) = last(&house, OLD);
    assert!(text.contains("15 Minuten"), "{text}");
    post(&house, Some(&token), "/email-change/verify", json!({ "code": house.code_sent_to(OLD) })).await;
    let (_, text) = last(&house, NEW);
    assert!(text.contains("15 Minuten"), "{text}");
    post(&house, Some(&token), "/email-change/verify", json!({ "code": house.code_sent_to(NEW) })).await;
    let (subject, _) = last(&house, OLD);
    assert!(subject.contains("geändert"), "{subject}");
}

#[tokio::test(start_paused = true)]
async fn a_guest_is_invited_in_the_language_of_the_request_and_who_has_an_account_is_led_to_it() {
    let house = House::new([native(OLD)]);
    post(&house, None, "/invitations", json!({ "email": GUEST })).await;
    let (subject, _) = last(&house, GUEST);
    assert!(subject.contains("Konto"), "{subject}");
    post(&house, None, "/invitations", json!({ "email": OLD })).await;
    assert_eq!(house.mailer.last_to(OLD).unwrap().parameter("email").as_deref(), Some(OLD));
}

/// The inviter knows the guest. A stranger who invites may have chosen the name, so it is not in the mail.
#[tokio::test(start_paused = true)]
async fn a_guests_own_language_comes_first_and_a_member_may_name_the_guest() {
    for (mode, token, is_named) in [("public", None, false), ("members", Some(admin_token(OLD)), true)] {
        let house = House::set([native(OLD)], &[("INVITATIONS", mode)]);
        let body = json!({ "email": GUEST, "attributes": { "given_name": "Grace", "locale": "fr" } });
        post(&house, token.as_ref(), "/invitations", body).await;
        let (subject, text) = last(&house, GUEST);
        assert!(subject.contains("compte"), "{subject}");
        assert_eq!(text.contains("Grace"), is_named, "{text}");
    }
}

/// [`House`] drops at each call what the table need not keep any longer, so other tests hold that it is kept long enough.
#[tokio::test(start_paused = true)]
async fn nothing_of_a_change_stays_in_the_table_and_an_invitation_stays_until_it_is_answered() {
    const DAY: u64 = 24 * 60 * 60;
    let house = House::new([native(OLD)]);
    let token = access_token(OLD);
    post(&house, Some(&token), "/email-change", json!({ "new_email": NEW })).await;
    assert_ne!((house.store.text().as_str(), house.store.numbers()), ("", 0));
    post(&house, Some(&token), "/email-change/verify", json!({ "code": house.code_sent_to(OLD) })).await;
    post(&house, Some(&token), "/email-change/verify", json!({ "code": house.code_sent_to(NEW) })).await;
    house.store.expire(house.time() + DAY - 1);
    assert_ne!(house.store.text(), "", "the changes of a day are counted");
    house.store.expire(house.time() + DAY);
    assert_eq!(house.store.text(), "");
    house.store.expire(house.time() + 2 * DAY - 1);
    assert_ne!(house.store.numbers(), 0, "a day is over for good only a day later");
    house.store.expire(house.time() + 2 * DAY);
    assert_eq!(house.store.numbers(), 0);
    post(&house, None, "/invitations", json!({ "email": GUEST })).await;
    house.store.expire(house.time() + 2 * DAY);
    assert_eq!(house.store.numbers(), 0);
    assert_eq!(
        house.store.text().lines().count(),
        1,
        "an invitation stays until it is answered: {}",
        house.store.text()
    );
}
