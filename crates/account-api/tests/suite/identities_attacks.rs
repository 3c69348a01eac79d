//! What the linking rules, a disconnection, and a move that was cut off say to somebody who wants more.

use crate::email_change::{ask, prove};
use crate::house::{House, NOW, wait};
use crate::identities::token;
use crate::identities_connect::{
    A_WHILE, ADA, AT_GOOGLE, NEW, ada, alone, approved, at, connect, half_moved, half_moved_from, look,
    made_with_identity, nothing_personal_is_kept, offer, post, untouched,
};
use cognito_core::user_pool::memory::{Account, Quirks, federated};
use serde_json::json;

async fn list(house: &House, of: &Account) -> crate::house::Answer {
    house.as_account(of, "GET", "/identities", None).await
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_no_sign_in_would_be_linked_of_is_not_connected() {
    let untrusted = ["", "Facebook:claim", "Google:never", "Google:always:none", "Google:claim@corp.example"];
    for providers in untrusted {
        for other in [alone(), made_with_identity()] {
            let house = House::set([ada(), other.clone()], &[NEW[0], ("PROVIDERS", providers)]);
            connect(&house, &ada(), &other, &ada()).await.is_refused(403, "provider-not-linked");
            untouched(&house, &[ada(), other]);
        }
    }
    let house = House::set([ada(), alone()], &[NEW[0], ("PROVIDERS", "Google:claim@example.org")]);
    assert_eq!(connect(&house, &ada(), &alone(), &ada()).await.status, 200);
}

/// Whoever a provider proves no address of gets a profile without one, or with one that nobody proved.
#[tokio::test(start_paused = true)]
async fn who_proves_no_address_at_the_provider_connects_it_all_the_same() {
    let nothing = Account { email: None, email_verified: false, ..alone() };
    let unproven = Account { email_verified: false, ..alone() };
    for other in [nothing, unproven] {
        let house = House::set([ada(), other.clone()], &NEW);
        assert_eq!(connect(&house, &ada(), &other, &ada()).await.status, 200);
        assert!(house.pool.accounts()[0].has_identity("Google", "1"));
        assert!(house.mailer.sent().iter().all(|mail| mail.to == ADA), "nobody else is written to");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_identity_of_a_provider_needs_the_operators_word() {
    let own = || ada().with_identity("Google", "0");
    for rule in ["refuse", "replace"] {
        let house = House::set([own(), alone()], &[NEW[0], NEW[1], ("SECOND_SUBJECT", rule)]);
        connect(&house, &own(), &alone(), &own()).await.is_refused(403, "second-subject");
        untouched(&house, &[own(), alone()]);
    }
    let house = House::set([own(), alone()], &[NEW[0], NEW[1], ("SECOND_SUBJECT", "link")]);
    assert_eq!(connect(&house, &own(), &alone(), &own()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_account_with_a_second_factor_is_left_alone_where_the_operator_says_so() {
    let own = || Account { second_factor: true, ..ada() };
    let house = House::set([own(), alone()], &[NEW[0], NEW[1], ("LINK_WITH_FACTORS", "refuse")]);
    connect(&house, &own(), &alone(), &own()).await.is_refused(403, "second-factor");
    untouched(&house, &[own(), alone()]);
    let house = House::set([own(), alone()], &NEW);
    assert_eq!(connect(&house, &own(), &alone(), &own()).await.status, 200);
    // Who has none is not asked for it.
    let house = House::set([ada(), alone()], &[NEW[0], NEW[1], ("LINK_WITH_FACTORS", "refuse")]);
    assert_eq!(connect(&house, &ada(), &alone(), &ada()).await.status, 200);
}

/// Somebody may write the attribute of their own account: the value of a stranger, whose next sign-in would come to them.
#[tokio::test(start_paused = true)]
async fn a_provider_that_links_by_an_attribute_is_not_connected_by_what_the_account_has_stored() {
    let settings = [NEW[0], ("PROVIDERS", "Corp:always:custom:staff")];
    let bare = || Account { created: Some(at(NOW)), ..federated("Corp", "1", AT_GOOGLE) };
    let with = |value: &str| Account { attributes: [("custom:staff".into(), value.into())].into(), ..bare() };
    for other in [bare(), with(""), with("77")] {
        let house = House::set([ada(), other.clone()], &settings);
        connect(&house, &ada(), &other, &ada()).await.is_refused(403, "provider-not-linked");
        untouched(&house, &[ada(), other]);
    }
    // What pre-sign-up linked came from the provider.
    let mut linked = made_with_identity();
    linked.identities[0].provider = "Corp".into();
    (linked.identities[0].attribute, linked.identities[0].value) = ("custom:staff".into(), "77".into());
    let house = House::set([ada(), linked.clone()], &settings);
    assert_eq!(connect(&house, &ada(), &linked, &ada()).await.status, 200);
    let [account] = house.pool.accounts().try_into().expect("one account");
    assert_eq!(
        (account.identities[0].attribute.as_str(), account.identities[0].value.as_str()),
        ("custom:staff", "77")
    );
}

#[tokio::test(start_paused = true)]
async fn who_signed_in_before_a_disconnection_changes_nothing_after_it() {
    let own = || ada().with_identity("Google", "9").with_identity("Corp", "7");
    let other = || made_with_identity();
    let house = House::set([own(), other()], &[NEW[0], NEW[1], ("SECOND_SUBJECT", "link")]);
    let (from_own, to_own) = (offer(&house, &own(), &other()).await, offer(&house, &other(), &own()).await);
    let before = token(&own(), NOW);
    house.clock.forward(10);
    let ways = list(&house, &own()).await;
    let id = |at: usize| format!("/identities/{}", ways.body["identities"][at]["id"].as_str().unwrap());
    let done = house.as_account(&own(), "DELETE", &id(0), None).await;
    assert_eq!(done.status, 204, "{done:?}");

    house.call(Some(&before), "DELETE", &id(1), None).await.unwrap().is_refused(403, "sign-in-again");
    let body = json!({ "to": other().sub });
    post(&house, &before, "/identities/offer", body).await.unwrap().is_refused(403, "sign-in-again");
    let body = json!({ "offer": to_own });
    post(&house, &before, "/identities", body).await.unwrap().is_refused(403, "sign-in-again");
    look(&house, &other(), &from_own).await.is_refused(410, "offer-expired");
    // The owner signs in again.
    assert_eq!(look(&house, &own(), &to_own).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_came_back_and_is_in_use_stays() {
    let later = Account { sub: "anew".into(), created: Some(at(NOW + 3600)), ..alone() };
    let with_rights = Account { sub: "anew".into(), ..alone().in_group("staff") };
    for (wait, account) in [(86_400, later), (0, with_rights)] {
        let house = half_moved().await;
        house.clock.forward(wait);
        house.pool.change(|accounts| accounts.push(account));
        assert_eq!(list(&house, &ada()).await.status, 200);
        assert_eq!(house.pool.owners_of("Google", "1")[0].sub, "anew");
        assert_eq!(house.pool.accounts().len(), 2);
        nothing_personal_is_kept(&house);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_cognito_will_never_make_blocks_nobody() {
    // A linked identity cannot be given back either.
    for other in [alone(), made_with_identity()] {
        let house = half_moved_from(&other).await;
        house.pool.set_quirks(Quirks { refuse_every_link: true, ..Quirks::default() });
        assert_eq!(list(&house, &ada()).await.status, 200);
        nothing_personal_is_kept(&house);
        // The next sign-in makes an account as usual.
        house.pool.change(|accounts| accounts.push(Account { sub: "anew".into(), ..alone() }));
        house.clock.forward(A_WHILE);
        assert_eq!(list(&house, &ada()).await.status, 200);
        assert_eq!(house.pool.owners_of("Google", "1")[0].sub, "anew");
        assert!(house.mailer.last_to(ADA).is_some_and(|mail| mail.code().is_some()), "nothing was connected");
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_whose_look_ups_fail_is_tried_after_a_longer_pause_each_time() {
    let throttled = |operation| Quirks { refuse_every_link: true, throttled: Some(operation), ..Quirks::default() };
    for operation in ["ListUsers", "AdminGetUser"] {
        let house = half_moved().await;
        house.pool.set_quirks(throttled(operation));
        for pause in [2, 4, 8, 16, 32, 64] {
            list(&house, &ada()).await.is_refused(503, "try-again");
            house.clock.forward(pause - 1);
            list(&house, &ada()).await.is_refused(409, "identity-changing");
            house.clock.forward(1);
        }
        house.pool.set_quirks(Quirks::default());
        assert_eq!(list(&house, &ada()).await.status, 200);
        assert_eq!(house.pool.owners_of("Google", "1")[0].sub, ada().sub);
        nothing_personal_is_kept(&house);
    }
}

/// The move of a linked identity was cut off, and the account that was to get it has no room any more.
async fn half_moved_without_room() -> House {
    let house = half_moved_from(&made_with_identity()).await;
    assert_eq!(house.pool.accounts().len(), 2, "the account that goes is still there");
    house.pool.change(|accounts| {
        accounts[0] = (0..5).fold(accounts[0].clone(), |account, n| account.with_identity("Corp", &n.to_string()));
    });
    house
}

#[tokio::test(start_paused = true)]
async fn an_identity_is_given_back_as_soon_as_cognito_takes_links_again() {
    let house = half_moved_without_room().await;
    house.pool.set_quirks(Quirks { throttled: Some("AdminLinkProviderForUser"), ..Quirks::default() });
    list(&house, &ada()).await.is_refused(503, "try-again");
    house.pool.set_quirks(Quirks::default());
    house.clock.forward(A_WHILE);
    assert_eq!(list(&house, &ada()).await.status, 200);
    assert_eq!(house.pool.owners_of("Google", "1")[0].sub, made_with_identity().sub);
    nothing_personal_is_kept(&house);
}

/// Somebody with the same address at another provider, or with another subject at the same one, is somebody else.
#[tokio::test(start_paused = true)]
async fn an_identity_is_given_back_although_another_one_signs_in_with_its_address() {
    for (provider, subject) in [("Google", "2"), ("Corp", "1")] {
        let house = half_moved_without_room().await;
        house.pool.change(|accounts| accounts.push(federated(provider, subject, AT_GOOGLE)));
        assert_eq!(list(&house, &ada()).await.status, 200);
        let owners = house.pool.owners_of("Google", "1");
        assert!(owners.iter().any(|owner| owner.sub == made_with_identity().sub), "{provider} {subject}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_linked_identity_that_the_other_account_cannot_get_any_more_is_given_back() {
    let house = half_moved_without_room().await;
    assert_eq!(list(&house, &ada()).await.status, 200);
    assert_eq!(house.pool.owners_of("Google", "1")[0].sub, made_with_identity().sub);
    nothing_personal_is_kept(&house);
    house.clock.forward(A_WHILE);
    assert_eq!(list(&house, &made_with_identity()).await.status, 200, "and it is nobody's to change");
    assert!(house.mailer.sent().iter().all(|mail| mail.code().is_some()), "nothing was connected");

    // The account that was to get it is gone.
    let house = half_moved_from(&made_with_identity()).await;
    house.pool.change(|accounts| drop(accounts.remove(0)));
    assert_eq!(list(&house, &made_with_identity()).await.status, 200);
    assert_eq!(house.pool.owners_of("Google", "1")[0].sub, made_with_identity().sub);
    nothing_personal_is_kept(&house);
}

#[tokio::test(start_paused = true)]
async fn the_factors_of_an_account_that_a_provider_made_are_nobodys_question() {
    let house = House::set([alone()], &NEW);
    let seen = list(&house, &alone()).await;
    assert_eq!((&seen.body["password"], &seen.body["passkeys"]), (&json!("none"), &json!("none")));
    assert!(!house.pool.calls().contains(&"AdminGetUserAuthFactors"));
}

#[tokio::test(start_paused = true)]
async fn who_signed_in_before_the_address_changed_connects_nothing() {
    let house = House::set([ada(), alone()], &NEW);
    let to_ada = offer(&house, &alone(), &ada()).await;
    let before = token(&ada(), NOW);
    house.clock.forward(10);
    let new = "ada@example.net";
    ask(&house, ADA, new).await;
    prove(&house, ADA, ADA).await;
    let done = prove(&house, ADA, new).await;
    assert_eq!(done.status, 200, "{done:?}");
    let body = json!({ "offer": to_ada });
    post(&house, &before, "/identities", body).await.unwrap().is_refused(403, "sign-in-again");
    assert_eq!(look(&house, &ada(), &to_ada).await.status, 200, "signed in again");
}

/// Whoever ends the sessions while somebody confirms has the last word, unless the move is under way.
#[tokio::test(start_paused = true)]
async fn who_is_signed_out_before_the_move_begins_connects_nothing() {
    let (mut connected, mut refused) = (0, 0);
    for late in 0..80 {
        let house = House::set([ada(), alone()], &NEW);
        let (claims, body) = approved(&house, &ada(), &alone(), &ada()).await;
        house.clock.forward(1);
        let sign_out = async {
            wait(late).await;
            let out = house.call(Some(&claims), "DELETE", "/sessions", None).await.unwrap();
            assert!([204, 403].contains(&out.status.as_u16()), "{late}: {out:?}");
            house.store.text().contains("\"absorb\"") || house.pool.accounts().len() == 1
        };
        let (answer, has_begun) = tokio::join!(post(&house, &claims, "/identities", body), sign_out);
        if answer.unwrap().status == 200 {
            assert!(has_begun, "{late}");
            connected += 1;
        } else {
            refused += 1;
        }
    }
    assert!(connected > 0 && refused > 0, "{connected} {refused}");
}
