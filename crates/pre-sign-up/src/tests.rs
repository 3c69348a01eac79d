use super::*;
use cognito_core::retry_queue::MemoryQueue;
use cognito_core::testing::{CapturedLog, answer_to, edited, only_response_changed, personal_data, sample};
use cognito_core::user_pool::memory::{Account, MemoryPool, PoolKind, Quirks, federated, invited, native};
use cognito_core::user_pool::{NewNative, PoolErrorKind, Status};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const PROVIDERS: &str = "Google:claim,Facebook:always,SignInWithApple:claim,Okta:claim,CorpSAML:always";

fn trigger(pool: &MemoryPool, settings: &'static [(&'static str, &'static str)]) -> PreSignUp<MemoryPool, MemoryQueue> {
    let lookup = |asked: &str| {
        let set = settings.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned());
        set.or_else(|| match asked {
            "PROVIDERS" => Some(PROVIDERS.into()),
            "DEFAULT_GROUP" => Some("Users".into()),
            _ => None,
        })
    };
    PreSignUp::new(Settings::from_lookup(&lookup).unwrap(), pool.clone(), None)
}

fn pool(accounts: impl IntoIterator<Item = Account>) -> MemoryPool {
    MemoryPool::new(PoolKind::EmailUserNames, accounts)
}

async fn answered(pool: &MemoryPool, event: &str) -> Value {
    let answer = answer_to(&trigger(pool, &[]), event).await.expect("not refused");
    assert!(only_response_changed(event, &answer));
    answer
}

#[tokio::test]
async fn a_person_with_an_account_arriving_from_google_is_linked_in_two_calls() {
    let pool = pool([native(ADA)]);
    let answer = answered(&pool, &sample("pre-sign-up/google")).await;
    let [account] = pool.accounts().try_into().expect("one account");
    assert!(account.has_identity("Google", "123456789012345678901"));
    assert_eq!(pool.calls(), ["ListUsers", "AdminLinkProviderForUser"]);
    assert_eq!(answer["response"]["autoConfirmUser"], json!(false));
}

#[tokio::test]
async fn a_new_person_gets_a_native_account_with_their_name_in_the_group() {
    let pool = pool([]);
    let event = sample("pre-sign-up/google-new-person");
    let answer = answered(&pool, &event).await;
    let [account] = pool.accounts().try_into().expect("one account");
    let sent: Value = serde_json::from_str(&event).unwrap();
    assert_eq!(account.status, Status::Confirmed);
    assert!(account.email_verified && account.groups.contains("Users"));
    assert_eq!(account.identities.len(), 1);
    assert_eq!(
        Some(account.attributes["given_name"].as_str()),
        sent["request"]["userAttributes"]["given_name"].as_str()
    );
    assert!(account.password.is_some_and(|password| password.len() == 99));
    assert_eq!(answer["response"]["autoConfirmUser"], json!(true));
    assert_eq!(answer["response"]["autoVerifyEmail"], json!(true));
    assert_eq!(answer["response"]["autoVerifyPhone"], json!(false));
    assert_eq!(pool.calls().len(), 5);
}

/// The address is the user name that the new account is asked for, and Cognito takes 128 characters.
#[tokio::test]
async fn an_address_that_is_too_long_for_a_user_name_is_refused_and_one_that_just_fits_gets_an_account() {
    for (chars, refused) in [(128, None), (129, Some("unusable_email"))] {
        let pool = pool([]);
        let address = format!("{}@{}.example.com", "l".repeat(60), "d".repeat(chars - 73));
        assert_eq!(address.len(), chars);
        let event = sample("pre-sign-up/google").replace(ADA, &address);
        assert_eq!(refusal(&pool, &[], &event).await, refused, "{chars}");
        assert_eq!(pool.calls().contains(&"AdminCreateUser"), refused.is_none(), "{chars}");
    }
}

#[tokio::test]
async fn in_alias_pools_no_flag_is_raised_because_it_would_move_the_alias() {
    let pool = MemoryPool::new(PoolKind::EmailAlias, []);
    let event = sample("pre-sign-up/google-new-person");
    let answer = answer_to(&trigger(&pool, &[("NATIVE_USERNAME", "uuid")]), &event).await.unwrap();
    assert_eq!(answer, serde_json::from_str::<Value>(&event).unwrap());
    let [account] = pool.accounts().try_into().expect("one account");
    assert!(!account.user_name.contains('@') && !UserName::new(account.user_name.as_str()).has_form_of_sub());
}

#[tokio::test]
async fn every_other_source_goes_back_without_a_call() {
    let pool = pool([federated("Google", "1", ADA)]);
    for case in ["native", "native-minimal", "admin-create"] {
        let event = sample(&format!("pre-sign-up/{case}"));
        assert_eq!(answered(&pool, &event).await, serde_json::from_str::<Value>(&event).unwrap(), "{case}");
    }
    assert!(pool.calls().is_empty());
}

/// The same rule for people who register and people who come from a provider, before anything is looked up or made.
#[tokio::test]
async fn an_address_of_another_domain_gets_no_account_and_who_has_one_keeps_it() {
    const ONLY: [(&str, &str); 1] = [("ALLOWED_DOMAINS", "corp.example")];
    let empty = pool([]);
    for case in ["native", "native-minimal", "google-new-person"] {
        let event = sample(&format!("pre-sign-up/{case}"));
        let refusal = answer_to(&trigger(&empty, &ONLY), &event).await.unwrap_err();
        assert_eq!(refusal.0, "domain_not_allowed", "{case}");
        answer_to(&trigger(&pool([]), &[("DENIED_DOMAINS", "corp.example")]), &event).await.unwrap();
    }
    assert!(empty.accounts().is_empty() && !empty.calls().contains(&"AdminCreateUser"));
    let event = sample("pre-sign-up/admin-create");
    assert_eq!(
        answer_to(&trigger(&empty, &ONLY), &event).await.unwrap(),
        serde_json::from_str::<Value>(&event).unwrap()
    );
    let owned = pool([native(ADA)]);
    answer_to(&trigger(&owned, &ONLY), &sample("pre-sign-up/google")).await.unwrap();
    assert!(owned.accounts()[0].has_identity("Google", "123456789012345678901"));
}

