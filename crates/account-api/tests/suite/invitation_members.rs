//! What members of the group do with invitations, and what nobody else can.

use crate::house::{Answer, House, NOW, Trap, admin_token};
use crate::invitations::{GUEST, Link, last_link};
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::{PoolKind, federated, invited, native};
use futures_util::future::join_all;
use serde_json::{Value, json};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const DAY: u64 = 24 * 60 * 60;

/// A house whose members invite, with Ada as one of them.
pub(crate) fn house(own: &[(&str, &str)]) -> House {
    let own: Vec<_> = [("INVITATIONS", "members")].iter().chain(own).copied().collect();
    House::set([native(ADA)], &own)
}

/// A house of members with a trap.
pub(crate) fn trapped(trap: Trap) -> House {
    House::with(PoolKind::EmailUserNames, [native(ADA)], &[("INVITATIONS", "members")], trap)
}

pub(crate) async fn invite(house: &House, more: Value) -> Answer {
    let mut body = json!({ "email": GUEST });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    house.as_member("POST", "/invitations", Some(body)).await
}

/// Invites the guest. Returns the path of the invitation.
pub(crate) async fn invited_by_mail(house: &House) -> String {
    let answer = invite(house, json!({})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert!(answer.body["link"].is_null(), "{answer:?}");
    path_of(&answer)
}

/// The same with the link in the mail.
pub(crate) async fn invited_with_link(house: &House) -> (String, Link) {
    (invited_by_mail(house).await, last_link(house))
}

/// Lets the guest be invited by a link that the member hands over.
pub(crate) async fn handed_over(house: &House) -> Answer {
    invite(house, json!({ "notify": false })).await
}

/// The path of an invitation.
pub(crate) fn path_of(invited: &Answer) -> String {
    format!("/invitations/{}", invited.body["id"].as_str().unwrap())
}

pub(crate) async fn state(house: &House, path: &str) -> Value {
    house.as_member("GET", path, None).await.body["state"].clone()
}

pub(crate) fn guests(house: &House) -> usize {
    house.pool.accounts().iter().filter(|account| account.has_email(GUEST)).count()
}

/// The link in an answer.
pub(crate) fn link_in(answer: &Answer) -> Link {
    let (_, rest) = answer.body["link"].as_str().unwrap().split_once("/activate?username=").unwrap();
    let (username, token) = rest.split_once("&token=").unwrap();
    Link { username: username.replace("%40", "@"), token: token.to_owned() }
}

pub(crate) fn uuid(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_resend_makes_a_new_link_with_its_whole_time_and_the_old_one_is_dead() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    let old = last_link(&house);
    let resend = format!("{path}/resend");
    house.as_member("POST", &resend, None).await.is_refused(429, "too-many-requests");
    house.clock.forward(6 * DAY);
    let again = house.as_member("POST", &resend, None).await;
    again.says(202, &json!({ "id": uuid(&path) }));
    let new = last_link(&house);
    assert!(new.username == old.username && new.token != old.token);
    old.answer(&house).await.is_refused(400, "invitation-invalid");
    // The account's temporary password has its whole time again, too.
    assert!(house.pool.calls().contains(&"AdminSetUserPassword"));
    house.clock.forward(6 * DAY);
    let seen = house.as_member("GET", &path, None).await.body;
    assert_eq!((&seen["sent_at"], &seen["expires_at"]), (&json!(NOW + 6 * DAY), &json!(NOW + 13 * DAY)));
    new.opens(&house).await;
    house.clock.forward(60);
    house.as_member("POST", &resend, None).await.is_refused(409, "already-completed");
}

#[tokio::test(start_paused = true)]
async fn of_resends_at_once_one_sends_and_its_link_opens() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    house.clock.forward(60);
    let resend = format!("{path}/resend");
    let answers = join_all((0..10).map(|_| house.as_member("POST", &resend, None))).await;
    let sent = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!((sent, house.mailer.sent().len()), (1, 2), "{answers:?}");
    assert!(answers.iter().all(|answer| [202, 429].contains(&answer.status.as_u16())), "{answers:?}");
    last_link(&house).opens(&house).await;
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
        house.as_member("POST", &format!("{path}/resend"), None).await.is_refused(400, "invitation-invalid");
        assert_eq!((house.mailer.sent().len(), state(&house, &path).await), (mails, json!("revoked")));
    }
}

/// The link of a resend has answered nothing yet, whatever became of an answer to the link before.
#[tokio::test(start_paused = true)]
async fn who_comes_through_a_provider_after_a_resend_is_left_as_they_are() {
    let house = house(&[]);
    let (path, link) = invited_with_link(&house).await;
    // The answer is cut off when it is noted and before the pool has it.
    link.answer_cut_off(&house, 4).await;
    house.clock.forward(60);
    assert_eq!(house.as_member("POST", &format!("{path}/resend"), None).await.status, 202);
    let link = last_link(&house);
    house.pool.change(|accounts| {
        let guest = accounts.iter_mut().find(|account| account.has_email(GUEST)).unwrap();
        (guest.status, guest.identities) = (Status::Confirmed, federated("Google", "1", GUEST).identities);
    });
    link.answer(&house).await.is_refused(409, "already-completed");
    assert!(!house.pool.calls().iter().any(|call| ["AdminUpdateUserAttributes", "AdminAddUserToGroup"].contains(call)));
}

