//! Joins that somebody changed something under, before they were resumed.

use super::*;

/// A profile of a provider that PROVIDERS links by an attribute.
fn of_corp(staff: &str) -> Account {
    let mut account = Account { email_verified: true, ..federated("Corp", "1", ADA) };
    account.attributes.insert("custom:staff".into(), staff.into());
    account
}

/// Its owner may have written another value since, that of somebody else.
#[tokio::test]
async fn a_profile_that_came_back_is_joined_only_with_the_value_that_the_operator_saw() {
    for (staff, same) in [("4711", true), ("4712", false)] {
        let mut scene = ended_after(&of_corp("4711"), "AdminDeleteUser").await;
        let back = Account { sub: "made anew".into(), ..of_corp(staff) };
        scene.pool.change(|accounts| accounts.push(back));
        if same {
            assert_eq!(scene.ends().await, [StepResult::Done]);
        } else {
            scene.stops(&Fuse::never(), Incomplete::NotLinked).await;
        }
        assert_eq!(scene.pool.account("Corp_1").is_none(), same);
        assert!(scene.pool.owners_of("Corp", "4712").is_empty(), "a stranger's next sign-in comes to the profile");
    }
}

/// A name that is free again may be anybody's.
#[tokio::test]
async fn whoever_registers_the_name_of_the_deleted_profile_is_left_alone_and_stops_no_run() {
    let mut scene = ended_after(&goes(), "AdminDeleteUser").await;
    let stranger = Account { sub: "a stranger's".into(), ..native("stranger@example.com").named("goes") };
    scene.pool.change(|accounts| accounts.push(stranger.clone()));
    assert_eq!(scene.ends().await, [StepResult::Done]);
    assert_eq!(format!("{:?}", scene.account("goes")), format!("{stranger:?}"));
    assert_eq!(scene.history().incomplete(), 0);
}

#[tokio::test]
async fn a_group_that_was_taken_away_is_not_granted_again_by_a_resumed_join() {
    let mut explored = 0;
    for Cut { mut scene, told, .. } in ended(&goes().with_identity("Google", "1").with_identity("Facebook", "2")).await
    {
        // Before anything has moved, a change stops the join.
        if scene.pool.account("goes").is_none() || state(&scene).moved.is_empty() {
            continue;
        }
        scene.pool.change(|accounts| nobody_is_in_the_group(accounts));
        finish(&mut scene).await;
        assert!(scene.account("stays").groups.is_empty(), "{told}");
        explored += 1;
    }
    assert!(explored > 1, "{explored}");
}

/// Cognito counts more as a change than what it shows.
#[tokio::test]
async fn profiles_that_show_only_another_date_of_change_are_joined() {
    let mut scene = joining(&goes()).await;
    let now = std::time::SystemTime::now();
    scene.pool.change(|accounts| accounts.iter_mut().for_each(|account| account.modified = Some(now)));
    assert_eq!(scene.ends().await, [StepResult::Done]);
}