#[tokio::test]
async fn an_invocation_repeated_by_cognito_changes_nothing_more() {
    let pool = pool([]);
    let event = sample("pre-sign-up/google-new-person");
    let first = answered(&pool, &event).await;
    let after_first = pool.accounts();
    assert_eq!(answered(&pool, &event).await, first);
    let [before, after] = [&after_first[0], &pool.accounts()[0]];
    assert_eq!((&before.sub, &before.password, &before.identities), (&after.sub, &after.password, &after.identities));
}

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
    let event = edited("pre-sign-up/okta", |event| {
        event["request"]["userAttributes"]["email"] = json!(ADA);
        event["request"]["userAttributes"]["custom:staff"] = json!("2002");
    });
    answer_to(&trigger(&pool, settings), &event).await.unwrap();
    // Grace's link went before it was clear that it was not Ada's. She comes back to her account.
    let event = edited("pre-sign-up/okta", |event| {
        event["request"]["userAttributes"]["email"] = json!("grace@example.org");
        event["request"]["userAttributes"]["custom:staff"] = json!("1001");
    });
    answer_to(&trigger(&pool, settings), &event).await.unwrap();
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
    let event = edited("pre-sign-up/oidc-mixed-case", |event| {
        event["request"]["userAttributes"]["custom:staff"] = json!("4711");
    });
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
    let event = edited("pre-sign-up/oidc-mixed-case", |event| {
        event["request"]["userAttributes"]["custom:staff"] = json!("4711");
    });
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

#[tokio::test]
async fn a_second_factor_costs_calls_only_where_it_keeps_an_account_from_being_linked() {
    let event = sample("pre-sign-up/google");
    let owned = || pool([Account { second_factor: true, ..native(ADA) }]);
    let linking = owned();
    answered(&linking, &event).await;
    assert_eq!(linking.calls(), ["ListUsers", "AdminLinkProviderForUser"]);
    let refusing = owned();
    let refusal = answer_to(&trigger(&refusing, &[("LINK_WITH_FACTORS", "refuse")]), &event).await.unwrap_err();
    assert_eq!(refusal.0, "second_factor");
    assert!(refusing.accounts()[0].identities.is_empty() && refusing.calls().contains(&"AdminGetUser"));
}

/// The pool would turn the new profile away, and the registration could not be put back.
#[tokio::test]
async fn a_registration_is_not_deleted_for_a_profile_that_lacks_a_required_attribute() {
    let event = sample("pre-sign-up/google-new-person");
    let email = serde_json::from_str::<Value>(&event).unwrap()["request"]["userAttributes"]["email"].clone();
    let email = email.as_str().unwrap().to_owned();
    let requiring =
        || pool([native(&email).unconfirmed()]).with_quirks(Quirks { requires_name: true, ..Quirks::default() });
    let kept = requiring();
    let (answer, log) =
        CapturedLog::of(answer_to(&trigger(&kept, &[("NATIVE_ATTRIBUTES", "given_name")]), &event)).await;
    assert_eq!(answer.unwrap_err().0, "required_attribute_missing");
    assert!(log.contains("\"attributes\":\"name\""), "{log}");
    assert_eq!(kept.accounts()[0].status, Status::Unconfirmed);
    assert!(!kept.calls().contains(&"AdminDeleteUser"));

    // Nor for one whose phone number, which is a user name as well, may be somebody else's. No look before tells.
    let quirks = Quirks { requires_phone_number: true, phone_is_user_name: true, ..Quirks::default() };
    let kept = pool([native(&email).unconfirmed()]).with_quirks(quirks);
    let with_phone = edited("pre-sign-up/google-new-person", |event| {
        event["request"]["userAttributes"]["phone_number"] = json!("+12065550100");
    });
    let code = refusal(&kept, &[("NATIVE_ATTRIBUTES", "phone_number")], &with_phone).await;
    assert_eq!((code, kept.accounts()[0].status), (Some("required_attribute_missing"), Status::Unconfirmed));

    let replaced = requiring();
    answer_to(&trigger(&replaced, &[("NATIVE_ATTRIBUTES", "name")]), &event).await.unwrap();
    assert_eq!(replaced.accounts()[0].status, Status::Confirmed);
}

/// Where the address is neither user name nor alias, only the name keeps two creations at once apart.
#[tokio::test]
async fn in_pools_with_plain_user_names_the_name_follows_from_the_address_and_nobody_can_take_it_before() {
    const DERIVED: &[(&str, &str)] = &[("NATIVE_USERNAME", "derived")];
    let pool = MemoryPool::new(PoolKind::UserNames, []);
    let event = sample("pre-sign-up/google-new-person");
    let answer = answer_to(&trigger(&pool, DERIVED), &event).await.unwrap();
    assert_eq!(answer, serde_json::from_str::<Value>(&event).unwrap());
    let [account] = pool.accounts().try_into().expect("one account");
    assert!(account.user_name.starts_with("address-") && account.email_verified);
    let name = account.user_name.as_str();
    let registration = edited("pre-sign-up/native", |event| event["userName"] = json!(name));
    let refusal = answer_to(&trigger(&pool, DERIVED), &registration).await.unwrap_err();
    assert_eq!(refusal.0, "user_name_is_reserved");
    assert!(answer_to(&trigger(&pool, DERIVED), &sample("pre-sign-up/native")).await.is_ok());
}

/// Everybody can tell the name that follows from an address, and may take it as an alias. No call with that name may then
/// change their account, whatever the function still has to do for the address's owner.
#[tokio::test]
async fn a_derived_name_that_is_somebodys_alias_changes_nothing_of_theirs() {
    const DERIVED: &[(&str, &str)] = &[("NATIVE_USERNAME", "derived")];
    let event = sample("pre-sign-up/google-new-person");
    let clean = MemoryPool::new(PoolKind::UserNames, []);
    answer_to(&trigger(&clean, DERIVED), &event).await.unwrap();
    let name = clean.accounts()[0].user_name.clone();

    let mut mallory = native("mallory@example.org");
    mallory.attributes.insert("preferred_username".into(), name);
    let quirks = Quirks { alias_comes_first: true, ..Quirks::default() };
    let pool = MemoryPool::new(PoolKind::UserNames, [mallory.clone()]).with_quirks(quirks);
    for _ in 0..2 {
        let refusal = answer_to(&trigger(&pool, DERIVED), &event).await.unwrap_err();
        assert_eq!(refusal.0, "user_name_held");
        let theirs = pool.accounts().into_iter().find(|account| account.sub == mallory.sub).unwrap();
        assert!(theirs.identities.is_empty() && theirs.password == mallory.password, "{theirs:?}");
    }
}

