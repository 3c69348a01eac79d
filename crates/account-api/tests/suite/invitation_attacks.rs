//! Invitations by strangers who mean no good, and by whoever comes again.

use crate::house::{House, NOW, Trap, event};
use crate::invitations::{GUEST, invite, last_link, new_link};
use account_api::store::memory::MemoryStore;
use cognito_core::testing::CapturedLog;
use cognito_core::user_pool::memory::{Account, PoolKind, Quirks, invited, native};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_guest_who_never_answered_is_invited_again_however_much_later() {
    for (kind, name) in [(PoolKind::EmailUserNames, "email"), (PoolKind::EmailAlias, "uuid")] {
        let house = House::with(kind, [], &[("NATIVE_USERNAME", name)], Trap::Crash);
        invite(&house).await;
        let first = last_link(&house);
        house.clock.forward(400 * 24 * 60 * 60);
        house.store.expire(NOW + 400 * 24 * 60 * 60);
        let link = new_link(&house).await;
        assert_ne!(link.token, first.token, "the first one has expired");
        link.opens(&house).await;
        assert_eq!(house.pool.accounts().len(), 1);
        // What is complete is not kept for good.
        house.store.expire(NOW + 440 * 24 * 60 * 60);
        assert_eq!(house.store.text(), "");
    }
}

