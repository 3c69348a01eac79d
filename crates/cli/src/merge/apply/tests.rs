//! The merge in memory, cut off everywhere.

mod crash;
mod scenario;

use super::*;
use crate::merge::undo::undo;
use cognito_core::user_pool::memory::{Account, federated};
use crash::{FATES, Fate, Fuse};
use scenario::{ADA, SignIn, World, all, google};

/// Runs until nothing is left to try again, as an operator would.
async fn finish(world: &mut World) -> Vec<Applied> {
    let mut ended = Vec::new();
    for _ in 0..4 {
        ended = world.run(&Fuse::never()).await.expect("nothing is in the way").expect("nothing fails");
        if ended.iter().all(|applied| matches!(applied, Applied::Done | Applied::DoneBefore)) {
            break;
        }
    }
    ended
}

#[tokio::test]
async fn every_situation_is_merged_into_one_account() {
    for make in all() {
        let mut world = make();
        let ended = finish(&mut world).await;
        assert!(!ended.is_empty() && ended.iter().all(|applied| *applied == Applied::Done), "{} {ended:?}", world.name);
        world.check("undisturbed");
    }
}

#[tokio::test]
async fn a_finished_run_is_repeated_without_a_change() {
    for make in all() {
        let mut world = make();
        finish(&mut world).await;
        let before = format!("{:?}", world.pool.accounts());
        let ended = finish(&mut world).await;
        assert!(ended.iter().all(|applied| *applied == Applied::DoneBefore), "{ended:?}");
        assert_eq!(format!("{:?}", world.pool.accounts()), before);
    }
}

/// Ends the process, or fails a call, at every step; lets the person sign in meanwhile, or not; resumes.
#[tokio::test]
async fn cut_off_at_any_step_and_resumed_nobody_loses_anything() {
    let mut explored = 0;
    for make in all() {
        for fate in FATES {
            for sign_in in SignIn::ALL {
                for at in 1.. {
                    let mut world = make();
                    let fuse = Fuse::at(at, fate);
                    let result = world.run(&fuse).await;
                    if !fuse.burnt() {
                        break;
                    }
                    explored += 1;
                    let told = format!("{fate:?} at step {at} ({}), {sign_in:?}, {result:?}", fuse.what());
                    world.sign_in(sign_in).await;
                    finish(&mut world).await;
                    world.check(&told);
                }
            }
        }
    }
    println!("{explored} runs were cut off and resumed");
    assert!(explored > 1000, "{explored}");
}

/// The same, and the resumed run is ended as well.
#[tokio::test]
async fn cut_off_twice_and_resumed_nobody_loses_anything() {
    let mut explored = 0;
    for make in all() {
        for at in 1.. {
            let mut first = make();
            let fuse = Fuse::at(at, Fate::EndsAfter);
            let _ = first.run(&fuse).await;
            if !fuse.burnt() {
                break;
            }
            for again in 1.. {
                let mut world = first.copy();
                let second = Fuse::at(again, Fate::EndsAfter);
                let _ = world.run(&second).await;
                if !second.burnt() {
                    break;
                }
                explored += 1;
                finish(&mut world).await;
                world.check(&format!("ended after step {at} and after step {again} ({})", second.what()));
            }
        }
    }
    println!("{explored} runs were cut off twice and resumed");
    assert!(explored > 1000, "{explored}");
}

#[tokio::test]
async fn a_changed_situation_is_left_as_it_is() {
    type Change = fn(&mut Vec<Account>);
    let changes: [(&str, Change); 6] = [
        ("the native profile was disabled", |accounts| accounts[0].enabled = false),
        ("the address changed", |accounts| accounts[1].email = Some("eve@example.com".into())),
        ("the address is not verified any more", |accounts| accounts[1].email_verified = false),
        ("the profile is gone", |accounts| drop(accounts.remove(1))),
        ("the profile was made anew", |accounts| accounts[1].sub = "another".into()),
        ("another native profile has the address", |accounts| {
            accounts[0].email_verified = false;
            accounts.push(cognito_core::user_pool::memory::native(ADA).named("another"));
        }),
    ];
    for (what, change) in changes {
        let mut world = scenario::native_and_google();
        world.pool.change(change);
        let before = format!("{:?}", world.pool.accounts());
        let ended = world.run(&Fuse::never()).await.unwrap().unwrap();
        assert!(matches!(ended.as_slice(), [Applied::Skipped(_)]), "{what}: {ended:?}");
        assert_eq!(format!("{:?}", world.pool.accounts()), before, "{what}");
    }
}

#[tokio::test]
async fn a_resumed_merge_does_not_go_to_another_profile_than_the_one_written_down() {
    let mut world = scenario::native_and_google();
    // Ends right after the deletion: in the journal, deleted, not linked.
    for at in 1.. {
        let fuse = Fuse::at(at, Fate::EndsAfter);
        let mut candidate = world.copy();
        let _ = candidate.run(&fuse).await;
        if fuse.what() == "AdminDeleteUser" {
            world = candidate;
            break;
        }
    }
    world.pool.change(|accounts| {
        accounts.retain(|account| account.user_name != "native");
        accounts.push(cognito_core::user_pool::memory::native(ADA).named("squatter"));
    });
    let ended = world.run(&Fuse::never()).await.unwrap().unwrap();
    assert!(matches!(ended.as_slice(), [Applied::Failed(_)]), "{ended:?}");
    assert!(world.pool.owners_of("Google", "1").is_empty());
}