#[tokio::test]
async fn an_address_in_a_list_of_one_links_like_the_address_alone() {
    let pool = pool([native(ADA)]);
    let trigger = trigger(&pool, &[("POOL_CASE_SENSITIVE", "true")]);
    answer_to(&trigger, &sample("pre-sign-up/saml-list-of-one")).await.unwrap();
    assert!(pool.accounts()[0].has_identity("CorpSAML", "CorpUser-Ada.Lovelace-7F3B"));
}

#[tokio::test]
async fn what_is_no_address_is_refused_with_one_warning_that_says_why() {
    for (email, word) in [
        ("[ada@example.com,b@example.com]", "several"),
        ("evil!ada@example.com", "ambiguous"),
        ("\"ada\"@example.com", "characters"),
        ("ada", "syntax"),
        (&format!("{}@example.com", "l".repeat(65)), "length"),
    ] {
        let event = edited("pre-sign-up/facebook", |event| event["request"]["userAttributes"]["email"] = json!(email));
        let pool = pool([native(ADA)]);
        let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, &[]), &event)).await;
        assert_eq!(answer.unwrap_err().0, "unusable_email", "{email}");
        assert_eq!((log.matches("WARN").count(), log.matches("ERROR").count()), (1, 0), "{log}");
        assert!(log.contains(&format!("\"cause\":\"{word}: ")) && !log.contains("ada"), "{email}: {log}");
        assert!(pool.calls().is_empty());
    }
}

#[tokio::test]
async fn each_provider_of_the_samples_is_linked_or_refused_as_its_facts_say() {
    for (case, expected) in [
        ("google-lower-cased", Ok("Google")),
        ("facebook", Ok("Facebook")),
        ("apple", Ok("SignInWithApple")),
        ("google-unverified", Err("unproven_email")),
        ("oidc-lower-cased", Err("unreliable_subject")),
        ("oidc-mixed-case", Err("unreliable_subject")),
    ] {
        let event = sample(&format!("pre-sign-up/{case}"));
        let email = serde_json::from_str::<Value>(&event).unwrap()["request"]["userAttributes"]["email"].clone();
        let pool = pool([native(email.as_str().unwrap())]);
        let answer = answer_to(&trigger(&pool, &[]), &event).await;
        let outcome = answer.map(|_| pool.accounts()[0].identities[0].provider.clone()).map_err(|(code, _)| code);
        assert_eq!(outcome, expected.map(str::to_owned), "{case}");
    }
}

#[tokio::test]
async fn a_mixed_case_subject_is_linked_as_the_provider_spells_it() {
    let settings = &[("SUBJECT_ATTRIBUTE", "custom:idp_subject")];
    let pool = pool([native(ADA)]);
    answer_to(&trigger(&pool, settings), &sample("pre-sign-up/oidc-raw-subject")).await.unwrap();
    assert!(pool.accounts()[0].has_identity("Okta", "00uAbC1dEfGHIjKlM5d7"));
}

/// With the raw subject beside it, where the subject has letters.
#[tokio::test]
async fn providers_by_name_are_linked_by_the_subject_as_they_spell_it() {
    let settings = |providers| [("PROVIDERS", providers), ("SUBJECT_ATTRIBUTE", "custom:idp_subject")];
    for (case, settings, expected) in [
        ("linkedin", settings("LinkedIn:claim"), Ok("k3Xq9_ZbTa")),
        ("line", settings("LINE:never"), Err("unproven_email")),
        ("line", settings("LINE:claim"), Err("unproven_email")),
        ("line", settings("LINE:always"), Ok("U4af4980629f0b1c2d3e4f5061728394a")),
        ("okta", settings("Okta:claim@corp.example"), Ok("00uZyX9wVuTSRqPoN5d7")),
        ("okta", settings("Okta:claim@other.example"), Err("unproven_email")),
        ("auth0", settings("Auth0:claim"), Ok("auth0|64f0c1e2a3b4c5d6e7f80912")),
        ("auth0-google", settings("Auth0:claim"), Ok("google-oauth2|123456789012345678901")),
        ("github", settings("GitHub:claim"), Ok("583231")),
    ] {
        let event = sample(&format!("pre-sign-up/{case}"));
        let email = serde_json::from_str::<Value>(&event).unwrap()["request"]["userAttributes"]["email"].clone();
        let pool = pool([native(email.as_str().unwrap())]);
        let answer = answer_to(&trigger(&pool, settings.to_vec().leak()), &event).await;
        let outcome = answer.map(|_| pool.accounts()[0].identities[0].value.clone()).map_err(|(code, _)| code);
        assert_eq!(outcome, expected.map(str::to_owned), "{case}");
    }
    let twice = pool([native(ADA).with_identity("Auth0", "auth0|64f0c1e2a3b4c5d6e7f80912")]);
    let auth0 = settings("Auth0:claim").to_vec().leak();
    let refused = answer_to(&trigger(&twice, auth0), &sample("pre-sign-up/auth0-google")).await.unwrap_err();
    assert_eq!(refused.0, "second_subject");
}

/// The pool maps Entra's `xms_edov` to `email_verified`, so it needs no inbound federation trigger.
#[tokio::test]
async fn a_microsoft_account_is_linked_if_its_proof_is_mapped() {
    let settings = &[("PROVIDERS", "EntraID:claim"), ("SUBJECT_ATTRIBUTE", "custom:idp_subject")];
    let of = |proof: &str| {
        edited("pre-sign-up/microsoft", |event| event["request"]["userAttributes"]["email_verified"] = json!(proof))
    };
    for (proof, linked) in [("true", true), ("1", true), ("True", true), ("[1]", true), ("false", false), ("0", false)]
    {
        let pool = pool([native(ADA)]);
        assert_eq!(answer_to(&trigger(&pool, settings), &of(proof)).await.is_ok(), linked, "{proof}");
        assert_eq!(pool.accounts()[0].identities.len(), usize::from(linked), "{proof}");
    }
}

