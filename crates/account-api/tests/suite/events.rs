//! The application's event bus is told what happens to accounts, and owners of links that pre-sign-up makes.

use crate::email_change::{ask, prove, request, verify};
use crate::house::{House, NOW, TRAPS, Trap, cut_off_anywhere};
use crate::identities::{disconnect, id, token};
use crate::identities_connect::{ADA, ANY, AT_GOOGLE, ada, alone, at, connect};
use crate::invitations::new_link;
use account_api::queue::{Job, Queue as _};
use cognito_core::account_event::{AccountEvent, NotTaken, What};
use cognito_core::testing::CapturedLog;
use cognito_core::user_pool::memory::{Account, PoolKind};
use http::StatusCode;
use std::time::Duration;

const POOL: &str = "eu-central-1_EXAMPLE01";
const NEW_ADDRESS: &str = "lovelace@example.org";

fn told(house: &House) -> Vec<(String, What)> {
    house.bus.events().into_iter().map(|event| (event.sub, event.what)).collect()
}

fn google() -> String {
    "Google".to_owned()
}

fn refusing(may_pass: bool) -> NotTaken {
    NotTaken { code: "Broken".into(), may_pass }
}

async fn disconnect_google(house: &House, account: &Account) -> StatusCode {
    disconnect(house, account, &id(house, account, "Google").await).await.status
}

fn with_google() -> Account {
    ada().with_identity("Google", "1")
}

