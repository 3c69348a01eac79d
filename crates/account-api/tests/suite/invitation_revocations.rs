//! What a revocation ends, and what is left of it.

use crate::invitation_members::{DAY, as_member, guests, house, invited_by_mail, state};
use crate::invitations::{GUEST, link};
use cognito_core::user_pool::memory::{Quirks, invited, native};
use serde_json::json;

/// Its account stays, so only the invitation says that it was revoked.
#[tokio::test(start_paused = true)]
async fn a_revoked_invitation_whose_account_stays_shows_as_revoked_and_is_not_sent_again() {
    for account in [invited(GUEST).unverified(), native(GUEST).unconfirmed()] {
        let house = house(&[]);
        house.pool.change(|accounts| accounts.push(account));
        let path = invited_by_mail(&house).await;
        assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
        let list = as_member(&house, "GET", "/invitations", None).await.body;
        assert_eq!((&list["invitations"][0]["state"], guests(&house)), (&json!("revoked"), 1));
        assert_eq!(state(&house, &path).await, "revoked");
        let dead = link(&house);
        house.clock.forward(60);
        as_member(&house, "POST", &format!("{path}/resend"), None).await.is_refused(400, "invitation-invalid");
        assert_eq!(link(&house), dead, "no other link goes out");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_revoked_invitation_stays_in_the_table_for_good() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
    // Its own time, and the time for which a late guest learns what happened.
    house.store.expire(house.time() + (7 + 30) * DAY);
    assert_eq!(house.store.text(), "");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_not_told_as_done_while_the_account_stays() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    house.pool.set_quirks(Quirks { throttled: Some("AdminDeleteUser"), ..Quirks::default() });
    as_member(&house, "DELETE", &path, None).await.is_refused(503, "try-again");
    assert_eq!(guests(&house), 1);
    house.pool.set_quirks(Quirks::default());
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
    assert_eq!(guests(&house), 0);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_done_if_somebody_else_deletes_the_account_first() {
    let house = house(&[]);
    let path = invited_by_mail(&house).await;
    house.just_before("AdminDeleteUser", |accounts| accounts.retain(|account| !account.has_email(GUEST)));
    assert_eq!(as_member(&house, "DELETE", &path, None).await.status, 204);
    assert_eq!((guests(&house), state(&house, &path).await), (0, json!("revoked")));
    assert!(house.pool.calls().contains(&"AdminDeleteUser"));
}