/// The run that made the account was cut off before it wrote anything, and the temporary password has expired.
#[tokio::test(start_paused = true)]
async fn a_guest_of_whom_only_the_account_is_left_is_invited_again() {
    let house = House::with_aliases([], &[]);
    invite(&house).await;
    house.store.copy_from(&MemoryStore::default());
    house.clock.forward(366 * 24 * 60 * 60);
    new_link(&house).await.opens(&house).await;
    assert_eq!(house.pool.accounts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_enters_wrong_passwords_does_not_make_the_guest_throw_the_link_away() {
    let house = House::new([]);
    let link = new_link(&house).await;
    let locked = |yes| house.pool.clone().with_quirks(Quirks { refuse_every_password: yes, ..Quirks::default() });
    drop(locked(true));
    let (answer, log) = CapturedLog::of(link.answer(&house)).await;
    answer.is_refused(503, "try-again");
    assert_eq!(answer.retry_after(), Some(60));
    assert!(log.contains("WARN") && !log.contains("ERROR"), "strangers ring no alarm: {log}");
    drop(locked(false));
    link.opens(&house).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_again_when_told_to_is_invited() {
    let body = || Some(json!({ "email": GUEST }));
    for trap in [Trap::Fail, Trap::Lose] {
        let mut told = 0;
        // Last invitation read and written, three counts, the job put.
        for after in 0..6 {
            let house = House::with(PoolKind::EmailUserNames, [], &[("INVITATIONS_A_DAY", "2,2,2")], trap);
            house.fuse.after(after);
            let first = house.as_nobody("POST", "/invitations", body()).await;
            first.is_refused(503, "try-again");
            told += i32::from(first.retry_after() == Some(2));
            house.clock.forward(first.retry_after().unwrap());
            assert_eq!(house.as_nobody("POST", "/invitations", body()).await.status, 202);
            let mail = house.mailer.last_to(GUEST).unwrap_or_else(|| panic!("{trap:?} after {after}: no mail"));
            assert!(mail.parameter("token").is_some());
            if trap == Trap::Fail {
                // What failed took no place: there is one left for the address.
                house.clock.forward(60);
                assert_eq!(house.as_nobody("POST", "/invitations", body()).await.status, 202);
                assert_eq!(house.mailer.sent().len(), 2, "after {after}");
            }
        }
        assert!(told >= 4, "{told}: most may come again at once");
    }
}

#[tokio::test(start_paused = true)]
async fn an_administrator_whose_invitation_failed_sends_it_at_once_again() {
    let own = [("INVITATIONS", "members")];
    let house = House::with(PoolKind::EmailUserNames, [native("ada@example.com")], &own, Trap::Fail);
    let invite = async || house.as_member("POST", "/invitations", Some(json!({ "email": GUEST }))).await;
    // Last invitation read and written, the count; then the look-up.
    house.fuse.after(3);
    let first = invite().await;
    first.is_refused(503, "try-again");
    house.clock.forward(first.retry_after().unwrap());
    assert_eq!(invite().await.status, 202);
    assert!(house.mailer.last_to(GUEST).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_to_the_address_as_it_is_stored_however_a_stranger_spells_it() {
    let house = House::new([]);
    for spelling in ["Grace@example.com", "GRACE@EXAMPLE.COM", GUEST] {
        assert_eq!(house.as_nobody("POST", "/invitations", Some(json!({ "email": spelling }))).await.status, 202);
        house.clock.forward(60);
    }
    let sent = house.mailer.sent();
    assert!(sent.len() == 3 && sent.iter().all(|mail| mail.to == GUEST), "{:?}", sent[0].to);
    // An administrator's account keeps the spelling it was made with.
    let house = House::set([invited("Grace@example.com").unverified()], &[("INVITATIONS", "members")]);
    house.as_member("POST", "/invitations", Some(json!({ "email": GUEST }))).await;
    assert!(house.mailer.last_to("Grace@example.com").unwrap().parameter("token").is_some());
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_one_invitation_make_one_guest_with_one_link() {
    let house = House::with_aliases([], &[]);
    let lag = |list_lag| house.pool.clone().with_quirks(Quirks { list_lag, ..Quirks::default() });
    drop(lag(1));
    let body = json!({ "email": GUEST }).to_string();
    let event = event(None, "POST", "/invitations", Some(&body), "application/json");
    house.answer(&event).await.unwrap();
    house.clock.forward(61);
    house.answer(&event).await.unwrap();
    house.work().await;
    drop(lag(0));
    let tokens: Vec<_> = house.mailer.sent().iter().filter_map(|mail| mail.parameter("token")).collect();
    assert_eq!((house.pool.accounts().len(), tokens.len()), (1, 2));
    assert_eq!(tokens[0], tokens[1]);
    last_link(&house).opens(&house).await;
    // A run so late that the guest is done, while the list shows nobody yet, makes no other guest.
    drop(lag(99));
    house.clock.forward(60);
    invite(&house).await;
    assert_eq!(house.pool.accounts().len(), 1);
    assert!(house.mailer.last_to(GUEST).unwrap().parameter("token").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_next_owner_of_an_address_is_invited_although_a_former_guest_has_the_name() {
    let house = House::with_aliases([], &[]);
    for moved_to in ["first@example.org", "second@example.org", "third@example.org"] {
        new_link(&house).await.opens(&house).await;
        let moves = |account: &mut Account| account.email = Some(moved_to.to_owned());
        house.pool.change(|accounts| accounts.iter_mut().filter(|account| account.has_email(GUEST)).for_each(moves));
        house.clock.forward(60);
    }
    assert_eq!(house.pool.accounts().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_stranger_rings_an_alarm_with_an_address_or_an_attribute_that_aws_refuses() {
    let house = House::set([], &[]);
    house.mailer.set_refusal(Some("BadRequestException"));
    let ((), log) = CapturedLog::of(async { drop(invite(&house).await) }).await;
    assert!(log.contains("WARN") && log.contains("SendEmail: BadRequestException"), "{log}");
    assert!(!log.contains("ERROR") && house.pool.accounts().len() == 1, "{log}");
    house.clock.forward(60);
    house.mailer.set_broken(true);
    let ((), log) = CapturedLog::of(async { drop(invite(&house).await) }).await;
    assert!(log.contains("ERROR"), "a sender that is not verified is the operator's: {log}");

    let house = House::set([], &[]);
    let lag = Quirks { refuse_every_invitation: true, ..Quirks::default() };
    drop(house.pool.clone().with_quirks(lag));
    let ((), log) = CapturedLog::of(async { drop(invite(&house).await) }).await;
    assert!(log.contains("WARN") && log.contains("AdminCreateUser") && !log.contains("ERROR"), "{log}");
    assert!(house.mailer.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn strangers_share_a_limit_for_a_domain_and_one_for_all() {
    let house = House::set([], &[("INVITATIONS_A_DAY", "5,2,3")]);
    let invite = async |email: &str| house.as_nobody("POST", "/invitations", Some(json!({ "email": email }))).await;
    for email in ["a@x.example", "b@x.example"] {
        assert_eq!(invite(email).await.status, 202);
    }
    let full = invite("c@x.example").await;
    full.is_refused(429, "too-many-requests");
    assert!(full.retry_after().is_some_and(|seconds| seconds <= 24 * 60 * 60));
    assert_eq!(invite("a@y.example").await.status, 202);
    invite("a@z.example").await.is_refused(429, "too-many-requests");
    assert_eq!(house.mailer.sent().len(), 3);
    house.clock.forward(24 * 60 * 60);
    assert_eq!(invite("a@z.example").await.status, 202);
}
