//! What members see of invitations, and nobody else.

use crate::house::{NOW, TRAPS, access_token, admin_token, cut_off_anywhere};
use crate::invitation_members::{ADA, DAY, house, invite, invited_by_mail, path_of, state, trapped, uuid};
use crate::invitations::{GUEST, last_link};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn a_member_sees_who_invited_whom_and_what_became_of_it() {
    let house = house(&[("INVITATION_GROUPS", "Users")]);
    let answer = invite(&house, json!({ "inviter": "Ada Lovelace", "group": "Users" })).await;
    let path = path_of(&answer);
    let view = json!({
        "id": answer.body["id"], "email": GUEST, "state": "open", "invited_by": format!("sub-{ADA}"),
        "inviter": "Ada Lovelace", "invited_at": NOW, "sent_at": NOW, "expires_at": NOW + 7 * DAY,
        "group": "Users", "notify": true,
    });
    house.as_member("GET", &path, None).await.says(200, &view);
    house.as_member("GET", "/invitations", None).await.says(200, &json!({ "invitations": [view] }));
    last_link(&house).opens(&house).await;
    assert_eq!(state(&house, &path).await, "answered");
    let list = house.as_member("GET", "/invitations", None).await;
    assert_eq!(list.body["invitations"][0]["state"], "answered");
    // With the invitation's time, the address leaves the table.
    house.clock.forward(7 * DAY);
    house.as_member("GET", &path, None).await.is_refused(404, "not-found");
    assert_eq!(house.as_member("GET", "/invitations", None).await.body, json!({ "invitations": [] }));
    house.store.expire(NOW + 7 * DAY);
    assert!(!house.store.text().contains('@') && !house.store.text().contains("Ada"), "{}", house.store.text());
}

#[tokio::test(start_paused = true)]
async fn the_list_has_pages_and_shows_each_invitation_once() {
    let house = house(&[]);
    for number in 0..60 {
        let body = json!({ "email": format!("guest{number}@example.com") });
        assert_eq!(house.as_member("POST", "/invitations", Some(body)).await.status, 202);
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
        assert_eq!(house.as_member("POST", "/invitations", Some(body)).await.status, 202);
    }
    let full = house.as_member("GET", "/invitations", None).await.body;
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

#[tokio::test(start_paused = true)]
async fn an_id_leads_a_member_to_invitations_and_to_nothing_else() {
    let house = house(&[]);
    invited_by_mail(&house).await;
    let username = last_link(&house).username;
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
        house.as_member("GET", &path, None).await.is_refused(404, "not-found");
        house.as_member("DELETE", &path, None).await.is_refused(404, "not-found");
        house.as_member("POST", &format!("{path}/resend"), None).await.is_refused(404, "not-found");
    }
    assert_eq!(house.store.text(), stored);
}

#[tokio::test(start_paused = true)]
async fn an_open_link_is_in_the_list_however_the_invitation_was_cut_off() {
    cut_off_anywhere(&TRAPS, 9..20, async |trap, after| {
        let house = trapped(trap);
        let body = Some(json!({ "email": GUEST }));
        let (_, sprung) = house.cut_off(after, house.call(Some(&admin_token(ADA)), "POST", "/invitations", body)).await;
        let listed = async || {
            let list = house.as_member("GET", "/invitations", None).await.body;
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
        let list = house.as_member("GET", "/invitations", None).await.body;
        let listed = list["invitations"].as_array().unwrap().iter().find(|one| one["state"] == "open");
        assert_eq!(listed.map(|one| &one["id"]), Some(&json!(id)), "{trap:?} {after}");
        let seen = house.as_member("GET", &path, None).await;
        assert!(id != uuid(&path) || seen.body["expires_at"] == NOW + 13 * DAY, "{trap:?} {after}: {seen:?}");
        sprung
    })
    .await;
}
