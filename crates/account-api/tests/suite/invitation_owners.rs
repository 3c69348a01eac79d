//! Whose account an invited address leads to, and who gets the link to it.

use crate::house::{House, NOW, Trap, wait};
use crate::invitation_members::{
    ADA, DAY, guests, handed_over, house, invite, invited_by_mail, invited_with_link, link_in, path_of, state,
};
use crate::invitations::{GUEST, PASSWORD, last_link};
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::{Account, PoolKind, Quirks, invited, native};
use futures_util::future::join;
use serde_json::json;
use std::time::{Duration, SystemTime};

/// A house in whose pool the address is an alias.
fn with_aliases(mode: &str, accounts: impl IntoIterator<Item = Account>) -> House {
    House::with_aliases(accounts, &[("INVITATIONS", mode)])
}

/// All accounts, for a comparison afterwards.
fn everybody(house: &House) -> String {
    format!("{:?}", house.pool.accounts())
}

fn account_of_the_guest(house: &House) -> String {
    let accounts = house.pool.accounts();
    format!("{:?}", accounts.iter().find(|account| account.has_email(GUEST)).unwrap())
}

/// Nobody knows which of them is the guest's.
#[tokio::test(start_paused = true)]
async fn of_two_accounts_that_wait_with_one_address_none_is_invited() {
    let waiting = ["one", "another"].map(|name| invited(GUEST).unverified().named(name));
    let house = with_aliases("members", waiting);
    let before = everybody(&house);
    invite(&house, json!({})).await.is_refused(409, "account-exists");
    assert_eq!(everybody(&house), before);
    assert!(house.mailer.sent().is_empty());
}