#[tokio::test]
async fn what_is_undone_leaves_the_native_profile_as_it_was() {
    let mut world = scenario::native_and_google();
    let before = world.pool.account("native").unwrap();
    finish(&mut world).await;
    let merged = world.pool.account("native").unwrap();
    assert!(merged.groups.contains("Users") && merged.attributes.contains_key("given_name"), "{merged:?}");
    let report = world.undo().await;
    assert_eq!(report[0].restored, ["groups", "attributes", "link"]);
    assert_eq!(report[0].lost, [crate::merge::undo::SUB]);
    assert_eq!(format!("{:?}", world.pool.account("native").unwrap()), format!("{before:?}"));
    // The person signs in: Cognito makes the profile anew.
    world.sign_in(SignIn::WithoutTrigger).await;
    assert_eq!(world.pool.owners_of("Google", "1").len(), 1);
}

#[tokio::test]
async fn every_situation_can_be_undone_from_any_step_and_says_what_is_lost() {
    for make in all() {
        for at in 1.. {
            let mut world = make();
            let fuse = Fuse::at(at, Fate::EndsAfter);
            let _ = world.run(&fuse).await;
            let ended = !fuse.burnt();
            let deleted: Vec<_> = world.identities().into_iter().filter(|id| world.stand_alone(id).is_none()).collect();
            for undone in world.undo().await {
                let gone = world.pool.account(&undone.user_name).is_none();
                assert_eq!(undone.lost.contains(&crate::merge::undo::SUB), gone, "{} at {at}: {undone:?}", world.name);
            }
            let (provider, subject) = &world.identities()[0];
            let left = world.pool.owners_of(provider, subject).iter().any(|account| !account.is_stand_alone());
            assert!(!left || world.linked_before, "{} at {at}: still linked; {deleted:?}", world.name);
            if ended {
                break;
            }
        }
    }
}

#[tokio::test]
async fn the_sub_map_names_every_sub_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    for make in all() {
        let mut world = make();
        let before = world.pool.accounts();
        finish(&mut world).await;
        let path = folder.path().join("subs.csv");
        crate::merge::write_sub_map(&path, world.history()).unwrap();
        let mut map = csv::Reader::from_path(&path).unwrap();
        let rows: Vec<_> =
            map.records().map(|row| (row.as_ref().unwrap()[0].to_owned(), row.unwrap()[1].to_owned())).collect();
        let after = world.pool.accounts();
        for gone in before.iter().filter(|old| after.iter().all(|new| new.sub != old.sub)) {
            let new = rows.iter().find(|(old, _)| *old == gone.sub).map(|(_, new)| new).expect("in the map");
            assert!(after.iter().any(|account| account.sub == *new && !account.is_stand_alone()), "{}", world.name);
        }
    }
}

#[test]
fn attributes_that_say_who_somebody_is_are_not_copied() {
    let facts = scenario::facts();
    assert!(copyable(&["given_name".into(), "locale".into()], &facts).is_ok());
    for name in ["email", "phone_number", "preferred_username", "custom:unknown"] {
        assert!(copyable(&[name.into()], &facts).unwrap_err().to_string().contains(name));
    }
}

#[tokio::test]
async fn the_group_of_the_provider_is_not_copied() {
    let mut world = scenario::native_and_google();
    world.pool.change(|accounts| {
        accounts[1].groups.insert("eu-central-1_A_Google".into());
    });
    finish(&mut world).await;
    let groups = world.pool.account("native").unwrap().groups;
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), ["Users"]);
}

#[tokio::test]
async fn somebody_who_signs_in_between_deletion_and_link_is_merged_in_the_same_run() {
    let mut world = scenario::native_and_google();
    let pool = world.pool.clone();
    // Right after the deletion, while the run goes on.
    let fuse = Fuse::meanwhile("AdminDeleteUser", move || {
        pool.change(|accounts| {
            let again = Account { sub: "made anew".into(), email_verified: true, ..federated("Google", "1", ADA) };
            accounts.push(again);
        });
    });
    let ended = world.run(&fuse).await.unwrap().unwrap();
    assert_eq!(ended, [Applied::Done]);
    world.check("signed in meanwhile");
    assert_eq!(world.history().of["Google_1"].begun.len(), 2);
}

#[test]
fn the_plan_says_what_is_merged_and_what_is_left_and_why() {
    let world = scenario::world(
        "sixth",
        &[scenario::native_named("native").with_identity("Okta", "9"), google("1"), google("2").unverified()],
    );
    insta::assert_snapshot!(serde_json::to_string(&world.planned[0]).unwrap(), @r#"{"email":"ada@example.com","merge":[{"delete":"Google_1","sub":"sub-Google-1","provider":"Google","subject":"1","decision":"link","into":"native"}],"leave":[{"user_name":"Google_2","why":"unproven_email"}]}"#);
}
