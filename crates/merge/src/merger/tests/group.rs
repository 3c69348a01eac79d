//! People who join the group that they should have joined.

use super::crash::{Cut, FATES, cut_off};
use super::scenario::{Scene, unplanned};
use crate::group::{DefaultGroup, GroupStep};
use crate::merger::StepResult;
use crate::plan::Planned;
use cognito_core::user_pool::memory::{Account, federated, native};

const ADA: &str = "ada@example.com";

fn joining() -> Scene {
    joins(&[native(ADA).named("ada")], false)
}

/// The first of these profiles is to join the group.
fn joins(accounts: &[Account], for_everybody: bool) -> Scene {
    let join = DefaultGroup { name: "Users".into(), for_everybody, since: 0 };
    let step = GroupStep { user_name: accounts[0].user_name.clone(), sub: accounts[0].sub.clone(), join };
    let mut scene = unplanned(accounts);
    scene.planned.push(Planned { line: 0, email: ADA.into(), merge: vec![], leave: vec![], group: Some(step) });
    scene
}

fn is_in(scene: &Scene) -> bool {
    scene.account("ada").groups.contains("Users")
}

#[tokio::test]
async fn cut_off_at_any_step_and_resumed_the_person_is_in_the_group_and_out_again_after_an_undo() {
    let mut explored = 0;
    for fate in FATES {
        for Cut { mut scene, told, .. } in cut_off(async || joining(), fate).await {
            explored += 1;
            let ended = scene.ends().await;
            assert!(matches!(ended.as_slice(), [StepResult::Done | StepResult::DoneBefore]), "{told} {ended:?}");
            assert!(is_in(&scene), "{told}");
            let report = scene.undo().await;
            assert!(report[0].restored == ["groups"] && report[0].lost.is_empty(), "{report:?}");
            assert_eq!(format!("{:?}", scene.pool.accounts()), format!("{:?}", scene.before));
        }
    }
    assert!(explored > 20, "{explored}");
}

/// Their account is disabled, and another one came in through a provider.
#[tokio::test]
async fn who_was_shut_out_gets_no_rights() {
    for (banned, ended) in [(true, StepResult::Skipped("shut_out".into())), (false, StepResult::Done)] {
        let ada = Account { email_verified: true, ..federated("Google", "1", ADA) };
        let mut other = native(ADA).named("other");
        other.enabled = !banned;
        let mut scene = joins(&[ada, other], true);
        assert_eq!(scene.ends().await, [ended]);
        assert_eq!(scene.account("Google_1").groups.contains("Users"), !banned);
    }
}

#[tokio::test]
async fn a_person_whom_the_group_is_not_for_any_more_is_left_alone() {
    type Change = fn(&mut Account);
    let changes: [(&str, Change); 6] = [
        ("disabled", |account| account.enabled = false),
        ("not confirmed", |account| account.status = cognito_core::user_pool::Status::Unconfirmed),
        ("another address", |account| account.email = Some("other@example.com".into())),
        ("created again", |account| account.sub = "another".into()),
        ("gone", |account| account.user_name = "elsewhere".into()),
        ("in the group", |account| account.groups.extend(["Users".into()])),
    ];
    for (what, change) in changes {
        let mut scene = joining();
        scene.pool.change(|accounts| change(&mut accounts[0]));
        let before = format!("{:?}", scene.pool.accounts());
        scene.is_left_alone(what).await;
        scene.undo().await;
        assert_eq!(format!("{:?}", scene.pool.accounts()), before, "{what}");
    }
}

#[tokio::test]
async fn a_group_that_is_not_there_is_a_failure() {
    let mut scene = joining();
    scene.planned[0].group.as_mut().unwrap().join.name = "Nowhere".into();
    let ended = scene.ends().await;
    assert!(matches!(ended.as_slice(), [StepResult::Failed(why)] if why.contains("AdminAddUserToGroup")), "{ended:?}");
}