#[tokio::test(start_paused = true)]
async fn where_the_address_is_an_alias_the_guest_is_told_the_user_name_to_sign_in_with() {
    let house = House::with_aliases([native(ADA)], &[("INVITATIONS", "members")]);
    let answer = handed_over(&house).await;
    let link = link_in(&answer);
    link.answer(&house).await.says(200, &json!({ "email": GUEST, "username": link.username }));
    // That account proved nothing, so whoever has the mailbox can still be invited, to one of their own.
    house.clock.forward(60);
    assert_eq!(invite(&house, json!({})).await.status, 202);
    let another = last_link(&house);
    assert_ne!(another.username, link.username);
    another.opens(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_link_is_mailed_or_handed_over_and_never_both() {
    let house = house(&[]);
    let handed = handed_over(&house).await;
    let first = link_in(&handed);
    house.clock.forward(60);
    let resend = format!("/invitations/{}/resend", handed.body["id"].as_str().unwrap());
    let again = house.as_member("POST", &resend, None).await;
    let second = link_in(&again);
    assert!(second.token != first.token && house.mailer.sent().is_empty());
    house.clock.forward(60);
    let path = invited_by_mail(&house).await;
    // The temporary password behind it has the time of the first.
    let view = house.as_member("GET", &path, None).await.body;
    assert_eq!(view["expires_at"], NOW + 60 + 7 * DAY, "the resend's, not this one's");
    let mailed = last_link(&house);
    for known in [&first, &second] {
        assert_ne!(known.token, mailed.token, "a member knows this one");
        known.answer(&house).await.is_refused(400, "invitation-invalid");
    }
    house.clock.forward(60);
    let third = link_in(&handed_over(&house).await);
    mailed.answer(&house).await.is_refused(400, "invitation-invalid");
    house.clock.forward(60);
    invited_by_mail(&house).await;
    third.answer(&house).await.is_refused(400, "invitation-invalid");
    last_link(&house).opens(&house).await;
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
    house
        .as_nobody("POST", "/invitations", Some(json!({ "email": GUEST, "notify": true })))
        .await
        .says(202, &json!({}));
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
    last_link(&open).opens(&open).await;
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
    let link = last_link(&house);
    let mail = house.mailer.last_to(GUEST).unwrap();
    assert!(!mail.letter.text.contains("teams"), "the link of the mail cannot be bent: {}", mail.letter.text);
    link.answer(&house).await.says(200, &json!({ "email": GUEST, "return_to": address }));
}

#[tokio::test(start_paused = true)]
async fn what_the_operator_took_off_a_list_since_the_invitation_is_not_granted() {
    let lists = [("INVITATION_GROUPS", "Users"), ("INVITATION_RETURN_URLS", "https://app.example.com/teams/")];
    let house = house(&[lists[0], lists[1], ("DEFAULT_GROUP", "")]);
    let wishes = json!({ "group": "Users", "return_to": "https://app.example.com/teams/7" });
    assert_eq!(invite(&house, wishes).await.status, 202);
    let link = last_link(&house);
    let house = house.set_anew(&[("INVITATIONS", "members"), ("DEFAULT_GROUP", "")]);
    link.answer(&house).await.says(200, &json!({ "email": GUEST }));
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
        let list = house.as_member("GET", "/invitations", None).await.body;
        let id = list["invitations"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(house.as_member("POST", &format!("/invitations/{id}/resend"), None).await.status, 202);
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
    let first = last_link(&house);
    house.clock.forward(60);
    assert_eq!(invited_by_mail(&house).await, path);
    assert_eq!(last_link(&house), first, "the same link");
    let list = house.as_member("GET", "/invitations", None).await.body;
    assert_eq!(list["invitations"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn weak_passwords_keep_no_member_from_sending_again_or_revoking() {
    let house = house(&[]);
    let (path, link) = invited_with_link(&house).await;
    house.clock.forward(60);
    link.answer_with(&house, "short").await.is_refused(400, "weak-password");
    assert_eq!(house.as_member("POST", &format!("{path}/resend"), None).await.status, 202);
    let link = last_link(&house);
    link.answer_with(&house, "short").await.is_refused(400, "weak-password");
    assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 0);
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
        let path = path_of(&answer);
        for other in &other {
            house.clock.forward(60);
            invite(&house, with(other)).await.is_refused(409, "invitation-open");
        }
        // What is not named, or is the same, may stay.
        for same in [json!({}), json!({ "group": "Users" }), first.clone()] {
            house.clock.forward(60);
            assert_eq!(invite(&house, with(&same)).await.body["id"], answer.body["id"]);
        }
        assert_eq!(house.as_member("GET", &path, None).await.body["group"], "Users");
        assert_eq!(house.as_member("DELETE", &path, None).await.status, 204);
        house.clock.forward(60);
        let anew = invite(&house, with(&other[0])).await;
        let path = path_of(&anew);
        assert_eq!(house.as_member("GET", &path, None).await.body["group"], "Editors");
    }
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
    let path = path_of(&answer);
    assert_eq!(state(&house, &path).await, "open");
    let link = last_link(&house);
    link.answer(&house).await.says(200, &json!({ "email": GUEST, "return_to": address }));
    let accounts = house.pool.accounts();
    let guest = accounts.iter().find(|account| account.email.as_deref() == Some(GUEST)).unwrap();
    assert!(guest.groups.contains("Users"), "{guest:?}");
}