#[tokio::test(start_paused = true)]
async fn the_bus_is_told_of_every_change_and_of_nothing_personal() {
    let house = House::set([ada(), alone()], &ANY);
    assert_eq!(connect(&house, &ada(), &alone(), &ada()).await.status, 200);
    let merged = What::Merged { old_sub: alone().sub };
    assert_eq!(told(&house), [(ada().sub, merged), (ada().sub, What::Linked { provider: google() })]);

    let house = House::set([with_google()], &ANY);
    assert_eq!(disconnect_google(&house, &with_google()).await, 204);
    assert_eq!(told(&house), [(ada().sub, What::Unlinked { provider: google() })]);

    let house = House::new([ada()]);
    request(&house).await;
    prove(&house, ADA, ADA).await;
    prove(&house, ADA, NEW_ADDRESS).await;
    assert_eq!(told(&house), [(ada().sub, What::EmailChanged)]);
    let event = &house.bus.events()[0];
    assert_eq!((event.user_pool_id.as_str(), event.at, event.version), (POOL, NOW, 1));

    let house = House::new([]);
    new_link(&house).await.opens(&house).await;
    let sub = house.pool.accounts()[0].sub.clone();
    assert_eq!(told(&house), [(sub, What::InvitationCompleted)]);
    let text = serde_json::to_string(&house.bus.events()).unwrap();
    assert!(!text.contains('@'), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_did_not_happen_is_not_told() {
    let house = House::new([ada()]);
    request(&house).await;
    prove(&house, ADA, ADA).await;
    verify(&house, "000000").await;
    assert!(told(&house).is_empty());

    // The address is proven, and stays what it was.
    let unproven = Account { email_verified: false, ..ada() };
    let house = House::new([unproven.clone()]);
    assert_eq!(ask(&house, ADA, ADA).await.status, 202);
    prove(&house, ADA, ADA).await;
    prove(&house, ADA, ADA).await;
    assert!(house.pool.accounts()[0].email_verified && told(&house).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_bus_does_not_take_now_goes_to_a_later_run() {
    let house = House::set([with_google()], &ANY);
    house.bus.fail(Some(refusing(true)));
    let claims = token(&with_google(), house.time());
    let path = format!("/identities/{}", id(&house, &with_google(), "Google").await);
    let event = account_api::testing::event(Some(&claims), "DELETE", &path, None, "application/json");
    assert_eq!(house.answer(&event).await.unwrap().status, 204, "the bus keeps nobody from what they do");
    assert!(told(&house).is_empty());
    house.bus.fail(None);
    house.work().await;
    assert_eq!(told(&house), [(ada().sub, What::Unlinked { provider: google() })]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_in_every_run_is_in_the_log_too() {
    let house = House::set([with_google()], &ANY);
    house.bus.fail(Some(refusing(true)));
    let (status, log) = CapturedLog::of(disconnect_google(&house, &with_google())).await;
    assert_eq!(status, 204);
    assert!(log.matches("event_not_sent").count() == 3 && log.contains("account.unlinked"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_bus_never_takes_is_in_the_log_to_be_sent_by_hand() {
    let house = House::set([with_google()], &ANY);
    house.bus.fail(Some(refusing(false)));
    let (status, log) = CapturedLog::of(disconnect_google(&house, &with_google())).await;
    assert_eq!(status, 204);
    assert!(log.contains("event_not_sent") && log.contains("account.unlinked"), "{log}");
    house.bus.fail(None);
    house.work().await;
    assert!(told(&house).is_empty(), "nothing waits");
}

#[tokio::test(start_paused = true)]
async fn an_event_is_told_wherever_the_change_was_cut_off() {
    cut_off_anywhere(&TRAPS, 6..20, async |trap, after| {
        let house = House::with(PoolKind::EmailUserNames, [with_google()], &ANY, trap);
        let claims = token(&with_google(), house.time());
        let path = format!("/identities/{}", id(&house, &with_google(), "Google").await);
        let (_, sprung) = house.cut_off(after, house.call(Some(&claims), "DELETE", &path, None)).await;
        house.clock.forward(61);
        house.call(Some(&claims), "GET", "/identities", None).await.unwrap();
        let gone = house.pool.accounts()[0].identities.is_empty();
        let events = told(&house);
        assert_eq!(gone, !events.is_empty(), "{trap:?} after {after}: {events:?}");
        assert!(events.len() <= 2, "{trap:?} after {after}: {events:?}");
        sprung
    })
    .await;
}

/// Ada's account, whose `sub` has the form of a real one, with a link that pre-sign-up made at this time.
fn linked_at(connected: u64, created: u64) -> Account {
    let mut account = with_google();
    account.identities[0].connected = Some(at(connected));
    let sub = "11111111-2222-4333-8444-555555555555".to_owned();
    Account { sub, created: Some(at(created)), ..account }
}

fn begun(at: u64) -> AccountEvent {
    AccountEvent::new(POOL, &linked_at(0, 0).sub, at, What::LinkBegun { provider: google() })
}

async fn hear(house: &House, link_begun: AccountEvent) {
    house.queue.put(&Job::LinkBegun { link_begun }).await.unwrap();
    house.work().await;
}

const NOTICES: [(&str, &str); 2] = [("LINK_NOTICES", "on"), ("EVENT_BUS", "default")];

#[tokio::test(start_paused = true)]
async fn an_owner_is_told_once_of_a_link_that_pre_sign_up_made() {
    let mut account = linked_at(NOW, 1000);
    account.attributes.insert("locale".into(), "de".into());
    let house = House::set([account.clone()], &NOTICES);
    hear(&house, begun(NOW)).await;
    hear(&house, begun(NOW)).await;
    assert_eq!(told(&house), [(account.sub, What::Linked { provider: google() })]);
    let sent = house.mailer.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].to, ADA);
    assert!(sent[0].letter.text.contains("Google") && sent[0].letter.text.contains("Konto"), "{sent:?}");
    assert!(!house.store.text().contains('@'), "{}", house.store.text());
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_not_made_or_is_old_is_not_told() {
    for account in [ada(), linked_at(NOW - 3600, 1000), Account { enabled: false, ..linked_at(NOW, 1000) }] {
        let account = Account { sub: linked_at(0, 0).sub, ..account };
        let house = House::set([account], &NOTICES);
        hear(&house, begun(NOW)).await;
        assert!(told(&house).is_empty() && house.mailer.sent().is_empty());
    }
    // Somebody replays old events, or has another clock.
    for at in [NOW - 2 * 24 * 3600, 0, NOW + 3600, u64::MAX] {
        let house = House::set([linked_at(NOW, 1000)], &NOTICES);
        hear(&house, begun(at)).await;
        assert!(told(&house).is_empty() && house.mailer.sent().is_empty());
    }
    let house = House::set([linked_at(NOW, 1000)], &NOTICES);
    hear(&house, AccountEvent { user_pool_id: "eu-central-1_Other".into(), ..begun(NOW) }).await;
    hear(&house, AccountEvent { sub: "not a sub\" or".into(), ..begun(NOW) }).await;
    let linked = AccountEvent { what: What::Linked { provider: google() }, ..begun(NOW) };
    hear(&house, linked).await;
    assert!(told(&house).is_empty() && house.mailer.sent().is_empty());
}

/// A clock may be a minute ahead. A mail goes out if the account is at least as old as the
/// ten minutes that a sign-in is fresh.
#[tokio::test(start_paused = true)]
async fn a_link_is_told_from_a_day_ago_to_a_minute_ahead() {
    const DAY: u64 = 24 * 3600;
    for (at, is_told) in [(NOW - DAY - 1, false), (NOW - DAY, true), (NOW + 60, true), (NOW + 61, false)] {
        let house = House::set([linked_at(at, 1000)], &NOTICES);
        hear(&house, begun(at)).await;
        assert_eq!(
            (told(&house).len(), house.mailer.sent().len()),
            (usize::from(is_told), usize::from(is_told)),
            "{at}"
        );
    }
    for (created, is_mailed) in [(NOW - 599, false), (NOW - 600, true)] {
        let house = House::set([linked_at(NOW, created)], &NOTICES);
        hear(&house, begun(NOW)).await;
        assert_eq!((told(&house).len(), house.mailer.sent().len()), (1, usize::from(is_mailed)), "{created}");
    }
    // It is known for a day, and not for good.
    let house = House::set([linked_at(NOW, 1000)], &NOTICES);
    hear(&house, begun(NOW)).await;
    house.clock.forward(DAY - 1);
    hear(&house, begun(NOW)).await;
    assert_eq!((told(&house).len(), house.mailer.sent().len()), (1, 1));
    house.store.expire(NOW + 40 * DAY);
    assert_eq!(house.store.text(), "");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_made_a_moment_later_is_told() {
    // Pre-sign-up may run for five seconds.
    for seconds in [1, 5] {
        let linked = linked_at(NOW, 1000);
        let house = House::set([Account { identities: Vec::new(), ..linked.clone() }], &NOTICES);
        let link = async {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            house.pool.change(|accounts| accounts[0] = linked);
        };
        tokio::join!(hear(&house, begun(NOW)), link);
        assert_eq!(told(&house).len(), 1, "after {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_by_mail_of_an_account_that_this_sign_in_made_or_where_it_is_off() {
    let house = House::set([linked_at(NOW, NOW)], &NOTICES);
    hear(&house, begun(NOW)).await;
    assert_eq!((told(&house).len(), house.mailer.sent().len()), (1, 0));
    let house = House::set([linked_at(NOW, 1000)], &[]);
    hear(&house, begun(NOW)).await;
    assert_eq!((told(&house).len(), house.mailer.sent().len()), (1, 0));
    let unproven = Account { email_verified: false, ..linked_at(NOW, 1000) };
    let house = House::set([unproven], &NOTICES);
    hear(&house, begun(NOW)).await;
    assert!(house.mailer.sent().is_empty(), "nobody proved {ADA} or {AT_GOOGLE}");
}

#[tokio::test(start_paused = true)]
async fn a_link_is_told_wherever_the_run_was_cut_off_and_by_two_runs_at_once() {
    cut_off_anywhere(&TRAPS, 6..16, async |trap, after| {
        let house = House::with(PoolKind::EmailUserNames, [linked_at(NOW, 1000)], &NOTICES, trap);
        let ((), sprung) = house.cut_off(after, hear(&house, begun(NOW))).await;
        // A run that was cut off is repeated.
        hear(&house, begun(NOW)).await;
        let mails = house.mailer.sent().len();
        assert!((1..=2).contains(&told(&house).len()) && (1..=2).contains(&mails), "{trap:?} after {after}: {mails}");
        sprung
    })
    .await;
    let house = House::set([linked_at(NOW, 1000)], &NOTICES);
    let job = Job::LinkBegun { link_begun: begun(NOW) };
    let (one, other) = futures_util::future::join(house.run(&job), house.run(&job)).await;
    assert!(one.is_ok() && other.is_ok());
    assert!((1..=2).contains(&house.mailer.sent().len()) && (1..=2).contains(&told(&house).len()));
}

#[tokio::test(start_paused = true)]
async fn a_mail_about_a_link_that_could_not_be_sent_is_sent_by_a_later_run() {
    let house = House::set([linked_at(NOW, 1000)], &NOTICES);
    house.mailer.set_broken(true);
    let job = Job::LinkBegun { link_begun: begun(NOW) };
    assert!(house.run(&job).await.is_err(), "Lambda comes again");
    house.mailer.set_broken(false);
    house.clock.forward(61);
    assert!(house.run(&job).await.is_ok());
    assert_eq!(house.mailer.sent().iter().filter(|mail| mail.to == ADA).count(), 1);
    assert_eq!(told(&house).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_account_is_found_by_its_sub_although_somebody_has_that_for_a_user_name() {
    let ada = linked_at(NOW, 1000);
    let borrower = Account { user_name: ada.sub.clone(), ..cognito_core::user_pool::memory::native("b@example.com") };
    let house = House::with(PoolKind::EmailAlias, [borrower, ada.clone()], &NOTICES, Trap::Crash);
    hear(&house, begun(NOW)).await;
    assert_eq!(told(&house), [(ada.sub, What::Linked { provider: google() })]);
    assert_eq!(house.mailer.sent()[0].to, ADA);
}

#[test]
fn notices_need_a_bus() {
    let error = account_api::testing::settings(&[("LINK_NOTICES", "on")]).unwrap_err().to_string();
    assert!(error.contains("LINK_NOTICES is \"on\"") && error.contains("EVENT_BUS"), "{error}");
}
