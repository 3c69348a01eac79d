//! What somebody planted before the owner of the address comes.

use super::*;

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