/// Events as people report them from providers and emulators: whether the person is linked, or why not.
#[tokio::test]
async fn reported_forms_of_an_arrival_link_the_right_person_or_nobody() {
    let settings: &[_] = &[
        ("PROVIDERS", "Google:claim,AD FS.v2-test:always,Corp:always"),
        ("POOL_CASE_SENSITIVE", "true"),
        ("UNPROVEN_EMAIL", "separate"),
    ];
    let with = |email: Value| json!({"email": email, "email_verified": "true", "given_name": null, "name": ""});
    let ada = json!("ada@example.com");
    for (what, user_name, attributes, expected) in [
        ("a domain and a backslash in the NameID", "Corp_AD\\rumesh", with(ada.clone()), Ok(1)),
        ("an address as NameID", "Corp_Ada@Corp.example", with(ada.clone()), Ok(1)),
        ("an underscore, a bar and a colon in the subject", "Corp_waad|a_b:c", with(ada.clone()), Ok(1)),
        ("a provider's name with space, full stop and hyphen", "AD FS.v2-test_1", with(ada.clone()), Ok(1)),
        ("attributes that are null", "Google_1", Value::Null, Ok(0)),
        ("attributes that are a list", "Google_1", json!([]), Ok(0)),
        ("an address that is null", "Google_1", with(Value::Null), Ok(0)),
        ("the word null for an address", "Google_1", with(json!("null")), Err("unusable_email")),
        ("a name before the address", "Google_1", with(json!("Ada <ada@example.com>")), Err("unusable_email")),
        (
            "an entry of Active Directory's proxyAddresses",
            "Corp_1",
            with(json!("SMTP:ada@example.com")),
            Err("unusable_email"),
        ),
        ("a link for an address", "Corp_1", with(json!("mailto:ada@example.com")), Err("unusable_email")),
        ("an address with a full stop at its end", "Corp_1", with(json!("ada@example.com.")), Err("unusable_email")),
        ("an address in capitals, padded", "Corp_1", with(json!(" ADA@EXAMPLE.COM\r\n")), Ok(1)),
        ("an address under the name of the claim in capitals", "Corp_1", json!({"EMAIL": ada}), Ok(0)),
        ("a boolean for the mark", "Google_1", json!({"email": ada, "email_verified": true}), Ok(1)),
        (
            "a subject of 120 digits",
            &format!("Google_{}", "1".repeat(120)),
            with(ada.clone()),
            Err("identity_too_long"),
        ),
    ] {
        let event = edited("pre-sign-up/google", |event| {
            event["userName"] = json!(user_name);
            event["request"]["userAttributes"] = attributes.clone();
        });
        let pool = pool([native(ADA)]);
        let answer = answer_to(&trigger(&pool, settings), &event).await;
        let linked = answer.map(|_| pool.accounts()[0].identities.len()).map_err(|refused| refused.0);
        assert_eq!(linked, expected, "{what}");
        assert_eq!(pool.accounts().len(), 1, "{what}");
    }
}

/// Each of these came for somebody whose other address has an account.
#[tokio::test]
async fn an_address_that_only_resembles_another_gets_an_account_of_its_own() {
    for (what, address) in [
        ("the user name of a guest in Entra ID", "ada_example.com#EXT#@tenant.onmicrosoft.com"),
        ("a letter and its accent apart", "ad\u{e1}@example.com"),
        ("a plus address", "ada+1@example.com"),
        ("Gmail's dots", "a.d.a@example.com"),
        ("the mailbox that GitHub makes", "1234+ada@users.noreply.github.com"),
        ("the domain as DNS spells it", "ada@xn--exmple-cua.com"),
    ] {
        let resembled = ["ada@example.com", "ada\u{301}@example.com", "ada@ex\u{e4}mple.com"];
        let pool = pool(resembled.map(native));
        let event = edited("pre-sign-up/google", |event| {
            event["request"]["userAttributes"]["email"] = json!(address);
        });
        answer_to(&trigger(&pool, &[]), &event).await.unwrap();
        let accounts = pool.accounts();
        let [own] = &accounts[resembled.len()..] else { panic!("{what}: {accounts:?}") };
        assert!(own.has_identity("Google", "123456789012345678901") && own.has_email(address), "{what}");
        assert!(accounts[..resembled.len()].iter().all(|account| account.identities.is_empty()), "{what}");
    }
}

/// A name that is null or empty is not copied to the new account, where Cognito would refuse it.
#[tokio::test]
async fn reported_forms_of_a_newcomers_name_do_not_keep_the_account_from_being_made() {
    for name in [Value::Null, json!(""), json!(7), json!(["Ada"]), json!("x".repeat(3000))] {
        let event = edited("pre-sign-up/google-new-person", |event| {
            event["request"]["userAttributes"]["given_name"] = name.clone();
        });
        let pool = pool([]);
        let (answer, _) = CapturedLog::of(answer_to(&trigger(&pool, &[]), &event)).await;
        assert!(answer.is_ok(), "{name}");
        let [account] = pool.accounts().try_into().expect("one account");
        assert!(account.email_verified && !account.attributes.contains_key("given_name"), "{name}");
    }
}

#[tokio::test]
async fn amazons_capital_letters_are_not_lost_for_a_link() {
    for (settings, expected) in [
        (&[("PROVIDERS", "LoginWithAmazon:claim")], "unproven_email"),
        (&[("PROVIDERS", "LoginWithAmazon:always")], "unreliable_subject"),
    ] {
        let pool = pool([native(ADA)]);
        let refused = answer_to(&trigger(&pool, settings), &sample("pre-sign-up/amazon")).await.unwrap_err();
        assert_eq!(refused.0, expected);
    }
}

#[tokio::test]
async fn without_an_address_cognito_goes_on_alone_and_nothing_is_asked() {
    let pool = pool([native(ADA)]);
    let event = sample("pre-sign-up/without-email");
    assert_eq!(answered(&pool, &event).await, serde_json::from_str::<Value>(&event).unwrap());
    assert!(pool.calls().is_empty());
}

#[tokio::test]
async fn an_attacker_who_registered_the_address_first_ends_with_nothing() {
    let pool = pool([native(ADA).unconfirmed().planted()]);
    answered(&pool, &sample("pre-sign-up/google")).await;
    let [account] = pool.accounts().try_into().expect("one account");
    assert!(!account.is_planted() && account.email_verified);
    assert!(account.has_identity("Google", "123456789012345678901"));
}

/// Their session is good until the profile is signed out everywhere.
#[tokio::test]
async fn an_identity_that_is_linked_while_a_profile_is_cleaned_keeps_the_address_from_being_given_to_it() {
    type Change = fn(&mut Account);
    let changes: [Change; 2] = [
        |account| (account.email, account.email_verified) = (Some("mallory@evil.example".into()), true),
        // They proved nothing, but it is theirs to sign in to.
        |_| {},
    ];
    let cleaned = [native(ADA).unverified(), invited(ADA).unverified()];
    for (change, account) in changes.into_iter().flat_map(|change| cleaned.clone().map(|account| (change, account))) {
        let pool = pool([account]);
        pool.before_each_call(move |operation, accounts| {
            if operation == "AdminUserGlobalSignOut" {
                change(&mut accounts[0]);
                accounts[0].identities = native(ADA).with_identity("Facebook", "666").identities;
            }
        });
        let code = refusal(&pool, &[("UNVERIFIED_PROFILE", "reclaim")], &sample("pre-sign-up/google")).await;
        assert_eq!(code, Some("linked_profile"));
        let [account] = pool.accounts().try_into().expect("one account");
        assert!(!(account.has_email(ADA) && account.email_verified) && account.identities.len() == 1, "{account:?}");
    }
}

