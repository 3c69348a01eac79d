//! What a revocation ends, and what is left of it.

use crate::house::{TRAPS, admin_token, cut_off_anywhere, wait};
use crate::invitation_members::{
    ADA, DAY, guests, handed_over, house, invited_by_mail, invited_with_link, path_of, state, trapped,
};
use crate::invitations::{GUEST, last_link};
use cognito_core::testing::CapturedLog;
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::{Quirks, federated, invited, native};
use futures_util::future::join;
use serde_json::json;

/// Its account stays, so only the invitation says that it was revoked.
#[tokio::test(start_paused = true)]
async fn a_revoked_invitation_whose_account_stays_shows_as_revoked_and_is_not_sent_again() {
    for account in [invited(GUEST).unverified(), native(GUEST).unconfirmed()] {
        let house = house(&[]);
        house.pool.change(|accounts| accounts.push(account));
        let path = invited_by_mail(&house).await;
        assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
        let list = house.as_member("GET", "/invitations", None).await.body;
        assert_eq!((&list["invitations"][0]["state"], guests(&house)), (&json!("revoked"), 1));
        assert_eq!(state(&house, &path).await, "revoked");
        let dead = last_link(&house);
        house.clock.forward(60);
        house.as_member("POST", &format!("{path}/resend"), None).await.is_refused(400, "invitation-invalid");
        assert_eq!(last_link(&house), dead, "no other link goes out");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_revoked_invitation_stays_in_the_table_for_good() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
    // Its own time, and the time for which a late guest learns what happened.
    let ends = house.time() + (7 + 30) * DAY;
    house.store.expire(ends - 1);
    assert_ne!(house.store.text(), "");
    house.store.expire(ends);
    assert_eq!(house.store.text(), "");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_not_told_as_done_while_the_account_stays() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    house.pool.set_quirks(Quirks { throttled: Some("AdminDeleteUser"), ..Quirks::default() });
    house.as_member("DELETE", &path, None).await.is_refused(503, "try-again");
    assert_eq!(guests(&house), 1);
    house.pool.set_quirks(Quirks::default());
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 0);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_done_if_somebody_else_deletes_the_account_first() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    house.just_before("AdminDeleteUser", |accounts| accounts.retain(|account| !account.has_email(GUEST)));
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
    assert_eq!((guests(&house), state(&house, &path).await), (0, json!("revoked")));
    assert!(house.pool.calls().contains(&"AdminDeleteUser"));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_invitation_opens_nothing_and_leaves_no_account_behind() {
    let house = house(&[]);
    let (path, link) = invited_with_link(&house).await;
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
    link.answer(&house).await.is_refused(400, "invitation-invalid");
    assert_eq!(guests(&house), 0, "nobody comes into the account in another way");
    assert_eq!(state(&house, &path).await, "revoked");
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204, "again");
    house.clock.forward(60);
    house.as_member("POST", &format!("{path}/resend"), None).await.is_refused(400, "invitation-invalid");
    // The person can be invited anew.
    let anew = invited_by_mail(&house).await;
    assert_ne!(anew, path);
    last_link(&house).opens(&house).await;
    assert_eq!((state(&house, &anew).await, state(&house, &path).await), (json!("answered"), json!("revoked")));
}

#[tokio::test(start_paused = true)]
async fn a_revocation_leaves_every_account_that_the_invitation_did_not_make_or_that_is_open() {
    // An administrator made it, somebody registered it, or its owner came through a provider.
    let made = [invited(GUEST).unverified(), native(GUEST).unconfirmed()];
    for account in made {
        let house = house(&[]);
        house.pool.change(|accounts| accounts.push(account.clone()));
        let (path, link) = invited_with_link(&house).await;
        assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
        assert_eq!(guests(&house), 1);
        link.answer(&house).await.is_refused(400, "invitation-invalid");
        // The person can be invited anew.
        house.clock.forward(60);
        invited_by_mail(&house).await;
        last_link(&house).opens(&house).await;
    }
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    house.pool.change(|accounts| {
        let guest = accounts.iter_mut().find(|account| account.has_email(GUEST)).unwrap();
        guest.status = Status::Confirmed;
        guest.identities = federated("Google", "1", GUEST).identities;
    });
    house.as_member("DELETE", &path, None).await.is_refused(409, "already-completed");
    assert_eq!((guests(&house), state(&house, &path).await), (1, json!("answered")));
    house.clock.forward(60);
    house.as_member("POST", &format!("{path}/resend"), None).await.is_refused(409, "already-completed");
    assert!(!house.pool.calls().contains(&"AdminSetUserPassword") && !house.pool.calls().contains(&"AdminDeleteUser"));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_opens_while_its_invitation_is_revoked_is_not_deleted() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    // Comes through a provider between the last look before the write and the look after it.
    let mut looks = 0;
    house.pool.before_each_call(move |called, accounts| {
        looks += i32::from(called == "AdminGetUser");
        if looks == 2 {
            let guest = accounts.iter_mut().find(|account| account.has_email(GUEST)).unwrap();
            guest.status = Status::Confirmed;
        }
    });
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 1);
}

