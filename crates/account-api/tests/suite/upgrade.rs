//! Entries of the table as earlier versions of the API wrote them.

use crate::email_change::{ask, prove};
use crate::house::{House, access_token};
use crate::invitations::{GUEST, invite, last_link};
use account_api::store::{Store, Write};
use cognito_core::user_pool::memory::native;
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";

/// Changes an entry that this version wrote, so that it is as an earlier one wrote it.
async fn as_before(house: &House, key: &str, edit: impl FnOnce(&mut Value)) {
    let stored = house.store.load(key).await.unwrap().expect("an entry");
    let mut body: Value = serde_json::from_str(&stored.body).unwrap();
    edit(&mut body);
    let write = Write { body: &body.to_string(), keep_until: None, listed: None };
    house.store.save(key, Some(stored.version), write).await.unwrap();
}

/// Takes members away that an earlier version did not have. Each must be there today, or the test shows nothing.
fn without(entry: &mut Value, names: &[&str]) {
    let members = entry.as_object_mut().unwrap();
    for name in names {
        assert!(members.remove(*name).is_some(), "{name} is no member any more: {members:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_address_that_an_earlier_version_began_goes_on() {
    let house = House::new([native(ADA)]);
    let new = "lovelace@example.org";
    let begun = ask(&house, ADA, new).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let key = format!("email-change#{}", access_token(ADA)["sub"].as_str().unwrap());
    as_before(&house, &key, |state| {
        without(&mut state["request"], &["counted"]);
        // It was called so.
        let notice = state.as_object_mut().unwrap().remove("notice").unwrap();
        state["owed"] = notice;
    })
    .await;
    for (to, stage) in [(ADA, "new"), (new, "done")] {
        let answer = prove(&house, ADA, to).await;
        assert_eq!((answer.status.as_u16(), &answer.body["stage"]), (200, &json!(stage)), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_of_an_earlier_version_opens_the_account_or_can_be_sent_again() {
    let newer = ["answered_at", "id", "made_sub", "handed_out", "revoked_at", "group", "return_to"];
    for has_a_token in [true, false] {
        let house = House::new([]);
        assert_eq!(invite(&house).await.status, 202);
        house.work().await;
        let link = last_link(&house);
        as_before(&house, &format!("invitation#{}", link.username), |invitation| {
            without(invitation, &newer);
            if !has_a_token {
                without(invitation, &["seed"]);
            }
        })
        .await;
        if has_a_token {
            link.opens(&house).await;
            continue;
        }
        link.answer(&house).await.is_refused(400, "invitation-invalid");
        house.clock.forward(61);
        assert_eq!(invite(&house).await.status, 202);
        house.work().await;
        let link = last_link(&house);
        assert_eq!(link.answer(&house).await.status, 200, "{GUEST}");
    }
}