/// Where people choose their names, somebody with an open session may delete the profile and register its name anew.
#[tokio::test]
async fn a_profile_that_gets_another_owner_while_it_is_cleaned_does_not_get_the_address() {
    for account in [native(ADA).unverified(), invited(ADA).unverified()] {
        let pool = MemoryPool::new(PoolKind::EmailAlias, [account.clone()]);
        let again =
            Account { sub: "sub-of-another".into(), ..native("mallory@evil.example").named(&account.user_name) };
        pool.before_each_call(move |operation, accounts| {
            if operation == "AdminUserGlobalSignOut" && accounts[0].sub != again.sub {
                accounts[0] = again.clone();
            }
        });
        let settings = &[("UNVERIFIED_PROFILE", "reclaim"), ("NATIVE_USERNAME", "uuid")];
        let _ = answer_to(&trigger(&pool, settings), &sample("pre-sign-up/google")).await;
        let others = pool.accounts().into_iter().find(|account| account.sub == "sub-of-another").unwrap();
        assert!(!others.has_email(ADA) && others.identities.is_empty(), "{others:?}");
    }
}

/// Cognito does not delete a number that the pool requires.
#[tokio::test]
async fn a_planted_phone_number_that_the_pool_requires_opens_nothing_any_more() {
    for account in [native(ADA).unverified(), invited(ADA).unverified()] {
        let quirks = Quirks { requires_phone_number: true, ..Quirks::default() };
        let pool = pool([Account { password: account.password.clone(), status: account.status, ..account.planted() }])
            .with_quirks(quirks);
        let trigger = trigger(&pool, &[("UNVERIFIED_PROFILE", "reclaim")]);
        answer_to(&trigger, &sample("pre-sign-up/google")).await.unwrap();
        let [account] = pool.accounts().try_into().expect("one account");
        assert!(!account.phone_verified && account.phone.is_some() && account.sessions.is_empty(), "{account:?}");
        assert!(account.email_verified && account.has_identity("Google", "123456789012345678901"));
    }
}

/// Each time the registration is deleted, somebody registers again before the account is made.
#[tokio::test]
async fn whoever_keeps_registering_the_address_does_not_hold_the_function() {
    let pool = pool([]);
    let mut registered = 0;
    pool.before_each_call(move |operation, accounts| {
        if operation == "AdminCreateUser" && accounts.is_empty() {
            registered += 1;
            accounts.push(Account { sub: format!("sub-{registered}"), ..native(ADA).unconfirmed() });
        }
    });
    assert_eq!(refusal(&pool, &[], &sample("pre-sign-up/google")).await, Some("try_again"));
    assert_eq!(pool.calls().iter().filter(|call| **call == "AdminCreateUser").count(), 5);
}

/// No administrator's call removes a passkey. Whoever has a session can add one until the sessions are ended.
#[tokio::test]
async fn a_profile_with_a_passkey_is_given_to_nobody_however_late_the_passkey_came() {
    for account in [invited(ADA).unverified(), native(ADA).unverified()] {
        let settings: &'static _ = &[("UNVERIFIED_PROFILE", "reclaim")];
        let with_passkey = pool([Account { passkey: true, ..account.clone() }]);
        let code = refusal(&with_passkey, settings, &sample("pre-sign-up/google")).await;
        assert_eq!(code, Some("passkey_on_profile"));
        assert!(!with_passkey.calls().contains(&"AdminSetUserPassword"), "{:?}", with_passkey.calls());

        let pool = pool([account]);
        pool.before_each_call(|operation, accounts| accounts[0].passkey |= operation == "AdminSetUserPassword");
        let code = refusal(&pool, settings, &sample("pre-sign-up/google")).await;
        assert_eq!(code, Some("passkey_on_profile"));
        assert!(pool.accounts()[0].identities.is_empty());
    }
}

/// The temporary password opens a session until it is replaced.
#[tokio::test]
async fn what_somebody_adds_to_an_invited_account_until_the_password_is_replaced_is_gone() {
    let pool = pool([invited(ADA).unverified()]);
    pool.before_each_call(|operation, accounts| {
        if operation == "AdminSetUserPassword" {
            accounts[0].sessions.push("a stranger's".into());
            (accounts[0].phone, accounts[0].phone_verified) = (Some("+12065550100".into()), true);
            accounts[0].second_factor = true;
        }
    });
    answered(&pool, &sample("pre-sign-up/google")).await;
    let [account] = pool.accounts().try_into().expect("one account");
    assert!(account.sessions.is_empty() && account.phone.is_none() && !account.second_factor, "{account:?}");
    assert!(account.has_identity("Google", "123456789012345678901"));
}

/// Whoever it is, they hold it for good, so "please try again" would be a lie.
#[tokio::test]
async fn a_name_that_somebody_holds_out_of_sight_is_a_refusal_and_not_try_again() {
    let pool = pool([]);
    pool.before_each_call(|operation, accounts| {
        accounts.clear();
        if operation == "AdminCreateUser" {
            accounts.push(native(ADA));
        }
    });
    let code = refusal(&pool, &[], &sample("pre-sign-up/google")).await;
    assert_eq!(code, Some("user_name_held"));
    assert_eq!(pool.calls().iter().filter(|call| **call == "AdminCreateUser").count(), 3);
}

#[tokio::test]
async fn a_missing_group_is_an_error_in_the_log_and_keeps_nobody_out() {
    let pool = pool([]);
    let trigger = trigger(&pool, &[("DEFAULT_GROUP", "Nobody")]);
    let event = sample("pre-sign-up/google-new-person");
    let (answer, log) = CapturedLog::of(answer_to(&trigger, &event)).await;
    assert!(answer.is_ok() && pool.accounts()[0].identities.len() == 1);
    assert!(log.contains("group_missing"), "{log}");
}

