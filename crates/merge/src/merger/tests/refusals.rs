//! What fails for good is found before anything is deleted.

use super::*;

#[tokio::test]
async fn nothing_is_deleted_where_the_pool_takes_no_native_profile() {
    let refusals: [fn(&NewNative) -> Option<PoolErrorKind>; 2] =
        [|_| Some(PoolErrorKind::Other), |_| Some(PoolErrorKind::InvalidParameter)];
    for refuses in refusals {
        let mut scene = scenario::nobody_native(&[google("1")]);
        scene.refuses(refuses);
        let ended = scene.ends().await;
        assert!(matches!(ended.as_slice(), [StepResult::Failed(why)] if why.contains("AdminCreateUser")), "{ended:?}");
        assert!(!changes(&scene).contains(&"AdminDeleteUser"), "{:?}", changes(&scene));
        // The cause is gone.
        scene.refuses(|_| None);
        assert_eq!(finish(&mut scene).await, [StepResult::Done]);
        scene.check("the pool takes it now");
    }
}

#[tokio::test]
async fn a_required_attribute_that_is_not_copied_is_found_before_anything_is_deleted() {
    let mut scene = scenario::nobody_native(&[google("1")]);
    scene.settings.required_attributes.push("given_name".into());
    scene.copy.attributes.clear();
    assert_eq!(scene.is_left_alone("not copied").await, "required_attribute_missing");
    assert!(changes(&scene).is_empty());
    scene.copy.attributes.push("given_name".into());
    assert_eq!(finish(&mut scene).await, [StepResult::Done]);
    scene.check("copied now");

    let mut scene = scenario::nobody_native(&[google("1")]);
    scene.settings.user_name_attributes = vec!["phone_number".into()];
    assert_eq!(scene.is_left_alone("named by phone").await, "user_name_is_phone_number");
    assert!(changes(&scene).is_empty());
}

#[tokio::test]
async fn nothing_is_deleted_for_a_native_profile_that_bears_anothers_sub() {
    let eve = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";
    let plain = Account { groups: [].into(), attributes: [].into(), ..google("1") };
    for (native, google) in [
        (scenario::native_named(eve), google("1")),
        (scenario::native_named(eve).unconfirmed(), google("1")),
        // Nothing is copied, so only the link would reach the other person.
        (scenario::native_named(eve), plain),
    ] {
        let mut scene = scenario::scene("borrowed", &[native, google]);
        scene.pool.change(|accounts| {
            let victim = accounts.iter_mut().find(|account| account.has_email("eve@example.com")).unwrap();
            victim.sub = eve.into();
        });
        assert_eq!(scene.is_left_alone("borrowed").await, "borrowed_sub");
    }
}

#[tokio::test]
async fn an_address_that_stays_held_is_found_before_anything_is_deleted() {
    let accounts = [google("1"), federated("Okta", "2", ADA)];
    let mut scene = scenario::nobody_native(&accounts).holding_addresses();
    assert_eq!(scene.is_left_alone("held").await, "email_held_by_federated_profile");
    let mut scene = scenario::nobody_native(&accounts);
    assert_eq!(scene.ends().await, [StepResult::Done]);
}

/// No call takes a passkey away, so nobody can make this profile clean.
#[tokio::test]
async fn a_passkey_on_a_profile_that_never_proved_its_address_is_found_before_anything_is_deleted() {
    let planted = scenario::native_named("native").planted().unverified();
    let invited = cognito_core::user_pool::memory::invited(ADA).named("native").unverified();
    for native in [planted, invited] {
        let mut scene = scenario::reclaiming(Account { passkey: true, ..native });
        assert_eq!(scene.is_left_alone("with a passkey").await, "passkey_on_profile");
        // Its owner removed it.
        scene.pool.change(|accounts| accounts.iter_mut().for_each(|account| account.passkey = false));
        assert_eq!(finish(&mut scene).await, [StepResult::Done]);
        scene.check("without the passkey");
    }
}

#[tokio::test]
async fn the_passkey_of_somebody_who_proved_the_address_keeps_nobody_from_a_merge() {
    let native = Account { passkey: true, ..scenario::native_named("native") };
    let mut scene = scenario::reclaiming(native);
    assert_eq!(scene.ends().await, [StepResult::Done]);
    assert!(scene.account("native").passkey);
}

/// Everybody would meet the same cause.
#[tokio::test]
async fn a_call_that_the_operator_may_not_make_ends_the_run_before_the_next_person() {
    let mut scene = scenario::nobody_native(&[google("1")]);
    scene.plan_next_person();
    scene.refuses(|_| Some(PoolErrorKind::Denied));
    let ended = scene.run(&Fuse::never()).await.unwrap();
    assert!(matches!(ended, Err(MergeError::Pool(_))), "{ended:?}");
    let creations = changes(&scene).into_iter().filter(|call| *call == "AdminCreateUser").count();
    assert_eq!(creations, 1);
}
