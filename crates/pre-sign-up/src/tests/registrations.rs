//! Who may register.

use super::*;

fn registration_as(name: &str) -> String {
    edited("pre-sign-up/native", |event| event["userName"] = json!(name))
}

fn registration_of(email: &str) -> String {
    edited("pre-sign-up/native", |event| {
        event["userName"] = json!("somebody");
        event["request"]["userAttributes"]["email"] = json!(email);
    })
}

#[tokio::test]
async fn a_native_registration_of_a_federated_address_is_refused_when_asked() {
    let unique = &[("NATIVE_SIGN_UP", "unique")];
    let email = "grace@example.org";
    let event = sample_with("pre-sign-up/native", "email", email);
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

#[tokio::test]
async fn nobody_registers_under_the_sub_of_somebody_else() {
    let alias = &[("NATIVE_USERNAME", "uuid")];
    for (name, refused, calls) in [
        (GRACE_SUB, true, 1),
        (GRACE_SUB.to_uppercase().as_str(), true, 1),
        ("00000000-0000-4000-8000-000000000000", false, 1),
        ("mallory", false, 0),
    ] {
        let pool = MemoryPool::new(PoolKind::EmailAlias, [grace()]);
        let answer = answer_to(&trigger(&pool, alias), &registration_as(name)).await;
        assert_eq!(answer.err().map(|(code, _)| code), refused.then_some("user_name_is_a_sub"), "{name}");
        assert_eq!(pool.calls().len(), calls, "{name}");
    }
    // Where the address is the user name Cognito makes the name, and nothing needs asking.
    let pool = pool([grace()]);
    assert!(answer_to(&trigger(&pool, &[]), &registration_as(GRACE_SUB)).await.is_ok());
    assert!(pool.calls().is_empty());
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
    let email = address_in(&event);
    let email = email.as_str();
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
async fn nobody_registers_under_a_name_that_cognito_makes_for_an_identity() {
    for (name, refused) in [
        ("Google_1035", true),
        ("signinwithapple_0011.ab", true),
        ("google", false),
        ("googles_1", false),
        ("x_1", false),
    ] {
        let pool = MemoryPool::new(PoolKind::EmailAlias, []);
        let code = refusal(&pool, &[("NATIVE_USERNAME", "uuid")], &registration_as(name)).await;
        assert_eq!(code, refused.then_some("user_name_is_an_identity"), "{name}");
        assert!(pool.calls().is_empty());
    }
    let two = &[("NATIVE_USERNAME", "uuid"), ("PROVIDERS", "Corp:never,Corp_EU:always")];
    let code = refusal(&pool([]), two, &registration_as("Corp_EU_1")).await;
    assert_eq!(code, Some("user_name_is_an_identity"));
    // Where the address is the user name Cognito makes the name.
    assert_eq!(refusal(&pool([]), &[], &registration_as("Google_1035")).await, None);
}