#[tokio::test]
async fn a_native_registration_of_a_federated_address_is_refused_when_asked() {
    let unique = &[("NATIVE_SIGN_UP", "unique")];
    let email = "grace@example.org";
    let event = edited("pre-sign-up/native", |event| event["request"]["userAttributes"]["email"] = json!(email));
    let linked = native(email).with_identity("Google", "1");
    for (accounts, refused) in [
        (vec![Account { email_verified: true, ..federated("Google", "1", email) }], true),
        // Of a provider whose every address is proven, whether or not it says so.
        (vec![federated("Facebook", "1", email)], true),
        // Anybody may have come with an address that nobody vouched for.
        (vec![federated("Google", "1", email)], false),
        (vec![linked.clone()], true),
        // Somebody who is linked may have stored an address of somebody else.
        (vec![linked.unverified()], false),
        (vec![native(email)], false),
        (vec![], false),
    ] {
        let answer = answer_to(&trigger(&pool(accounts), unique), &event).await;
        assert_eq!(answer.err().map(|(code, _)| code), refused.then_some("native_email_in_use"));
    }
}

/// Grace, whose `sub` somebody else takes for a user name.
const GRACE_SUB: &str = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";

fn grace() -> Account {
    Account { sub: GRACE_SUB.into(), ..native("grace@example.org").named("grace") }
}

#[tokio::test]
async fn nobody_registers_under_the_sub_of_somebody_else() {
    let alias = &[("NATIVE_USERNAME", "uuid")];
    let registration = |name: &str| edited("pre-sign-up/native", |event| event["userName"] = json!(name));
    for (name, refused, calls) in [
        (GRACE_SUB, true, 1),
        (GRACE_SUB.to_uppercase().as_str(), true, 1),
        ("00000000-0000-4000-8000-000000000000", false, 1),
        ("mallory", false, 0),
    ] {
        let pool = MemoryPool::new(PoolKind::EmailAlias, [grace()]);
        let answer = answer_to(&trigger(&pool, alias), &registration(name)).await;
        assert_eq!(answer.err().map(|(code, _)| code), refused.then_some("user_name_is_a_sub"), "{name}");
        assert_eq!(pool.calls().len(), calls, "{name}");
    }
    // Where the address is the user name Cognito makes the name, and nothing needs asking.
    let pool = pool([grace()]);
    assert!(answer_to(&trigger(&pool, &[]), &registration(GRACE_SUB)).await.is_ok());
    assert!(pool.calls().is_empty());
}

#[tokio::test]
async fn nothing_is_done_to_a_profile_that_bears_the_sub_of_another_for_its_name() {
    for settings in
        [&[("NATIVE_USERNAME", "uuid")][..], &[("NATIVE_USERNAME", "uuid"), ("UNVERIFIED_PROFILE", "reclaim")]]
    {
        for mallory in [native(ADA).unconfirmed(), native(ADA).unverified(), native(ADA), invited(ADA)] {
            let mallory = Account { sub: "sub-of-mallory".into(), ..mallory.named(GRACE_SUB) };
            let status = mallory.status;
            let pool = MemoryPool::new(PoolKind::EmailAlias, [mallory, grace()]);
            let answer = answer_to(&trigger(&pool, settings), &sample("pre-sign-up/google")).await;
            let code = answer.err().map(|(code, _)| code);
            assert!(matches!(code, Some("borrowed_sub" | "unverified_profile")), "{status:?}: {code:?}");
            let changed = pool.calls().into_iter().any(|call| !["ListUsers", "AdminGetUser"].contains(&call));
            assert!(!changed, "{status:?}: {:?}", pool.calls());
        }
    }
}

#[tokio::test]
async fn a_link_that_the_pool_keeps_refusing_is_not_tried_until_the_time_is_up() {
    let quirks = Quirks { refuse_every_link: true, ..Quirks::default() };
    let pool = pool([native(ADA)]).with_quirks(quirks);
    let answer = answer_to(&trigger(&pool, &[]), &sample("pre-sign-up/google")).await;
    assert_eq!(answer.err().map(|(code, _)| code), Some("misconfigured"));
    assert_eq!(pool.calls().iter().filter(|call| **call == "AdminLinkProviderForUser").count(), 2);
}

/// The code that an event is refused with.
async fn refusal(
    pool: &MemoryPool,
    settings: &'static [(&'static str, &'static str)],
    event: &str,
) -> Option<&'static str> {
    answer_to(&trigger(pool, settings), event).await.err().map(|(code, _)| code)
}

fn registration_of(email: &str) -> String {
    edited("pre-sign-up/native", |event| {
        event["userName"] = json!("somebody");
        event["request"]["userAttributes"]["email"] = json!(email);
    })
}

#[tokio::test]
async fn the_mark_of_a_provider_that_proves_nothing_keeps_nobody_from_registering_or_coming() {
    let settings = &[("PROVIDERS", "Google:claim,Corp:never"), ("NATIVE_SIGN_UP", "unique")];
    for provider in ["Corp", "Unlisted"] {
        let planted = Account { email_verified: true, ..federated(provider, "666", ADA) };
        for account in [planted.clone(), planted.disabled()] {
            assert_eq!(refusal(&pool([account.clone()]), settings, &registration_of(ADA)).await, None, "{provider}");
            let pool = pool([account]);
            assert_eq!(refusal(&pool, settings, &sample("pre-sign-up/google")).await, None, "{provider}");
            assert_eq!(pool.owners_of("Google", "123456789012345678901").len(), 1, "{provider}");
        }
    }
}

#[tokio::test]
async fn who_was_shut_out_does_not_come_back_by_registering() {
    let unique = &[("NATIVE_SIGN_UP", "unique"), ("NATIVE_USERNAME", "uuid")];
    let verified = Account { email_verified: true, ..federated("Google", "9", ADA) };
    for (banned, refused) in [
        (native(ADA).disabled(), true),
        (verified.disabled(), true),
        // Their owner never proved the address, so they say nothing about whose it is.
        (native(ADA).unverified().disabled(), false),
        (federated("Google", "9", ADA).disabled(), false),
    ] {
        let pool = MemoryPool::new(PoolKind::EmailAlias, [banned]);
        let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, unique), &registration_of(ADA))).await;
        assert_eq!(answer.err().map(|(code, _)| code), refused.then_some("native_email_in_use"));
        // Nobody has proven the address here, so only the log says that an account is disabled.
        assert_eq!(log.contains("disabled"), refused, "{log}");
        assert_eq!(pool.calls(), ["ListUsers"]);
    }
}

