//! Merges that are taken back.

use super::scenario::untimed;
use super::*;

#[tokio::test]
async fn what_is_undone_leaves_the_native_profile_as_it_was() {
    let mut scene = scenario::native_and_google();
    let before = scene.account("native");
    finish(&mut scene).await;
    let merged = scene.account("native");
    assert!(merged.groups.contains("Users") && merged.attributes.contains_key("given_name"), "{merged:?}");
    let report = scene.undo().await;
    assert_eq!(report[0].restored, ["groups", "attributes", "link"]);
    assert_eq!(report[0].lost, [crate::undo::SUB]);
    assert_eq!(format!("{:?}", scene.account("native")), format!("{before:?}"));
    // The person signs in: Cognito makes the profile anew.
    scene.sign_in(SignIn::WithoutTrigger).await;
    assert_eq!(scene.pool.owners_of("Google", "1").len(), 1);
}

#[tokio::test]
async fn an_undo_leaves_what_somebody_has_changed_since_and_what_a_created_profile_was_made_with() {
    let mut scene = scenario::native_and_google();
    finish(&mut scene).await;
    scene.change("native", |native| drop(native.attributes.insert("given_name".into(), "Augusta".into())));
    assert_eq!(scene.undo().await[0].restored, ["groups", "link"]);
    assert_eq!(scene.account("native").attributes["given_name"], "Augusta");

    let mut scene = scenario::nobody_native(&[google("1")]);
    finish(&mut scene).await;
    let made = scene.pool.owners_of("Google", "1").remove(0);
    let report = scene.undo().await;
    assert!(report[0].lost.contains(&"the native profile that was created: it stays".to_owned()), "{report:?}");
    assert_eq!(scene.account(&made.user_name).attributes["given_name"], "Ada", "the pool may require it");
}

#[tokio::test]
async fn an_undo_that_fails_midway_says_what_it_did_and_the_next_one_what_that_lost() {
    let accounts = [scenario::native_named("native"), google("1"), federated("Facebook", "2", ADA)];
    let mut scene = scenario::scene("native, Google and Facebook", &accounts);
    finish(&mut scene).await;
    let mut stopped = 0;
    for at in 1.. {
        let mut scene = scene.copy();
        let fuse = Fuse::at(at, Fate::Fails);
        let mut report = Vec::new();
        let result = scene.undo_on(&fuse, &mut report).await;
        if result.is_ok() {
            assert_eq!(report.len(), 2);
            break;
        }
        stopped += 1;
        let known = scene.history().merges.values().filter_map(|state| state.undone.clone()).collect::<Vec<_>>();
        assert!(known.iter().all(|undone| report.contains(undone) && !undone.lost.is_empty()), "{known:?}");
        let unlinked = scene.account("native").identities.len() < 2;
        assert!(!unlinked || !report.is_empty(), "step {at}: a link is gone and the report is empty");
        let rest = scene.undo().await;
        assert_eq!(known.len() + rest.len(), 2, "step {at}");
        assert!(scene.account("native").identities.is_empty(), "step {at}");
    }
    assert!(stopped > 4, "{stopped}");
}

#[tokio::test]
async fn every_situation_can_be_undone_from_any_step_and_says_what_is_lost() {
    for make in all() {
        for Cut { mut scene, told, .. } in cut_off(async || make(), Fate::EndsAfter).await {
            let deleted: Vec<_> = scene.identities().into_iter().filter(|id| scene.stand_alone(id).is_none()).collect();
            let registered = |account: &Account| account.status == cognito_core::user_pool::Status::Unconfirmed;
            let replaced = scene.before.iter().filter(|known| known.has_email(ADA) && registered(known));
            let is_replaced =
                replaced.into_iter().any(|known| scene.pool.accounts().iter().all(|now| now.sub != known.sub));
            let report = scene.undo().await;
            let tells = report.iter().flat_map(|undone| &undone.lost).any(|lost| lost.contains("registration"));
            assert!(tells || !is_replaced, "{told}: {report:?}");
            for undone in report {
                let gone = scene.pool.account(&undone.user_name).is_none();
                let lost = undone.lost.iter().any(|lost| lost == crate::undo::SUB);
                assert_eq!(lost, gone, "{told}: {undone:?}");
            }
            let (provider, subject) = &scene.identities()[0];
            let owners = scene.pool.owners_of(provider, subject);
            let left = owners.iter().any(|account| !account.is_stand_alone());
            assert_eq!(left, scene.linked_before, "{told}: {deleted:?}");
            // Taking a link away that was never made would disable the profile.
            assert!(owners.iter().all(|account| account.enabled), "{told}: {owners:?}");
        }
    }
}

#[tokio::test]
async fn undo_touches_nobody_who_has_the_name_of_the_native_profile_now() {
    let mut scene = scenario::native_and_google();
    finish(&mut scene).await;
    let other = scenario::native_named("native").in_group("Users");
    scene.pool.change(|accounts| displace(accounts, "native", other));
    let report = scene.undo().await;
    assert!(scene.account("native").groups.contains("Users"), "{report:?}");
    assert!(report[0].restored.is_empty(), "{report:?}");
}

#[tokio::test]
async fn what_the_native_profile_had_before_stays_if_the_merge_was_resumed_after_the_deletion() {
    let mut native = scenario::native_named("native");
    native.attributes.insert("given_name".into(), "Ada".into());
    let mut scene =
        ended_after_the_deletion(&scenario::scene("had the same before", &[native.clone(), google("1")])).await;
    assert_eq!(finish(&mut scene).await, [StepResult::Done]);
    scene.undo().await;
    assert_eq!(scene.account("native").attributes, native.attributes);
}

#[tokio::test]
async fn an_undo_says_that_a_created_profile_stays_although_nothing_was_deleted_yet() {
    let mut scene = ended_before_the_deletion(&scenario::nobody_native(&[google("1")])).await;
    assert_eq!(scene.undo().await[0].lost, ["the native profile that was created: it stays"]);
}

#[tokio::test]
async fn an_undo_is_not_kept_from_its_end_by_a_group_that_is_gone() {
    let mut scene = scenario::native_and_google();
    finish(&mut scene).await;
    scene.pool.delete_group("Users");
    scene.undo().await;
    assert!(scene.history().merges["Google_1"].undone.is_some());
    assert!(scene.account("native").identities.is_empty());
}

/// Fails each call of the undo in turn, and undoes again: nothing may pass for done that is not.
pub(super) async fn undone_despite_any_failure(scene: &Scene, told: &str) -> usize {
    let bare = |scene: &Scene| format!("{:?}", scene.pool.accounts().into_iter().map(untimed).collect::<Vec<_>>());
    let mut undisturbed = scene.copy();
    undisturbed.undo().await;
    for at in 1.. {
        let mut scene = scene.copy();
        let fuse = Fuse::at(at, Fate::Fails);
        let ended = scene.undo_on(&fuse, &mut Vec::new()).await;
        if !fuse.burnt() {
            return at - 1;
        }
        if ended.is_err() {
            scene.undo().await;
        }
        assert_eq!(bare(&scene), bare(&undisturbed), "{told}: undo failed at call {at} ({})", fuse.what());
    }
    unreachable!()
}

#[tokio::test]
async fn whatever_call_of_an_undo_fails_the_next_undo_brings_it_to_the_same_end() {
    let mut failed = 0;
    for make in all() {
        for cut in cut_off(async || make(), Fate::EndsAfter).await {
            failed += undone_despite_any_failure(&cut.scene, &cut.told).await;
        }
    }
    assert!(failed > 1000, "{failed}");
}
