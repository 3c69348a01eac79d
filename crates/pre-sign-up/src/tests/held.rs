//! Names and attributes that somebody else has, or that the pool does not take.

use super::*;

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
        let event = sample_with("pre-sign-up/google", "email", email);
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
    let event = sample_with("pre-sign-up/google-new-person", "phone_number", phone);
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
    let event = sample_with("pre-sign-up/google-new-person", "phone_number", phone);
    let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, settings), &event)).await;
    assert_eq!(answer.err().map(|(code, _)| code), Some("phone_number_held"));
    assert!(log.contains("sub-of-the-holder") && !log.contains(phone), "{log}");
    assert_eq!(pool.accounts().len(), 1);
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
        let event = sample_with("pre-sign-up/google-new-person", attribute, value);
        assert_eq!(refusal(&pool, settings, &event).await, None, "{attribute}");
        let made = pool.accounts().into_iter().find(|account| account.identities.len() == 1).expect("an account");
        assert_eq!(made.attributes.keys().collect::<Vec<_>>(), ["name"], "{attribute}");
        assert_eq!(pool.calls().iter().filter(|call| **call == "AdminCreateUser").count(), 2, "{attribute}");
    }
}

/// The pool would turn the new profile away, and the registration could not be put back.
#[tokio::test]
async fn a_registration_is_not_deleted_for_a_profile_that_lacks_a_required_attribute() {
    let event = sample("pre-sign-up/google-new-person");
    let email = address_in(&event);
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
    let with_phone = sample_with("pre-sign-up/google-new-person", "phone_number", "+12065550100");
    let code = refusal(&kept, &[("NATIVE_ATTRIBUTES", "phone_number")], &with_phone).await;
    assert_eq!((code, kept.accounts()[0].status), (Some("required_attribute_missing"), Status::Unconfirmed));

    let replaced = requiring();
    answer_to(&trigger(&replaced, &[("NATIVE_ATTRIBUTES", "name")]), &event).await.unwrap();
    assert_eq!(replaced.accounts()[0].status, Status::Confirmed);
}
