//! Whose account an invited address leads to, where the address is not the user name.

use crate::house::{House, NOW, Trap};
use crate::invitation_members::{ADA, invite, invited_by_mail};
use crate::invitations::{GUEST, PASSWORD, complete, link};
use cognito_core::user_pool::memory::{Account, PoolKind, Quirks, invited, native};
use serde_json::json;
use std::time::{Duration, SystemTime};

/// A house in whose pool the address is an alias.
fn with_aliases(mode: &str, accounts: impl IntoIterator<Item = Account>) -> House {
    let own = [("INVITATIONS", mode), ("NATIVE_USERNAME", "uuid")];
    House::with(PoolKind::EmailAlias, accounts, &own, Trap::Crash)
}

/// All accounts, for a comparison afterwards.
fn everybody(house: &House) -> String {
    format!("{:?}", house.pool.accounts())
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
    invite(&house, json!({ "notify": false })).await.is_refused(409, "account-exists");
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
    let (username, token) = link(&house);
    assert_eq!(complete(&house, &username, &token, PASSWORD).await.status, 200);
    assert_eq!(house.pool.accounts().len(), 2);
}