#[tokio::test]
async fn who_only_names_an_address_keeps_nobody_out_who_cannot_prove_theirs() {
    let event = sample("pre-sign-up/google-unverified");
    let email = serde_json::from_str::<Value>(&event).unwrap()["request"]["userAttributes"]["email"].clone();
    let email = email.as_str().unwrap();
    for (account, refused) in [
        (native(email).unconfirmed(), None),
        (federated("Okta", "6", email), None),
        (native(email), Some("unproven_email")),
    ] {
        let pool = pool([account.clone()]);
        assert_eq!(refusal(&pool, &[], &event).await, refused);
        assert_eq!((pool.calls().len(), pool.accounts()[0].identities.len()), (1, account.identities.len()));
    }
}

#[tokio::test]
async fn a_subject_that_completes_the_name_of_another_provider_is_not_taken_for_that_provider() {
    let settings = &[("PROVIDERS", "Corp:never,Corp_EU:always"), ("POOL_CASE_SENSITIVE", "true")];
    let pool = pool([native(ADA)]);
    // The subject `EU_mallory` of the provider `Corp`.
    let event = edited("pre-sign-up/google", |event| event["userName"] = json!("Corp_EU_mallory"));
    let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, settings), &event)).await;
    assert_eq!(answer.err().map(|(code, _)| code), Some("ambiguous_provider"));
    assert!(pool.accounts()[0].identities.is_empty() && log.contains("\"provider\":\"ambiguous\""), "{log}");
}

#[tokio::test]
async fn nobody_registers_under_a_name_that_cognito_makes_for_an_identity() {
    let registration = |name: &str| edited("pre-sign-up/native", |event| event["userName"] = json!(name));
    for (name, refused) in [
        ("Google_1035", true),
        ("signinwithapple_0011.ab", true),
        ("google", false),
        ("googles_1", false),
        ("x_1", false),
    ] {
        let pool = MemoryPool::new(PoolKind::EmailAlias, []);
        let code = refusal(&pool, &[("NATIVE_USERNAME", "uuid")], &registration(name)).await;
        assert_eq!(code, refused.then_some("user_name_is_an_identity"), "{name}");
        assert!(pool.calls().is_empty());
    }
    let two = &[("NATIVE_USERNAME", "uuid"), ("PROVIDERS", "Corp:never,Corp_EU:always")];
    let code = refusal(&pool([]), two, &registration("Corp_EU_1")).await;
    assert_eq!(code, Some("user_name_is_an_identity"));
    // Where the address is the user name Cognito makes the name.
    assert_eq!(refusal(&pool([]), &[], &registration("Google_1035")).await, None);
}

/// Cognito takes these for the address of the person who comes; we do not. Or the address is another profile's user name.
#[tokio::test]
async fn an_address_that_is_somebody_elses_user_name_ends_as_a_refusal_that_names_the_holder_in_the_log() {
    for (email, holder) in [
        ("kate@example.com", native("\u{212a}ate@example.com").unconfirmed()),
        ("émile@example.com", native("Émile@example.com")),
        (ADA, native("eve@example.com").named(ADA)),
        (ADA, Account { email: None, ..native(ADA).named(ADA) }),
    ] {
        let holder = Account { sub: "sub-of-the-holder".into(), ..holder };
        let quirks = Quirks { folds_unicode_names: true, ..Quirks::default() };
        let pool = pool([holder]).with_quirks(quirks);
        let event = edited("pre-sign-up/google", |event| event["request"]["userAttributes"]["email"] = json!(email));
        let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, &[]), &event)).await;
        assert_eq!(answer.err().map(|(code, _)| code), Some("user_name_held"), "{email}");
        assert_eq!(pool.calls(), ["ListUsers", "AdminCreateUser", "ListUsers", "AdminGetUser"], "{email}");
        assert!(log.contains("sub-of-the-holder") && log.matches("WARN").count() == 1, "{log}");
    }
}

#[tokio::test]
async fn an_attribute_that_somebody_else_holds_keeps_nobody_out() {
    let settings = &[("NATIVE_ATTRIBUTES", "given_name,phone_number")];
    let phone = "+15550100";
    let holder = Account { phone: Some(phone.into()), ..native("eve@example.com") };
    let pool = pool([holder]).with_quirks(Quirks { phone_is_user_name: true, ..Quirks::default() });
    let event = edited("pre-sign-up/google-new-person", |event| {
        event["request"]["userAttributes"]["phone_number"] = json!(phone);
    });
    assert_eq!(refusal(&pool, settings, &event).await, None);
    assert_eq!(pool.calls().iter().filter(|call| **call == "AdminCreateUser").count(), 2);
    assert!(pool.accounts()[1].attributes.is_empty() && pool.accounts()[1].identities.len() == 1);
}

/// The remedy is another one than for an address that is somebody's user name.
#[tokio::test]
async fn a_required_phone_number_that_somebody_else_has_is_named_as_the_cause_with_its_holder_in_the_log() {
    let settings = &[("NATIVE_ATTRIBUTES", "given_name,phone_number")];
    let phone = "+15550100";
    let holder = Account { phone: Some(phone.into()), sub: "sub-of-the-holder".into(), ..native("eve@example.com") };
    let quirks = Quirks { phone_is_user_name: true, requires_phone_number: true, ..Quirks::default() };
    let pool = pool([holder]).with_quirks(quirks);
    let event = edited("pre-sign-up/google-new-person", |event| {
        event["request"]["userAttributes"]["phone_number"] = json!(phone);
    });
    let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, settings), &event)).await;
    assert_eq!(answer.err().map(|(code, _)| code), Some("phone_number_held"));
    assert!(log.contains("sub-of-the-holder") && !log.contains(phone), "{log}");
    assert_eq!(pool.accounts().len(), 1);
}

/// An administrator reset the password, so no password opens the account, and no code goes to its address.
#[tokio::test]
async fn nobody_is_told_to_sign_in_with_a_password_that_opens_nothing() {
    let waits = || Account { status: Status::ResetRequired, ..native(ADA).unverified() };
    let event = sample("pre-sign-up/google");
    for settings in [&[][..], &[("UNVERIFIED_PROFILE", "refuse")]] {
        let pool = pool([waits()]);
        let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, settings), &event)).await;
        let (code, text) = answer.unwrap_err();
        assert_eq!(code, "password_reset_required");
        assert!(text.contains("contact support") && !text.contains("sign in with"), "{text}");
        assert!(log.contains("RESET_REQUIRED") && log.contains("verify-email"), "{log}");
    }
    // The remedy that the log names.
    let verified = pool([Account { email_verified: true, ..waits() }]);
    answer_to(&trigger(&verified, &[]), &event).await.unwrap();
    assert!(verified.accounts()[0].has_identity("Google", "123456789012345678901"));
}

