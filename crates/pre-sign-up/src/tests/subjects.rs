//! Links that are replaced, missing, or made by something else than today.

use super::*;

/// Who got an address after somebody else looks like this, and so does a provider that gives its people new subjects.
#[tokio::test]
async fn a_second_subject_of_a_provider_is_refused_or_takes_the_place_of_the_first() {
    let event = sample("pre-sign-up/google");
    let owned = || pool([native(ADA).with_identity("Google", "1").with_identity("Okta", "2")]);
    let refusing = owned();
    let refusal = answer_to(&trigger(&refusing, &[]), &event).await.unwrap_err();
    assert_eq!(refusal.0, "second_subject");
    assert_eq!(refusing.calls(), ["ListUsers"]);

    let replacing = owned();
    answer_to(&trigger(&replacing, &[("SECOND_SUBJECT", "replace")]), &event).await.unwrap();
    let [account] = replacing.accounts().try_into().expect("one account");
    assert!(account.has_identity("Google", "123456789012345678901") && account.has_identity("Okta", "2"));
    assert_eq!(account.identities.len(), 2);
    // Never on a list that may lag behind.
    let calls = replacing.calls();
    assert!(calls.contains(&"AdminGetUser"), "{calls:?}");
    // Once more before the link: whether it was this one that went.
    assert_eq!(calls[calls.len() - 3..], ["AdminDisableProviderForUser", "AdminGetUser", "AdminLinkProviderForUser"]);
}

#[tokio::test]
async fn a_second_subject_whose_predecessor_cognito_does_not_let_go_just_now_is_told_to_try_again() {
    let pool = pool([native(ADA).with_identity("Google", "1")]);
    pool.set_quirks(Quirks { throttled: Some("AdminDisableProviderForUser"), ..Quirks::default() });
    let trigger = trigger(&pool, &[("SECOND_SUBJECT", "replace")]);
    let event = sample("pre-sign-up/google");
    assert_eq!(answer_to(&trigger, &event).await.unwrap_err().0, "try_again");
    assert!(pool.accounts()[0].has_identity("Google", "1"));
    pool.set_quirks(Quirks::default());
    answer_to(&trigger, &event).await.unwrap();
    assert!(pool.accounts()[0].has_identity("Google", "123456789012345678901"));
}

/// Two people's numbers may be alike where one was linked by the subject and the other by an attribute.
#[tokio::test]
async fn where_two_peoples_numbers_are_alike_each_ends_with_their_own() {
    let settings: &[_] = &[("PROVIDERS", "Okta:claim:custom:staff"), ("SECOND_SUBJECT", "replace")];
    let mut grace = native("grace@example.org").with_identity("Okta", "1001");
    grace.identities[0].attribute = "custom:staff".into();
    let pool = pool([grace, native(ADA).with_identity("Okta", "1001")]);
    // Grace's link goes before it is clear that it is not Ada's. She comes back to her account.
    for (email, staff) in [(ADA, "2002"), ("grace@example.org", "1001")] {
        let event = edited("pre-sign-up/okta", |event| {
            event["request"]["userAttributes"]["email"] = json!(email);
            event["request"]["userAttributes"]["custom:staff"] = json!(staff);
        });
        answer_to(&trigger(&pool, settings), &event).await.unwrap();
    }
    let by = |account: Account| account.identities.into_iter().map(|link| (link.attribute, link.value)).collect();
    let links: Vec<Vec<_>> = pool.accounts().into_iter().map(by).collect();
    let staff = |value: &str| vec![("custom:staff".to_owned(), value.to_owned())];
    assert_eq!(links, [staff("1001"), staff("2002")]);
}

/// The list still shows a link that somebody has just taken away.
#[tokio::test]
async fn a_link_that_is_gone_is_made_again_however_long_the_list_shows_it() {
    let event = sample("pre-sign-up/google");
    let linked = native(ADA).with_identity("Google", "123456789012345678901");
    let lagging = || pool([linked.clone()]).with_quirks(Quirks { list_lag: 9, ..Quirks::default() });

    let unlinked = lagging();
    unlinked.change(|accounts| accounts[0].identities.clear());
    answered(&unlinked, &event).await;
    assert!(unlinked.accounts()[0].has_identity("Google", "123456789012345678901"));

    let deleted = lagging();
    deleted.change(Vec::clear);
    answered(&deleted, &event).await;
    let [account] = deleted.accounts().try_into().expect("one account");
    assert!(account.sub != linked.sub && account.has_identity("Google", "123456789012345678901"), "{account:?}");
}

/// Cognito finds a link only by what it was made with, and that may be older than the setting.
#[tokio::test]
async fn a_link_by_subject_is_replaced_where_the_provider_links_by_an_attribute_now() {
    let settings: &[_] = &[("PROVIDERS", "Okta:claim:custom:staff"), ("SECOND_SUBJECT", "replace")];
    let event = sample_with("pre-sign-up/oidc-mixed-case", "custom:staff", "4711");
    let by_attribute = |mut account: Account| {
        account.identities[0].attribute = "custom:staff".to_owned();
        account
    };
    let one = || native(ADA).with_identity("Okta", "00uAbC1dEfGHIjKlM5d7");
    for (account, unlinks) in [(one(), 2), (by_attribute(one()), 1)] {
        let pool = pool([account]);
        answer_to(&trigger(&pool, settings), &event).await.unwrap();
        let [account] = pool.accounts().try_into().expect("one account");
        assert_eq!(account.identities.len(), 1);
        assert!(account.has_identity("Okta", "4711"));
        assert_eq!(pool.calls().iter().filter(|call| **call == "AdminDisableProviderForUser").count(), unlinks);
    }
    // The other way round, nobody knows which attribute it was.
    let settings: &[_] = &[("PROVIDERS", "Okta:claim"), ("SECOND_SUBJECT", "replace"), ("POOL_CASE_SENSITIVE", "true")];
    let pool = pool([by_attribute(native(ADA).with_identity("Okta", "4711"))]);
    let refusal = answer_to(&trigger(&pool, settings), &event).await.unwrap_err();
    assert_eq!(refusal.0, "misconfigured");
    assert!(pool.accounts()[0].has_identity("Okta", "4711"));
}

/// Many providers name a person by a number of the company's first, and by something opaque later. The number becomes an
/// attribute then, and a profile does not show by which of the two it was linked.
#[tokio::test]
async fn a_link_by_subject_is_made_again_where_the_provider_links_by_an_attribute_with_the_same_value() {
    let settings: &[_] = &[("PROVIDERS", "Okta:claim:custom:staff")];
    let event = sample_with("pre-sign-up/oidc-mixed-case", "custom:staff", "4711");
    // Whether Cognito takes the same link twice or not.
    for refuse_link_again in [false, true] {
        let pool = pool([native(ADA).with_identity("Okta", "4711")]);
        let pool = pool.with_quirks(Quirks { refuse_link_again, ..Quirks::default() });
        for _ in 0..2 {
            answer_to(&trigger(&pool, settings), &event).await.unwrap();
            let [account] = pool.accounts().try_into().expect("one account");
            let is_linked = account.identities.iter().any(|identity| identity.attribute == "custom:staff");
            assert!(is_linked || refuse_link_again, "{account:?}");
        }
    }
}