#[tokio::test(start_paused = true)]
async fn of_an_answer_and_a_revocation_at_once_one_wins() {
    let (mut opened, mut revoked) = (0, 0);
    for steps in -20_i32..40 {
        let house = house(&[]);
        let (path, link) = invited_with_link(&house).await;
        let revoke = async {
            wait(steps).await;
            house.as_member("DELETE", &path, None).await
        };
        let answer = async {
            wait(-steps).await;
            link.answer(&house).await
        };
        let (done, gone) = join(answer, revoke).await;
        match (done.status.as_u16(), gone.status.as_u16()) {
            (200, 409 | 503) => {
                opened += 1;
                assert_eq!((guests(&house), state(&house, &path).await), (1, json!("answered")), "{steps}: {gone:?}");
                house.clock.forward(30);
                house.as_member("DELETE", &path, None).await.is_refused(409, "already-completed");
            }
            (400, 204) => {
                revoked += 1;
                assert_eq!((guests(&house), state(&house, &path).await), (0, json!("revoked")), "{steps}");
            }
            _ => panic!("after {steps} steps: {done:?} {gone:?}"),
        }
    }
    assert!(opened > 0 && revoked > 0, "{opened} {revoked}");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_waits_for_an_answer_that_is_under_way_and_rings_no_alarm() {
    let house = house(&[]);
    let (path, link) = invited_with_link(&house).await;
    // The answer is cut off when it is noted and before the pool has it.
    link.answer_cut_off(&house, 4).await;
    let (refused, log) = CapturedLog::of(house.as_member("DELETE", &path, None)).await;
    refused.is_refused(503, "try-again");
    assert_eq!(refused.retry_after(), Some(30));
    assert!(log.contains("WARN") && !log.contains("ERROR"), "{log}");
    house.clock.forward(30);
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 0);
}

#[tokio::test(start_paused = true)]
async fn revocations_and_resends_at_once_end_with_a_dead_link() {
    for steps in 0..30 {
        let house = house(&[]);
        let path = invited_by_mail(&house).await;
        house.clock.forward(60);
        let resend = format!("{path}/resend");
        let late = async {
            wait(steps).await;
            join(house.as_member("DELETE", &path, None), house.as_member("DELETE", &path, None)).await
        };
        let (sent, (one, other)) = join(house.as_member("POST", &resend, None), late).await;
        assert_eq!((one.status.as_u16(), other.status.as_u16()), (204, 204), "{steps}: {one:?} {other:?}");
        assert!([202, 400, 503].contains(&sent.status.as_u16()), "{steps}: {sent:?}");
        last_link(&house).answer(&house).await.is_refused(400, "invitation-invalid");
        assert_eq!((guests(&house), state(&house, &path).await), (0, json!("revoked")), "{steps}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_was_cut_off_anywhere_is_finished_by_the_next_one() {
    cut_off_anywhere(&TRAPS, 6..20, async |trap, after| {
        let house = trapped(trap);
        let (path, link) = invited_with_link(&house).await;
        let (_, sprung) = house.cut_off(after, house.call(Some(&admin_token(ADA)), "DELETE", &path, None)).await;
        assert_eq!(house.as_member("DELETE", &path, None).await.status, 204, "{trap:?} {after}");
        assert_eq!(guests(&house), 0, "{trap:?} {after}");
        link.answer(&house).await.is_refused(400, "invitation-invalid");
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_repeated_revocation_leaves_a_later_account_of_the_same_name() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    let username = last_link(&house).username;
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 0);
    house.pool.change(|accounts| {
        let mut later = invited(GUEST).unverified();
        (later.sub, later.user_name) = ("sub-of-another".to_owned(), username);
        accounts.push(later);
    });
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_revokes_an_invitation_that_another_one_replaced_takes_nothing_from_the_other() {
    let house = house(&[]);
    let first = invited_by_mail(&house).await;
    house.clock.forward(61);
    let newer = handed_over(&house).await;
    assert_eq!(newer.status, 202, "{newer:?}");
    let newer = path_of(&newer);
    assert_eq!((state(&house, &first).await, state(&house, &newer).await), (json!("revoked"), json!("open")));
    assert_eq!(house.as_member("DELETE", &first, None).await.status, 204);
    assert_eq!(house.pool.accounts().len(), 2, "the guest's account still waits");
    assert_eq!(state(&house, &newer).await, "open");
}
