//! What members of the group do with invitations, and what nobody else can.

use crate::house::{Answer, House, NOW, TRAPS, Trap, access_token, admin_token, cut_off_anywhere};
use crate::invitations::{GUEST, PASSWORD, complete, link};
use cognito_core::testing::CapturedLog;
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::{PoolKind, federated, invited, native};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const DAY: u64 = 24 * 60 * 60;

/// A house whose members invite, with Ada as one of them.
pub(crate) fn house(own: &[(&str, &str)]) -> House {
    let own: Vec<_> = [("INVITATIONS", "members")].iter().chain(own).copied().collect();
    House::set([native(ADA)], &own)
}

pub(crate) async fn as_member(house: &House, method: &str, path: &str, body: Option<Value>) -> Answer {
    house.call(Some(&admin_token(ADA)), method, path, body).await.expect("an answer")
}

/// A house of members with a trap.
fn trapped(trap: Trap) -> House {
    House::with(PoolKind::EmailUserNames, [native(ADA)], &[("INVITATIONS", "members")], trap)
}

pub(crate) async fn invite(house: &House, more: Value) -> Answer {
    let mut body = json!({ "email": GUEST });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    as_member(house, "POST", "/invitations", Some(body)).await
}

/// Invites the guest. Returns the path of the invitation.
pub(crate) async fn invited_by_mail(house: &House) -> String {
    let answer = invite(house, json!({})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert!(answer.body["link"].is_null(), "{answer:?}");
    format!("/invitations/{}", answer.body["id"].as_str().unwrap())
}

pub(crate) async fn state(house: &House, path: &str) -> Value {
    as_member(house, "GET", path, None).await.body["state"].clone()
}

/// Lets others make so many calls first.
async fn wait(steps: i32) {
    for _ in 0..steps {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn guests(house: &House) -> usize {
    house.pool.accounts().iter().filter(|account| account.has_email(GUEST)).count()
}

/// User name and token of a link.
fn parts(link: &str) -> (String, String) {
    let (_, rest) = link.split_once("/activate?username=").unwrap();
    let (username, token) = rest.split_once("&token=").unwrap();
    (username.replace("%40", "@"), token.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_member_sees_who_invited_whom_and_what_became_of_it() {
    let house = house(&[("INVITATION_GROUPS", "Users")]);
    let answer = invite(&house, json!({ "inviter": "Ada Lovelace", "group": "Users" })).await;
    let path = format!("/invitations/{}", answer.body["id"].as_str().unwrap());
    let view = json!({
        "id": answer.body["id"], "email": GUEST, "state": "open", "invited_by": format!("sub-{ADA}"),
        "inviter": "Ada Lovelace", "invited_at": NOW, "sent_at": NOW, "expires_at": NOW + 7 * DAY,
        "group": "Users", "notify": true,
    });
    let seen = as_member(&house, "GET", &path, None).await;
    assert_eq!((seen.status.as_u16(), &seen.body), (200, &view));
    let list = as_member(&house, "GET", "/invitations", None).await;
    assert_eq!((list.status.as_u16(), list.body), (200, json!({ "invitations": [view] })));
    let (username, token) = link(&house);
    assert_eq!(complete(&house, &username, &token, PASSWORD).await.status, 200);
    assert_eq!(state(&house, &path).await, "answered");
    let list = as_member(&house, "GET", "/invitations", None).await;
    assert_eq!(list.body["invitations"][0]["state"], "answered");
    // With the invitation's time, the address leaves the table.
    house.clock.forward(7 * DAY);
    as_member(&house, "GET", &path, None).await.is_refused(404, "not-found");
    assert_eq!(as_member(&house, "GET", "/invitations", None).await.body, json!({ "invitations": [] }));
    house.store.expire(NOW + 7 * DAY);
    assert!(!house.store.text().contains('@') && !house.store.text().contains("Ada"), "{}", house.store.text());
}

#[tokio::test(start_paused = true)]
async fn the_list_has_pages_and_shows_each_invitation_once() {
    let house = house(&[]);
    for number in 0..60 {
        let body = json!({ "email": format!("guest{number}@example.com") });
        assert_eq!(as_member(&house, "POST", "/invitations", Some(body)).await.status, 202);
        house.clock.forward(u64::from(number % 2 == 0));
    }
    let (mut path, mut sizes, mut seen) = ("/invitations".to_owned(), Vec::new(), Vec::new());
    loop {
        let (route, query) = path.split_once('?').unwrap_or((&path, ""));
        let claims = admin_token(ADA);
        let mut event = crate::house::event(Some(&claims), "GET", route, None, "application/json");
        event["rawQueryString"] = json!(query);
        let page = house.send(&event).await.unwrap().body;
        let invitations = page["invitations"].as_array().unwrap();
        sizes.push(invitations.len());
        seen.extend(invitations.iter().map(|one| one["email"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/invitations?before={next}");
    }
    assert_eq!(sizes, [25, 25, 10]);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 60);
    // With the older ones gone, one page is just full.
    house.clock.forward(7 * DAY);
    for number in 0..25 {
        let body = json!({ "email": format!("late{number}@example.com") });
        assert_eq!(as_member(&house, "POST", "/invitations", Some(body)).await.status, 202);
    }
    let full = as_member(&house, "GET", "/invitations", None).await.body;
    assert_eq!((full["invitations"].as_array().unwrap().len(), &full["next"]), (25, &Value::Null));
    for odd in ["%23", "a%00", "é", &"9".repeat(65)] {
        let claims = admin_token(ADA);
        let mut event = crate::house::event(Some(&claims), "GET", "/invitations", None, "application/json");
        event["rawQueryString"] = json!(format!("before={odd}"));
        house.send(&event).await.unwrap().is_refused(400, "invalid-request");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_no_member_learns_nothing_of_any_invitation() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    let missing = format!("/invitations/{}", uuid(&path).replace(|c: char| c.is_ascii_digit(), "a"));
    let mut claims = access_token(ADA);
    claims["cognito:groups"] = json!("[not-admins]");
    for (claims, status, code) in [(Some(&claims), 403, "not-an-admin"), (None, 401, "unauthorized")] {
        let before = house.pool.calls().len();
        let mut texts = Vec::new();
        for path in [path.clone(), missing.clone(), "/invitations/x".to_owned()] {
            for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("POST", format!("{path}/resend"))]
            {
                let refused = house.call(claims, method, &path, None).await.unwrap();
                refused.is_refused(status, code);
                texts.push((refused.body.to_string(), refused.headers.get("content-length").cloned()));
            }
        }
        let refused = house.call(claims, "GET", "/invitations", None).await.unwrap();
        refused.is_refused(status, code);
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        assert_eq!(house.pool.calls().len(), before, "nothing is looked up");
    }
    assert_eq!(state(&house, &path).await, "open");
}

fn uuid(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_id_leads_a_member_to_invitations_and_to_nothing_else() {
    let house = house(&[]);
    invited_by_mail(&house).await;
    let (username, _) = link(&house);
    let wish = json!({ "new_email": "lovelace@example.org" });
    assert_eq!(house.as_owner(ADA, "POST", "/email-change", Some(wish)).await.status, 202);
    let stored = house.store.text();
    for id in [
        username.as_str(),
        &format!("sub-{ADA}"),
        &format!("email-change%23sub-{ADA}"),
        "..",
        "00000000-0000-0000-0000-000000000000",
    ] {
        let path = format!("/invitations/{id}");
        as_member(&house, "GET", &path, None).await.is_refused(404, "not-found");
        as_member(&house, "DELETE", &path, None).await.is_refused(404, "not-found");
        as_member(&house, "POST", &format!("{path}/resend"), None).await.is_refused(404, "not-found");
    }
    assert_eq!(house.store.text(), stored);
}

#[tokio::test(start_paused = true)]
async fn a_resend_makes_a_new_link_with_its_whole_time_and_the_old_one_is_dead() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    let (username, old) = link(&house);
    let resend = format!("{path}/resend");
    as_member(&house, "POST", &resend, None).await.is_refused(429, "too-many-requests");
    house.clock.forward(6 * DAY);
    let again = as_member(&house, "POST", &resend, None).await;
    assert_eq!((again.status.as_u16(), again.body), (202, json!({ "id": uuid(&path) })));
    let (same, new) = link(&house);
    assert!(same == username && new != old);
    complete(&house, &username, &old, PASSWORD).await.is_refused(400, "invitation-invalid");
    // The account's temporary password has its whole time again, too.
    assert!(house.pool.calls().contains(&"AdminSetUserPassword"));
    house.clock.forward(6 * DAY);
    let seen = as_member(&house, "GET", &path, None).await.body;
    assert_eq!((&seen["sent_at"], &seen["expires_at"]), (&json!(NOW + 6 * DAY), &json!(NOW + 13 * DAY)));
    assert_eq!(complete(&house, &username, &new, PASSWORD).await.status, 200);
    house.clock.forward(60);
    as_member(&house, "POST", &resend, None).await.is_refused(409, "already-completed");
}

#[tokio::test(start_paused = true)]
async fn of_resends_at_once_one_sends_and_its_link_opens() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    house.clock.forward(60);
    let resend = format!("{path}/resend");
    let answers = join_all((0..10).map(|_| as_member(&house, "POST", &resend, None))).await;
    let sent = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!((sent, house.mailer.sent().len()), (1, 2), "{answers:?}");
    assert!(answers.iter().all(|answer| [202, 429].contains(&answer.status.as_u16())), "{answers:?}");
    let (username, token) = link(&house);
    assert_eq!(complete(&house, &username, &token, PASSWORD).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_invitation_opens_nothing_and_leaves_no_account_behind() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    let (username, token) = link(&house);
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
    complete(&house, &username, &token, PASSWORD).await.is_refused(400, "invitation-invalid");
    assert_eq!(guests(&house), 0, "nobody comes into the account in another way");
    assert_eq!(state(&house, &path).await, "revoked");
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204, "again");
    house.clock.forward(60);
    as_member(&house, "POST", &format!("{path}/resend"), None).await.is_refused(400, "invitation-invalid");
    // The person can be invited anew.
    let anew = invited_by_mail(&house).await;
    assert_ne!(anew, path);
    let (username, token) = link(&house);
    assert_eq!(complete(&house, &username, &token, PASSWORD).await.status, 200);
    assert_eq!((state(&house, &anew).await, state(&house, &path).await), (json!("answered"), json!("revoked")));
}

#[tokio::test(start_paused = true)]
async fn a_revocation_leaves_every_account_that_the_invitation_did_not_make_or_that_is_open() {
    // An administrator made it, somebody registered it, or its owner came through a provider.
    let made = [invited(GUEST).unverified(), native(GUEST).unconfirmed()];
    for account in made {
        let house = house(&[]);
        house.pool.change(|accounts| accounts.push(account.clone()));
        let path = invited_by_mail(&house).await;
        let (username, token) = link(&house);
        assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
        assert_eq!(guests(&house), 1);
        complete(&house, &username, &token, PASSWORD).await.is_refused(400, "invitation-invalid");
        // The person can be invited anew.
        house.clock.forward(60);
        invited_by_mail(&house).await;
        let (username, token) = link(&house);
        assert_eq!(complete(&house, &username, &token, PASSWORD).await.status, 200);
    }
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    house.pool.change(|accounts| {
        let guest = accounts.iter_mut().find(|account| account.has_email(GUEST)).unwrap();
        guest.status = Status::Confirmed;
        guest.identities = federated("Google", "1", GUEST).identities;
    });
    as_member(&house, "DELETE", &path, None).await.is_refused(409, "already-completed");
    assert_eq!((guests(&house), state(&house, &path).await), (1, json!("answered")));
    house.clock.forward(60);
    as_member(&house, "POST", &format!("{path}/resend"), None).await.is_refused(409, "already-completed");
    assert!(!house.pool.calls().contains(&"AdminSetUserPassword") && !house.pool.calls().contains(&"AdminDeleteUser"));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_disabled_since_its_invitation_gets_no_other_link() {
    for account in [invited(GUEST).unverified(), native(GUEST).unconfirmed()] {
        let house = house(&[]);
        house.pool.change(|accounts| accounts.push(account));
        let path = invited_by_mail(&house).await;
        house
            .pool
            .change(|accounts| accounts.iter_mut().filter(|it| it.has_email(GUEST)).for_each(|it| it.enabled = false));
        house.clock.forward(60);
        let mails = house.mailer.sent().len();
        as_member(&house, "POST", &format!("{path}/resend"), None).await.is_refused(400, "invitation-invalid");
        assert_eq!((house.mailer.sent().len(), state(&house, &path).await), (mails, json!("revoked")));
    }
}

/// The link of a resend has answered nothing yet, whatever became of an answer to the link before.
#[tokio::test(start_paused = true)]
async fn who_comes_through_a_provider_after_a_resend_is_left_as_they_are() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    let (username, token) = link(&house);
    // The answer is cut off when it is noted and before the pool has it.
    let body = json!({ "username": username, "token": token, "password": PASSWORD });
    house.cut_off(4, house.call(None, "POST", "/invitations/complete", Some(body))).await;
    house.clock.forward(60);
    assert_eq!(as_member(&house, "POST", &format!("{path}/resend"), None).await.status, 202);
    let (username, token) = link(&house);
    house.pool.change(|accounts| {
        let guest = accounts.iter_mut().find(|account| account.has_email(GUEST)).unwrap();
        (guest.status, guest.identities) = (Status::Confirmed, federated("Google", "1", GUEST).identities);
    });
    complete(&house, &username, &token, PASSWORD).await.is_refused(409, "already-completed");
    assert!(!house.pool.calls().iter().any(|call| ["AdminUpdateUserAttributes", "AdminAddUserToGroup"].contains(call)));
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
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 1);
}

#[tokio::test(start_paused = true)]
async fn of_an_answer_and_a_revocation_at_once_one_wins() {
    let (mut opened, mut revoked) = (0, 0);
    for steps in -20_i32..40 {
        let house = house(&[]);
        let path = invited_by_mail(&house).await;
        let (username, token) = link(&house);
        let revoke = async {
            wait(steps).await;
            as_member(&house, "DELETE", &path, None).await
        };
        let answer = async {
            wait(-steps).await;
            complete(&house, &username, &token, PASSWORD).await
        };
        let (done, gone) = join(answer, revoke).await;
        match (done.status.as_u16(), gone.status.as_u16()) {
            (200, 409 | 503) => {
                opened += 1;
                assert_eq!((guests(&house), state(&house, &path).await), (1, json!("answered")), "{steps}: {gone:?}");
                house.clock.forward(30);
                as_member(&house, "DELETE", &path, None).await.is_refused(409, "already-completed");
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
    let path = invited_by_mail(&house).await;
    let (username, token) = link(&house);
    // The answer is cut off when it is noted and before the pool has it.
    let body = json!({ "username": username, "token": token, "password": PASSWORD });
    let (answer, _) = house.cut_off(4, house.call(None, "POST", "/invitations/complete", Some(body))).await;
    assert!(answer.is_none());
    let (refused, log) = CapturedLog::of(as_member(&house, "DELETE", &path, None)).await;
    refused.is_refused(503, "try-again");
    assert_eq!(refused.retry_after(), Some(30));
    assert!(log.contains("WARN") && !log.contains("ERROR"), "{log}");
    house.clock.forward(30);
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
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
            join(as_member(&house, "DELETE", &path, None), as_member(&house, "DELETE", &path, None)).await
        };
        let (sent, (one, other)) = join(as_member(&house, "POST", &resend, None), late).await;
        assert_eq!((one.status.as_u16(), other.status.as_u16()), (204, 204), "{steps}: {one:?} {other:?}");
        assert!([202, 400, 503].contains(&sent.status.as_u16()), "{steps}: {sent:?}");
        let (username, token) = link(&house);
        complete(&house, &username, &token, PASSWORD).await.is_refused(400, "invitation-invalid");
        assert_eq!((guests(&house), state(&house, &path).await), (0, json!("revoked")), "{steps}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_was_cut_off_anywhere_is_finished_by_the_next_one() {
    cut_off_anywhere(&TRAPS, 6..20, async |trap, after| {
        let house = trapped(trap);
        let path = invited_by_mail(&house).await;
        let (username, token) = link(&house);
        let (_, sprung) = house.cut_off(after, house.call(Some(&admin_token(ADA)), "DELETE", &path, None)).await;
        assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204, "{trap:?} {after}");
        assert_eq!(guests(&house), 0, "{trap:?} {after}");
        complete(&house, &username, &token, PASSWORD).await.is_refused(400, "invitation-invalid");
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_open_link_is_in_the_list_however_the_invitation_was_cut_off() {
    cut_off_anywhere(&TRAPS, 9..20, async |trap, after| {
        let house = trapped(trap);
        let body = Some(json!({ "email": GUEST }));
        let (_, sprung) = house.cut_off(after, house.call(Some(&admin_token(ADA)), "POST", "/invitations", body)).await;
        let listed = async || {
            let list = as_member(&house, "GET", "/invitations", None).await.body;
            list["invitations"].as_array().unwrap().iter().filter(|one| one["state"] == "open").count()
        };
        let mailed = house.mailer.last_to(GUEST).is_some();
        assert!(!mailed || listed().await == 1, "{trap:?} {after}: a link that no member sees");
        house.clock.forward(60);
        assert_eq!(invite(&house, json!({})).await.status, 202, "{trap:?} {after}");
        assert_eq!(listed().await, 1, "{trap:?} {after}");
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_a_member_hands_over_opens_the_account_and_proves_no_address() {
    let house = house(&[]);
    let answer = invite(&house, json!({ "notify": false })).await;
    assert_eq!(answer.status, 202);
    assert!(house.mailer.sent().is_empty());
    let handed = answer.body["link"].as_str().unwrap().to_owned();
    assert!(handed.starts_with("https://app.example.com/activate?username="), "{handed}");
    let (username, token) = parts(&handed);
    let done = complete(&house, &username, &token, PASSWORD).await;
    assert_eq!((done.status.as_u16(), done.body), (200, json!({ "email": GUEST })));
    let accounts = house.pool.accounts();
    let account = accounts.iter().find(|account| account.has_email(GUEST)).unwrap();
    assert_eq!((account.status, account.email_verified), (Status::Confirmed, false), "a member is not the mailbox");
    assert!(account.groups.contains("Users"));
}

#[tokio::test(start_paused = true)]
async fn where_the_address_is_an_alias_the_guest_is_told_the_user_name_to_sign_in_with() {
    let own = [("INVITATIONS", "members"), ("NATIVE_USERNAME", "uuid")];
    let house = House::with(PoolKind::EmailAlias, [native(ADA)], &own, Trap::Crash);
    let answer = invite(&house, json!({ "notify": false })).await;
    let (username, token) = parts(answer.body["link"].as_str().unwrap());
    let done = complete(&house, &username, &token, PASSWORD).await;
    assert_eq!((done.status.as_u16(), done.body), (200, json!({ "email": GUEST, "username": username })));
    // That account proved nothing, so whoever has the mailbox can still be invited, to one of their own.
    house.clock.forward(60);
    assert_eq!(invite(&house, json!({})).await.status, 202);
    let (another, token) = link(&house);
    assert_ne!(another, username);
    assert_eq!(complete(&house, &another, &token, PASSWORD).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_link_is_mailed_or_handed_over_and_never_both() {
    let house = house(&[]);
    let handed = invite(&house, json!({ "notify": false })).await;
    let (username, first) = parts(handed.body["link"].as_str().unwrap());
    house.clock.forward(60);
    let resend = format!("/invitations/{}/resend", handed.body["id"].as_str().unwrap());
    let again = as_member(&house, "POST", &resend, None).await;
    let (_, second) = parts(again.body["link"].as_str().unwrap());
    assert!(second != first && house.mailer.sent().is_empty());
    house.clock.forward(60);
    let path = invited_by_mail(&house).await;
    // The temporary password behind it has the time of the first.
    let view = as_member(&house, "GET", &path, None).await.body;
    assert_eq!(view["expires_at"], NOW + 60 + 7 * DAY, "the resend's, not this one's");
    let (_, mailed) = link(&house);
    for known in [&first, &second] {
        assert_ne!(known, &mailed, "a member knows this one");
        complete(&house, &username, known, PASSWORD).await.is_refused(400, "invitation-invalid");
    }
    house.clock.forward(60);
    let (_, third) = parts(invite(&house, json!({ "notify": false })).await.body["link"].as_str().unwrap());
    complete(&house, &username, &mailed, PASSWORD).await.is_refused(400, "invitation-invalid");
    house.clock.forward(60);
    invited_by_mail(&house).await;
    complete(&house, &username, &third, PASSWORD).await.is_refused(400, "invitation-invalid");
    let (username, mailed) = link(&house);
    assert_eq!(complete(&house, &username, &mailed, PASSWORD).await.status, 200);
    assert!(house.pool.accounts().iter().all(|account| account.email_verified), "only the mailbox had this one");
    assert_eq!(guests(&house), 1);
}

#[tokio::test(start_paused = true)]
async fn what_only_members_may_ask_for_is_refused_where_everybody_invites() {
    let house = House::set([], &[("INVITATION_GROUPS", "Users")]);
    for more in [
        json!({ "notify": false }),
        json!({ "group": "Users" }),
        json!({ "inviter": "Ada" }),
        json!({ "return_to": "https://app.example.com/" }),
    ] {
        let mut body = json!({ "email": GUEST });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        house.as_nobody("POST", "/invitations", Some(body)).await.is_refused(403, "not-an-admin");
    }
    assert!(house.store.text().is_empty() && house.mailer.sent().is_empty());
    let claims = admin_token(ADA);
    let id = "/invitations/00000000-0000-0000-0000-000000000000";
    house.call(Some(&claims), "GET", id, None).await.unwrap().is_refused(404, "not-found");
    house.call(Some(&claims), "DELETE", id, None).await.unwrap().is_refused(404, "not-found");
    house.call(Some(&claims), "GET", "/invitations", None).await.unwrap().is_refused(405, "method-not-allowed");
    // And nothing of a public invitation is listed.
    let plain = house.as_nobody("POST", "/invitations", Some(json!({ "email": GUEST, "notify": true }))).await;
    assert_eq!((plain.status.as_u16(), plain.body), (202, json!({})));
    assert!(!house.store.text().contains('@'));
}

#[tokio::test(start_paused = true)]
async fn a_guest_joins_a_group_of_the_allow_list_and_no_other() {
    let open = house(&[("INVITATION_GROUPS", "Editors, Users"), ("DEFAULT_GROUP", "")]);
    for group in ["admins", "users", "Users ", "", "Editors,Users"] {
        invite(&open, json!({ "group": group })).await.is_refused(400, "group-not-allowed");
    }
    invite(&house(&[]), json!({ "group": "Users" })).await.is_refused(400, "group-not-allowed");
    assert_eq!(guests(&open), 0);
    assert_eq!(invite(&open, json!({ "group": "Users" })).await.status, 202);
    let (username, token) = link(&open);
    assert_eq!(complete(&open, &username, &token, PASSWORD).await.status, 200);
    let accounts = open.pool.accounts();
    let account = accounts.iter().find(|account| account.has_email(GUEST)).unwrap();
    assert_eq!(account.groups.iter().map(String::as_str).collect::<Vec<_>>(), ["Users"]);
}

#[tokio::test(start_paused = true)]
async fn a_guest_is_sent_on_to_an_address_of_the_allow_list_and_to_no_other() {
    let house = house(&[("INVITATION_RETURN_URLS", "https://app.example.com/teams/")]);
    for address in
        ["https://evil.example/", "https://app.example.com/", "//evil.example", "https://app.example.com/teams/../x"]
    {
        invite(&house, json!({ "return_to": address })).await.is_refused(400, "return-not-allowed");
    }
    let address = "https://app.example.com/teams/7";
    assert_eq!(invite(&house, json!({ "return_to": address })).await.status, 202);
    let (username, token) = link(&house);
    let mail = house.mailer.last_to(GUEST).unwrap();
    assert!(!mail.letter.text.contains("teams"), "the link of the mail cannot be bent: {}", mail.letter.text);
    let done = complete(&house, &username, &token, PASSWORD).await;
    assert_eq!((done.status.as_u16(), done.body), (200, json!({ "email": GUEST, "return_to": address })));
}

#[tokio::test(start_paused = true)]
async fn what_the_operator_took_off_a_list_since_the_invitation_is_not_granted() {
    let lists = [("INVITATION_GROUPS", "Users"), ("INVITATION_RETURN_URLS", "https://app.example.com/teams/")];
    let house = house(&[lists[0], lists[1], ("DEFAULT_GROUP", "")]);
    let wishes = json!({ "group": "Users", "return_to": "https://app.example.com/teams/7" });
    assert_eq!(invite(&house, wishes).await.status, 202);
    let (username, token) = link(&house);
    let house = house.set_anew(&[("INVITATIONS", "members"), ("DEFAULT_GROUP", "")]);
    let done = complete(&house, &username, &token, PASSWORD).await;
    assert_eq!((done.status.as_u16(), done.body), (200, json!({ "email": GUEST })));
    assert!(house.pool.accounts().iter().all(|account| account.groups.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn the_mail_names_the_inviter_unless_the_name_is_a_trap() {
    for (name, shown) in [("Ada Lovelace", true), ("evil.example", false), ("Call +1 900 555 0199", false)] {
        let house = house(&[]);
        assert_eq!(invite(&house, json!({ "inviter": name })).await.status, 202);
        let text = house.mailer.last_to(GUEST).unwrap().letter.text;
        assert_eq!(text.contains(&format!("{name} has invited you.")), shown, "{text}");
        assert!(shown || !text.contains(name), "{text}");
        house.clock.forward(60);
        let list = as_member(&house, "GET", "/invitations", None).await.body;
        let id = list["invitations"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(as_member(&house, "POST", &format!("/invitations/{id}/resend"), None).await.status, 202);
        let text = house.mailer.last_to(GUEST).unwrap().letter.text;
        assert_eq!(text.contains(&format!("{name} has invited you.")), shown, "again: {text}");
    }
    let house = house(&[]);
    for name in ["", &"x".repeat(61)] {
        invite(&house, json!({ "inviter": name })).await.is_refused(400, "invalid-request");
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_invitation_that_is_asked_for_again_stays_one_invitation() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    let first = link(&house);
    house.clock.forward(60);
    assert_eq!(invited_by_mail(&house).await, path);
    assert_eq!(link(&house), first, "the same link");
    let list = as_member(&house, "GET", "/invitations", None).await.body;
    assert_eq!(list["invitations"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_guest_who_answers_while_the_link_goes_another_way_keeps_the_password() {
    let (mut opened, mut replaced) = (0, 0);
    for steps in -20_i32..40 {
        let house = house(&[]);
        invited_by_mail(&house).await;
        house.clock.forward(60);
        let (username, token) = link(&house);
        let again = async {
            wait(steps).await;
            invite(&house, json!({ "notify": false })).await
        };
        let answer = async {
            wait(-steps).await;
            complete(&house, &username, &token, PASSWORD).await
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
    let (username, token) = link(&house);
    // The answer is cut off when it is noted and before the pool has it.
    let body = json!({ "username": username, "token": token, "password": PASSWORD });
    house.cut_off(4, house.call(None, "POST", "/invitations/complete", Some(body))).await;
    let refused = invite(&house, json!({ "notify": false })).await;
    refused.is_refused(503, "try-again");
    house.clock.forward(60);
    assert_eq!(invite(&house, json!({ "notify": false })).await.status, 202);
}

/// An account in the pool as it was before, for a comparison afterwards.
fn account_of_the_guest(house: &House) -> String {
    let accounts = house.pool.accounts();
    format!("{:?}", accounts.iter().find(|account| account.has_email(GUEST)).unwrap())
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
        invite(&house, json!({ "notify": false })).await.is_refused(409, "account-exists");
        assert_eq!(account_of_the_guest(&house), planted);
        // The mailbox may have it. Its open link does not become a member's, even when it has expired.
        house.clock.forward(60);
        let path = invited_by_mail(&house).await;
        let (username, token) = link(&house);
        let mailed = account_of_the_guest(&house);
        for seconds in [60, 8 * DAY] {
            house.clock.forward(seconds);
            invite(&house, json!({ "notify": false })).await.is_refused(409, "account-exists");
            assert_eq!(account_of_the_guest(&house), mailed);
            if seconds == 60 {
                assert_eq!(state(&house, &path).await, "open");
            }
        }
        house.clock.forward(60);
        invited_by_mail(&house).await;
        complete(&house, &username, &token, PASSWORD).await.is_refused(400, "invitation-invalid");
        let (username, token) = link(&house);
        let done = complete(&house, &username, &token, PASSWORD).await;
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
        let handed = invite(&house, json!({ "notify": false })).await;
        let (username, token) = parts(handed.body["link"].as_str().unwrap());
        assert_eq!(complete(&house, &username, &token, PASSWORD).await.status, 200);
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
            invite(&house, json!({ "notify": false })).await.is_refused(409, "account-exists");
            assert_eq!(account_of_the_guest(&house), before);
        }
        // The mailbox may have it, and no member gets that link, either. A member who revokes it deletes nothing.
        house.clock.forward(60);
        let path = invited_by_mail(&house).await;
        house.clock.forward(60);
        invite(&house, json!({ "notify": false })).await.is_refused(409, "account-exists");
        assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
        assert_eq!(guests(&house), 1);
        house.clock.forward(60);
        invite(&house, json!({ "notify": false })).await.is_refused(409, "account-exists");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_a_member_has_opens_no_later_account_of_the_same_name() {
    for mut later in [invited(GUEST).unverified(), native(GUEST).unconfirmed().unverified()] {
        later.sub = "sub-of-another".to_owned();
        later.groups.insert("admins".to_owned());
        let house = house(&[]);
        let answer = invite(&house, json!({ "notify": false })).await;
        let (username, token) = parts(answer.body["link"].as_str().unwrap());
        house.pool.change(|accounts| {
            accounts.retain(|account| !account.has_email(GUEST));
            later.user_name = username.clone();
            accounts.push(later);
        });
        let planted = account_of_the_guest(&house);
        house.clock.forward(60);
        complete(&house, &username, &token, PASSWORD).await.is_refused(400, "invitation-invalid");
        let path = format!("/invitations/{}", answer.body["id"].as_str().unwrap());
        as_member(&house, "POST", &format!("{path}/resend"), None).await.is_refused(400, "invitation-invalid");
        assert_eq!(account_of_the_guest(&house), planted);
        assert_eq!(state(&house, &path).await, "revoked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_revocation_leaves_a_later_account_of_the_same_name() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    let (username, _) = link(&house);
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 0);
    house.pool.change(|accounts| {
        let mut later = invited(GUEST).unverified();
        (later.sub, later.user_name) = ("sub-of-another".to_owned(), username);
        accounts.push(later);
    });
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 1);
}

#[tokio::test(start_paused = true)]
async fn weak_passwords_keep_no_member_from_sending_again_or_revoking() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    let (username, token) = link(&house);
    house.clock.forward(60);
    complete(&house, &username, &token, "short").await.is_refused(400, "weak-password");
    assert_eq!(as_member(&house, "POST", &format!("{path}/resend"), None).await.status, 202);
    let (username, token) = link(&house);
    complete(&house, &username, &token, "short").await.is_refused(400, "weak-password");
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 0);
}

#[tokio::test(start_paused = true)]
async fn an_open_invitation_is_in_the_list_however_its_resend_was_cut_off() {
    cut_off_anywhere(&TRAPS, 8..30, async |trap, after| {
        let house = trapped(trap);
        let path = invited_by_mail(&house).await;
        house.clock.forward(6 * DAY);
        let resend = format!("{path}/resend");
        let (_, sprung) = house.cut_off(after, house.call(Some(&admin_token(ADA)), "POST", &resend, None)).await;
        // The first time is over, so only a resend that took hold leaves it open.
        house.clock.forward(2 * DAY);
        let open = invite(&house, json!({})).await;
        assert_eq!(open.status, 202, "{trap:?} {after}: {open:?}");
        let id = open.body["id"].as_str().unwrap();
        let list = as_member(&house, "GET", "/invitations", None).await.body;
        let listed = list["invitations"].as_array().unwrap().iter().find(|one| one["state"] == "open");
        assert_eq!(listed.map(|one| &one["id"]), Some(&json!(id)), "{trap:?} {after}");
        let seen = as_member(&house, "GET", &path, None).await;
        assert!(id != uuid(&path) || seen.body["expires_at"] == NOW + 13 * DAY, "{trap:?} {after}: {seen:?}");
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_open_invitation_with_another_group_or_return_address_is_refused_and_not_ignored() {
    let first = json!({ "group": "Users", "return_to": "https://app.example.com/teams/7" });
    let other = [json!({ "group": "Editors" }), json!({ "return_to": "https://app.example.com/teams/8" })];
    for way in [json!({}), json!({ "notify": false })] {
        let with = |wish: &Value| {
            let mut body = wish.clone();
            body.as_object_mut().unwrap().extend(way.as_object().unwrap().clone());
            body
        };
        let house = house(&[
            ("INVITATION_GROUPS", "Users,Editors"),
            ("INVITATION_RETURN_URLS", "https://app.example.com/teams/"),
            ("INVITATIONS_A_DAY", "20,100,1000"),
        ]);
        let answer = invite(&house, with(&first)).await;
        let path = format!("/invitations/{}", answer.body["id"].as_str().unwrap());
        for other in &other {
            house.clock.forward(60);
            invite(&house, with(other)).await.is_refused(409, "invitation-open");
        }
        // What is not named, or is the same, may stay.
        for same in [json!({}), json!({ "group": "Users" }), first.clone()] {
            house.clock.forward(60);
            assert_eq!(invite(&house, with(&same)).await.body["id"], answer.body["id"]);
        }
        assert_eq!(as_member(&house, "GET", &path, None).await.body["group"], "Users");
        assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
        house.clock.forward(60);
        let anew = invite(&house, with(&other[0])).await;
        let path = format!("/invitations/{}", anew.body["id"].as_str().unwrap());
        assert_eq!(as_member(&house, "GET", &path, None).await.body["group"], "Editors");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_revokes_an_invitation_that_another_one_replaced_takes_nothing_from_the_other() {
    let house = house(&[]);
    let first = invited_by_mail(&house).await;
    house.clock.forward(61);
    let newer = invite(&house, json!({ "notify": false })).await;
    assert_eq!(newer.status, 202, "{newer:?}");
    let newer = format!("/invitations/{}", newer.body["id"].as_str().unwrap());
    assert_eq!((state(&house, &first).await, state(&house, &newer).await), (json!("revoked"), json!("open")));
    assert_eq!(as_member(&house, "DELETE", &first, None).await.status, 204);
    assert_eq!(house.pool.accounts().len(), 2, "the guest's account still waits");
    assert_eq!(state(&house, &newer).await, "open");
}

#[tokio::test(start_paused = true)]
async fn a_member_who_invites_a_guest_whom_a_stranger_invited_before_gets_what_they_ask_for() {
    let lists = [("INVITATION_GROUPS", "Users"), ("INVITATION_RETURN_URLS", "https://app.example.com/teams/")];
    let house = House::set([native(ADA)], &[("INVITATIONS", "public"), ("DEFAULT_GROUP", "")]);
    assert_eq!(crate::invitations::invite(&house).await.status, 202);
    house.clock.forward(61);
    let house = house.set_anew(&[("INVITATIONS", "members"), ("DEFAULT_GROUP", ""), lists[0], lists[1]]);
    let address = "https://app.example.com/teams/7";
    let answer = invite(&house, json!({ "group": "Users", "return_to": address })).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let path = format!("/invitations/{}", answer.body["id"].as_str().unwrap());
    assert_eq!(state(&house, &path).await, "open");
    let (username, token) = link(&house);
    let done = complete(&house, &username, &token, PASSWORD).await;
    assert_eq!((done.status.as_u16(), done.body), (200, json!({ "email": GUEST, "return_to": address })));
    let accounts = house.pool.accounts();
    let guest = accounts.iter().find(|account| account.email.as_deref() == Some(GUEST)).unwrap();
    assert!(guest.groups.contains("Users"), "{guest:?}");
}