/// What the pool requires is not dropped with what it refuses.
#[tokio::test]
async fn an_attribute_that_the_pool_refuses_does_not_cost_one_that_it_requires() {
    let settings = &[("NATIVE_ATTRIBUTES", "name,given_name,picture,phone_number")];
    let requires = Quirks { requires_name: true, ..Quirks::default() };
    let no_picture: fn(&NewNative) -> Option<PoolErrorKind> =
        |new| new.attributes.contains_key("picture").then_some(PoolErrorKind::InvalidParameter);
    let phone = "+15550100";
    let holder = Account { phone: Some(phone.into()), ..native("eve@example.com") };
    for (attribute, value, accounts, quirks) in [
        ("phone_number", phone, vec![holder], Quirks { phone_is_user_name: true, ..requires }),
        ("picture", "https://www.example.com/ada.jpg", vec![], Quirks { refuses: Some(no_picture), ..requires }),
    ] {
        let pool = pool(accounts).with_quirks(quirks);
        let event = edited("pre-sign-up/google-new-person", |event| {
            event["request"]["userAttributes"][attribute] = json!(value);
        });
        assert_eq!(refusal(&pool, settings, &event).await, None, "{attribute}");
        let made = pool.accounts().into_iter().find(|account| account.identities.len() == 1).expect("an account");
        assert_eq!(made.attributes.keys().collect::<Vec<_>>(), ["name"], "{attribute}");
        assert_eq!(pool.calls().iter().filter(|call| **call == "AdminCreateUser").count(), 2, "{attribute}");
    }
}

#[tokio::test]
async fn no_log_of_any_outcome_holds_personal_data() {
    let cases = std::fs::read_dir(cognito_core::testing::events_dir().join("pre-sign-up")).unwrap();
    let settings = &[("NATIVE_SIGN_UP", "unique"), ("UNVERIFIED_PROFILE", "reclaim")];
    for path in cases.map(|entry| entry.unwrap().path()) {
        let event = std::fs::read_to_string(&path).unwrap();
        let email = serde_json::from_str::<Value>(&event).unwrap()["request"]["userAttributes"]["email"].clone();
        let email = email.as_str().unwrap_or(ADA);
        for accounts in [
            vec![],
            vec![native(email)],
            vec![native(email).unconfirmed()],
            vec![native(email).unverified()],
            vec![native(email).disabled()],
            vec![invited(email)],
            vec![federated("Facebook", "9", email)],
            vec![native(email).named("one"), native(email).named("two")],
        ] {
            let accounts =
                accounts.into_iter().enumerate().map(|(n, account)| Account { sub: format!("sub-{n}"), ..account });
            let pool = pool(accounts);
            let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, settings), &event)).await;
            for secret in personal_data(&event) {
                assert!(!log.contains(&secret), "{}: {secret} in {log}", path.display());
                let shown =
                    answer.as_ref().err().is_some_and(|(code, text)| code.contains(&secret) || text.contains(&secret));
                assert!(!shown, "{}: {secret} in {answer:?}", path.display());
            }
            if pool.calls().len() > 1 {
                assert!(log.contains("\"message\":\"decided\""), "{}: {log}", path.display());
            }
        }
    }
}

#[test]
fn the_readme_lists_every_variable_and_the_refusal_of_registrations() {
    let mut names = NAMES.map(str::to_owned);
    names.sort();
    let mut documented = cognito_core::testing::documented_settings("pre-sign-up");
    documented.sort();
    assert_eq!(documented, names);
    for kind in [EMAIL_IN_USE, USER_NAME_IS_A_SUB, USER_NAME_IS_AN_IDENTITY, USER_NAME_IS_RESERVED] {
        assert!(cognito_core::testing::is_documented(kind), "{}", kind.code);
    }
}

/// What ours answered, what the team's function said, and what counts.
#[test]
fn of_the_flags_of_the_teams_function_the_stricter_counts() {
    const NATIVE: TriggerSource = TriggerSource::PreSignUpSignUp;
    const FEDERATED: TriggerSource = TriggerSource::PreSignUpExternalProvider;
    for (source, flag, ours, theirs, counts) in [
        // Confirming somebody proves nothing, and ours has no opinion about it.
        (NATIVE, "autoConfirmUser", json!(false), json!(true), json!(true)),
        (NATIVE, "autoVerifyPhone", json!(false), json!(true), json!(true)),
        // Linking relies on the mark.
        (NATIVE, "autoVerifyEmail", json!(false), json!(true), json!(false)),
        (TriggerSource::Unknown, "autoVerifyEmail", json!(false), json!(true), json!(false)),
        // In an alias pool a raised flag takes the alias away from its owner.
        (FEDERATED, "autoConfirmUser", json!(false), json!(true), json!(false)),
        (FEDERATED, "autoVerifyEmail", json!(false), json!(true), json!(false)),
        (FEDERATED, "autoVerifyPhone", json!(false), json!(true), json!(false)),
        (FEDERATED, "autoVerifyEmail", json!(true), json!(true), json!(true)),
        (FEDERATED, "autoVerifyEmail", json!(true), json!(false), json!(false)),
        (FEDERATED, "autoConfirmUser", json!(true), json!(false), json!(false)),
        // Cognito would refuse the answer.
        (NATIVE, "autoConfirmUser", json!(false), json!("true"), json!(false)),
        (FEDERATED, "autoConfirmUser", json!(true), json!("no"), json!(true)),
    ] {
        let of = |value: &serde_json::Value| Map::from_iter([(flag.to_owned(), value.clone())]);
        let overruled = overruled(source, &Answers { ours: of(&ours), theirs: of(&theirs) }, false);
        assert_eq!(overruled.get(flag).unwrap_or(&theirs), &counts, "{source:?} {flag} {ours} {theirs}");
    }
    assert_eq!(overruled(NATIVE, &Answers::default(), true), Map::new());
    // Cognito's code proves that somebody has an address of an allowed domain.
    let of = |value: bool| Map::from_iter([("autoConfirmUser".to_owned(), value.into())]);
    let unproven = Answers { ours: of(false), theirs: of(true) };
    assert_eq!(overruled(NATIVE, &unproven, true), of(false));
}

#[test]
fn a_function_that_may_refuse_people_is_asked_first_and_nobody_passes_unasked() {
    type Ours = PreSignUp<cognito_core::user_pool::aws::AwsUserPools, cognito_core::sdk::SqsQueue>;
    assert_eq!(<Ours as Trigger>::NEXT_FUNCTION, Defaults::ASKED_FIRST);
}