/// Only the user name would say that the API made it.
#[tokio::test(start_paused = true)]
async fn an_account_that_an_administrator_made_a_moment_ago_goes_neither_to_a_member_nor_to_a_stranger() {
    let created = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(NOW));
    let planted = Account { created, ..invited(GUEST).unverified().named("planted").in_group("admins") };
    let house = with_aliases("members", [planted.clone()]);
    let before = everybody(&house);
    handed_over(&house).await.is_refused(409, "account-exists");
    assert_eq!(everybody(&house), before);

    let house = with_aliases("public", [planted]);
    assert_eq!(crate::invitations::invite(&house).await.status, 202);
    assert_eq!(everybody(&house), before, "its temporary password stays");
    assert!(house.mailer.last_to(GUEST).unwrap().parameter("token").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_look_at_a_new_guest_that_fails_is_tried_again_and_says_nothing_of_an_account() {
    let own = [("INVITATIONS", "members"), ("NATIVE_USERNAME", "derived")];
    let house = House::with(PoolKind::UserNames, [native(ADA)], &own, Trap::Crash);
    house.pool.set_quirks(Quirks { throttled: Some("AdminGetUser"), ..Quirks::default() });
    let failed = invite(&house, json!({})).await;
    failed.is_refused(503, "try-again");
    house.pool.set_quirks(Quirks::default());
    house.clock.forward(failed.retry_after().unwrap());
    invited_by_mail(&house).await;
    last_link(&house).opens(&house).await;
    assert_eq!(house.pool.accounts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_a_member_hands_over_opens_the_account_and_proves_no_address() {
    let house = house(&[]);
    let answer = handed_over(&house).await;
    assert_eq!(answer.status, 202);
    assert!(house.mailer.sent().is_empty());
    let handed = answer.body["link"].as_str().unwrap().to_owned();
    assert!(handed.starts_with("https://app.example.com/activate?username="), "{handed}");
    let link = link_in(&answer);
    link.answer(&house).await.says(200, &json!({ "email": GUEST }));
    let accounts = house.pool.accounts();
    let account = accounts.iter().find(|account| account.has_email(GUEST)).unwrap();
    assert_eq!((account.status, account.email_verified), (Status::Confirmed, false), "a member is not the mailbox");
    assert!(account.groups.contains("Users"));
}

#[tokio::test(start_paused = true)]
async fn a_guest_who_answers_while_the_link_goes_another_way_keeps_the_password() {
    let (mut opened, mut replaced) = (0, 0);
    for steps in -20_i32..40 {
        let house = house(&[]);
        invited_by_mail(&house).await;
        house.clock.forward(60);
        let link = last_link(&house);
        let again = async {
            wait(steps).await;
            handed_over(&house).await
        };
        let answer = async {
            wait(-steps).await;
            link.answer(&house).await
        };
        let (done, again) = join(answer, again).await;
        let accounts = house.pool.accounts();
        let account = accounts.iter().find(|account| account.has_email(GUEST)).unwrap();
        if done.status == 200 {
            opened += 1;
            assert_eq!((account.status, account.password.as_deref()), (Status::Confirmed, Some(PASSWORD)), "{steps}");
            assert!(account.email_verified, "{steps}: {again:?}");
        } else {
            replaced += 1;
            done.is_refused(400, "invitation-invalid");
            assert_eq!((account.status, again.status.as_u16()), (Status::ForceChangePassword, 202), "{steps}");
        }
    }
    assert!(opened > 0 && replaced > 0, "{opened} {replaced}");
}

#[tokio::test(start_paused = true)]
async fn a_link_goes_no_other_way_while_its_guest_may_be_answering() {
    let house = house(&[]);
    invited_by_mail(&house).await;
    house.clock.forward(60);
    let link = last_link(&house);
    // The answer is cut off when it is noted and before the pool has it.
    link.answer_cut_off(&house, 4).await;
    let refused = handed_over(&house).await;
    refused.is_refused(503, "try-again");
    house.clock.forward(60);
    assert_eq!(handed_over(&house).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn no_member_gets_the_link_to_an_account_that_the_api_did_not_make() {
    // An administrator made it, or somebody registered it.
    for mut account in [invited(GUEST).unverified(), native(GUEST).unconfirmed().unverified()] {
        account.user_name = "planted".to_owned();
        account.groups.insert("admins".to_owned());
        let house = house(&[]);
        house.pool.change(|accounts| accounts.push(account));
        let planted = account_of_the_guest(&house);
        handed_over(&house).await.is_refused(409, "account-exists");
        assert_eq!(account_of_the_guest(&house), planted);
        // The mailbox may have it. Its open link does not become a member's, even when it has expired.
        house.clock.forward(60);
        let (path, link) = invited_with_link(&house).await;
        let mailed = account_of_the_guest(&house);
        for seconds in [60, 8 * DAY] {
            house.clock.forward(seconds);
            handed_over(&house).await.is_refused(409, "account-exists");
            assert_eq!(account_of_the_guest(&house), mailed);
            if seconds == 60 {
                assert_eq!(state(&house, &path).await, "open");
            }
        }
        house.clock.forward(60);
        invited_by_mail(&house).await;
        link.answer(&house).await.is_refused(400, "invitation-invalid");
        let link = last_link(&house);
        let done = link.answer(&house).await;
        assert_eq!(done.status, 200, "{done:?} {planted}");
    }
}

/// Whose address was never proven cannot use "forgot password". So an administrator gives the account a temporary password,
/// and it looks like one that waits for its guest.
#[tokio::test(start_paused = true)]
async fn no_member_gets_the_link_to_an_account_that_its_guest_has_opened() {
    let by_name = [("INVITATIONS", "members"), ("NATIVE_USERNAME", "uuid")];
    for (kind, own) in [(PoolKind::EmailUserNames, &by_name[..1]), (PoolKind::EmailAlias, &by_name[..])] {
        let house = House::with(kind, [native(ADA)], own, Trap::Crash);
        let handed = handed_over(&house).await;
        let link = link_in(&handed);
        link.opens(&house).await;
        house.pool.change(|accounts| {
            let account = accounts.iter_mut().find(|account| account.has_email(GUEST)).unwrap();
            (account.status, account.password) = (Status::ForceChangePassword, Some("temporary".into()));
            account.groups.insert("admins".to_owned());
            account.created = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(NOW));
        });
        let before = account_of_the_guest(&house);
        // At once, and when the record of the answer is gone.
        for seconds in [60, 40 * DAY] {
            house.clock.forward(seconds);
            if seconds > DAY {
                house.store.expire(house.time());
            }
            handed_over(&house).await.is_refused(409, "account-exists");
            assert_eq!(account_of_the_guest(&house), before);
        }
        // The mailbox may have it, and no member gets that link, either. A member who revokes it deletes nothing.
        house.clock.forward(60);
        let path = invited_by_mail(&house).await;
        house.clock.forward(60);
        handed_over(&house).await.is_refused(409, "account-exists");
        assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
        assert_eq!(guests(&house), 1);
        house.clock.forward(60);
        handed_over(&house).await.is_refused(409, "account-exists");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_a_member_has_opens_no_later_account_of_the_same_name() {
    for mut later in [invited(GUEST).unverified(), native(GUEST).unconfirmed().unverified()] {
        later.sub = "sub-of-another".to_owned();
        later.groups.insert("admins".to_owned());
        let house = house(&[]);
        let answer = handed_over(&house).await;
        let link = link_in(&answer);
        house.pool.change(|accounts| {
            accounts.retain(|account| !account.has_email(GUEST));
            later.user_name = link.username.clone();
            accounts.push(later);
        });
        let planted = account_of_the_guest(&house);
        house.clock.forward(60);
        link.answer(&house).await.is_refused(400, "invitation-invalid");
        let path = path_of(&answer);
        house.as_member("POST", &format!("{path}/resend"), None).await.is_refused(400, "invitation-invalid");
        assert_eq!(account_of_the_guest(&house), planted);
        assert_eq!(state(&house, &path).await, "revoked");
    }
}
