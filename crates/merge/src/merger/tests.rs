//! The merge in memory, cut off everywhere.

mod crash;
mod group;
mod join;
mod refusals;
mod scenario;
mod undo;

use super::*;
use cognito_core::email::Email;
use cognito_core::user_pool::memory::{Account, PoolKind, Quirks, federated};
use cognito_core::user_pool::{NativeUserName, NewNative, PoolErrorKind};
use crash::{Cut, FATES, Fate, Fuse, cut_off, cut_off_twice};
use scenario::{ADA, Scene, SignIn, all, displace, google, nobody_is_in_the_group};

/// Runs until nothing is left to try again, as an operator would.
async fn finish(scene: &mut Scene) -> Vec<StepResult> {
    let mut ended = Vec::new();
    for _ in 0..4 {
        ended = scene.ends().await;
        if ended.iter().all(|applied| matches!(applied, StepResult::Done | StepResult::DoneBefore)) {
            break;
        }
    }
    ended
}

#[tokio::test]
async fn every_situation_is_merged_into_one_account() {
    for make in all() {
        let mut scene = make();
        let ended = finish(&mut scene).await;
        assert!(
            !ended.is_empty() && ended.iter().all(|applied| *applied == StepResult::Done),
            "{} {ended:?}",
            scene.name
        );
        scene.check("undisturbed");
    }
}

#[tokio::test]
async fn a_finished_run_is_repeated_without_a_change() {
    for make in all() {
        let mut scene = make();
        finish(&mut scene).await;
        let before = format!("{:?}", scene.pool.accounts());
        let ended = finish(&mut scene).await;
        assert!(ended.iter().all(|applied| *applied == StepResult::DoneBefore), "{ended:?}");
        assert_eq!(format!("{:?}", scene.pool.accounts()), before);
    }
}

/// Ends the process, or fails a call, at every step; lets the person sign in meanwhile, or not; resumes.
#[tokio::test]
async fn cut_off_at_any_step_and_resumed_nobody_loses_anything() {
    let mut explored = 0;
    for make in all() {
        for fate in FATES {
            for sign_in in SignIn::ALL {
                for Cut { mut scene, told, .. } in cut_off(async || make(), fate).await {
                    explored += 1;
                    scene.sign_in(sign_in).await;
                    finish(&mut scene).await;
                    scene.check(&format!("{told}, {sign_in:?}"));
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
        for Cut { mut scene, told, .. } in cut_off_twice(async || make()).await {
            explored += 1;
            finish(&mut scene).await;
            scene.check(&told);
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
        ("the profile was deleted and created again", |accounts| accounts[1].sub = "another".into()),
        ("another native profile has the address", |accounts| {
            accounts[0].email_verified = false;
            accounts.push(cognito_core::user_pool::memory::native(ADA).named("another"));
        }),
    ];
    for (what, change) in changes {
        let mut scene = scenario::native_and_google();
        scene.pool.change(change);
        scene.is_left_alone(what).await;
    }
}

/// The scene in which a run ended at the deletion.
async fn ended_at_the_deletion(scene: &Scene, fate: Fate) -> Scene {
    let cuts = cut_off(async || scene.copy(), fate).await;
    cuts.into_iter().find(|cut| cut.what == "AdminDeleteUser").expect("a deletion").scene
}

/// Begun in the journal, nothing deleted.
async fn ended_before_the_deletion(scene: &Scene) -> Scene {
    ended_at_the_deletion(scene, Fate::EndsBefore).await
}

/// Begun in the journal, deleted, not linked.
async fn ended_after_the_deletion(scene: &Scene) -> Scene {
    ended_at_the_deletion(scene, Fate::EndsAfter).await
}

#[tokio::test]
async fn somebody_who_came_back_before_the_run_was_resumed_stops_it_if_they_cannot_be_merged() {
    // The journal says that the profile is deleted, or the process ended before it could.
    for runs_between in [0, 1] {
        let mut scene = ended_after_the_deletion(&scenario::native_and_google()).await;
        scene.pool.change(|accounts| accounts.iter_mut().for_each(|account| account.enabled = false));
        for _ in 0..runs_between {
            assert!(scene.run(&Fuse::never()).await.unwrap().is_err());
        }
        let again = Account { sub: "made anew".into(), email_verified: false, ..google("1") };
        scene.pool.change(|accounts| accounts.push(again));
        scene.stops(&Fuse::never(), Incomplete::NotLinked).await;
        assert_eq!(scene.history().incomplete(), 1);
    }
}

/// Somebody else has the native profile's name, or its address, by now.
#[tokio::test]
async fn a_merge_that_ended_before_the_deletion_is_resumed_into_nobody_else() {
    for anew in ["native", "squatter"] {
        let mut scene = ended_before_the_deletion(&scenario::native_and_google()).await;
        scene.pool.change(|accounts| displace(accounts, "native", scenario::native_named(anew)));
        scene.is_left_alone(anew).await;
    }
}

/// The trigger would link to this profile too, but the journal names another one.
#[tokio::test]
async fn a_merge_is_not_done_if_somebody_took_the_native_profiles_name_right_after_the_deletion() {
    let mut scene = scenario::native_and_google();
    let fuse = scene.meanwhile("AdminDeleteUser", |accounts| {
        displace(accounts, "native", scenario::native_named("native"));
    });
    scene.stops(&fuse, Incomplete::NotLinked).await;
}

#[tokio::test]
async fn a_resumed_merge_does_not_go_to_another_profile_than_the_one_written_down() {
    let mut scene = ended_after_the_deletion(&scenario::native_and_google()).await;
    scene.pool.change(|accounts| displace(accounts, "native", scenario::native_named("squatter")));
    scene.stops(&Fuse::never(), Incomplete::NotLinked).await;
    assert!(scene.pool.owners_of("Google", "1").is_empty());
}

#[tokio::test]
async fn the_history_names_every_sub_that_is_gone() {
    for make in all() {
        let mut scene = make();
        let before = scene.pool.accounts();
        finish(&mut scene).await;
        let history = scene.history();
        let subs: Vec<_> = history.order.iter().flat_map(|name| history.replaced_subs(name)).collect();
        let after = scene.pool.accounts();
        for gone in before.iter().filter(|old| after.iter().all(|new| new.sub != old.sub)) {
            let new = subs.iter().find(|replaced| replaced.old_sub == gone.sub).expect("named");
            let lives_on = |account: &Account| account.sub == new.new_sub && !account.is_stand_alone();
            assert!(after.iter().any(lives_on), "{}", scene.name);
        }
    }
}

#[tokio::test]
async fn the_group_of_the_provider_is_not_copied() {
    let mut scene = scenario::native_and_google();
    scene.pool.change(|accounts| {
        accounts[1].groups.extend(["eu-central-1_A_Google".into(), "Users".into()]);
    });
    finish(&mut scene).await;
    // The journal, because the pool of this test has no other group that somebody could join.
    assert_eq!(scene.history().merges["Google_1"].attempts[0].add_groups, ["Users"]);
}

/// Somebody deleted the group, with everybody's membership.
#[tokio::test]
async fn a_group_that_is_gone_is_not_copied_and_stops_no_merge() {
    let mut scene = scenario::scene("gone", &[scenario::native_named("native"), google("1").in_group("Gone")]);
    assert_eq!(scene.ends().await, [StepResult::Done]);
}

/// The list is as old as this many changes. A profile that was just made, or deleted, is not there yet, or still is.
#[tokio::test]
async fn a_list_that_lags_behind_stops_no_merge() {
    for list_lag in 0..8 {
        for make in [scenario::native_and_google, || scenario::nobody_native(&[google("1")])] {
            let mut scene = make();
            scene.pool.set_quirks(Quirks { list_lag, ..Quirks::default() });
            assert_eq!(scene.ends().await, [StepResult::Done], "{} {list_lag}", scene.name);
            scene.check(&format!("{list_lag} changes late"));
        }
    }
}

#[tokio::test]
async fn what_the_native_profile_had_before_stays_and_is_not_undone() {
    let mut native = scenario::native_named("native").in_group("Users");
    native.attributes.insert("given_name".into(), "Augusta".into());
    let mut scene = scenario::scene("had it before", &[native.clone(), google("1")]);
    finish(&mut scene).await;
    let merged = scene.account("native");
    assert_eq!((&merged.attributes, &merged.groups), (&native.attributes, &native.groups));
    scene.undo().await;
    assert_eq!(format!("{:?}", scene.account("native")), format!("{native:?}"));
}

#[tokio::test]
async fn no_group_is_copied_unless_the_operator_says_so() {
    let mut scene = scenario::native_and_google();
    scene.copy.groups = false;
    finish(&mut scene).await;
    assert!(scene.account("native").groups.is_empty());
}

#[test]
fn who_only_stays_has_a_line_in_the_plan_if_there_is_another_profile() {
    let lines = |accounts: &[Account]| {
        let planned = scenario::scene("who stays", accounts).planned;
        planned.iter().map(|planned| planned.leave.len()).collect::<Vec<_>>()
    };
    let unproven = google("1").unverified();
    assert_eq!(lines(&[scenario::native_named("native"), unproven.clone()]), [1]);
    assert_eq!(lines(&[unproven]), [0; 0]);
}

#[test]
fn the_oldest_profile_is_merged_first_whatever_its_name() {
    let made = |account: Account, seconds| Account {
        created: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
        ..account
    };
    let accounts =
        [made(google("1"), 2000), made(Account { email_verified: true, ..federated("Facebook", "2", ADA) }, 3000)];
    let scene = scenario::nobody_native(&accounts);
    let order: Vec<_> =
        scene.planned[0].merge.iter().map(|step| (step.delete.as_str(), step.decision.as_str())).collect();
    assert_eq!(order, [("Google_1", "create_and_link"), ("Facebook_2", "link")]);
}

#[tokio::test]
async fn somebody_who_signs_in_between_deletion_and_link_is_merged_in_the_same_run() {
    let mut scene = scenario::native_and_google();
    // Right after the deletion, while the run goes on.
    let fuse = scene.meanwhile("AdminDeleteUser", |accounts| {
        let again = Account { sub: "made anew".into(), email_verified: true, ..federated("Google", "1", ADA) };
        accounts.push(again);
    });
    let ended = scene.run(&fuse).await.unwrap().unwrap();
    assert_eq!(ended, [StepResult::Done]);
    scene.check("signed in meanwhile");
    assert_eq!(scene.history().merges["Google_1"].attempts.len(), 2);
}

/// It may be signing in just now.
#[tokio::test(start_paused = true)]
async fn a_link_that_fails_is_tried_again_after_a_pause_and_after_one_of_twice_the_time() {
    let mut scene = scenario::native_and_google();
    scene.pause = Duration::from_millis(500);
    scene.pool.set_quirks(Quirks { refuse_every_link: true, ..Quirks::default() });
    let start = tokio::time::Instant::now();
    scene.stops(&Fuse::never(), Incomplete::NotLinked).await;
    assert_eq!(start.elapsed(), Duration::from_millis(500 + 1000));
}

#[test]
fn the_plan_says_what_is_merged_and_what_is_left_and_why() {
    let scene = scenario::scene(
        "sixth",
        &[scenario::native_named("native").with_identity("Okta", "9"), google("1"), google("2").unverified()],
    );
    insta::assert_snapshot!(serde_json::to_string(&scene.planned[0]).unwrap(), @r#"{"email":"ada@example.com","merge":[{"delete":"Google_1","sub":"sub-Google-1","provider":"Google","subject":"1","decision":"link","into":"native"}],"leave":[{"user_name":"Google_2","why":"unproven_email"}]}"#);
}

/// Everything that is deleted, or changed in another way, in this order.
fn changes(scene: &Scene) -> Vec<&'static str> {
    scene.pool.calls().into_iter().filter(|call| !["ListUsers", "AdminGetUser"].contains(call)).collect()
}

#[tokio::test]
async fn a_native_profile_is_made_before_the_other_is_deleted_where_the_pool_allows_it() {
    let mut scene = scenario::nobody_native(&[google("1")]);
    assert_eq!(finish(&mut scene).await, [StepResult::Done]);
    let changes = changes(&scene);
    let at = |name| changes.iter().position(|call| *call == name).unwrap();
    assert!(at("AdminCreateUser") < at("AdminDeleteUser"), "{changes:?}");
    assert!(at("AdminSetUserPassword") < at("AdminDeleteUser"), "{changes:?}");
}

/// The trigger of a plain pool gives the same name, so both cannot make an account each.
#[tokio::test]
async fn in_a_pool_with_plain_user_names_a_made_profile_has_the_name_that_follows_from_its_address() {
    let mut scene = scenario::nobody_native_in(PoolKind::UserNames, &[google("1")]);
    assert_eq!(finish(&mut scene).await, [StepResult::Done]);
    let made = scene.pool.owners_of("Google", "1").pop().unwrap();
    assert_eq!(made.user_name, NativeUserName::derived(&Email::parse(ADA).unwrap()));
}

#[test]
fn the_plan_leaves_people_whose_native_profile_the_pool_would_not_take() {
    let account = google("1");
    let plain = Account { attributes: [].into(), ..google("2") };
    let records: Vec<_> = [account, plain].iter().map(Account::record).collect();
    let settings = scenario::settings(PoolKind::EmailUserNames);
    let required = PoolSettings { required_attributes: vec!["given_name".into()], ..settings.clone() };
    let by_phone = PoolSettings { user_name_attributes: vec!["phone_number".into()], ..settings };
    let copied = ["given_name".to_owned()];
    let (none, one) = ("required_attribute_missing", "link");
    let mut rules = scenario::creating();
    rules.policy.second_subject = linking::SecondSubject::Link;
    for (settings, copied, expected) in [
        (&required, &[][..], [none, none]),
        // The second one is linked to the profile that the first one's attributes made.
        (&required, &copied[..], ["create_and_link", one]),
        (&by_phone, &copied[..], ["user_name_is_phone_number", "user_name_is_phone_number"]),
    ] {
        let requirements = Requirements::new(settings, copied);
        let planned = crate::plan(&rules, requirements, ADA, &records, SystemTime::now()).unwrap();
        let merged = planned.merge.iter().map(|step| step.decision.as_str());
        let codes: Vec<_> = merged.chain(planned.leave.iter().map(|leave| leave.why.as_str())).collect();
        assert_eq!(codes, expected);
    }
    // Nor one in the place of a registration, nor one whose attribute has no value to copy.
    let registered = [scenario::native_named("native").unconfirmed().record(), records[0].clone()];
    for (records, copied) in [(&registered[..], &[][..]), (&records[1..], &copied[..])] {
        let requirements = Requirements::new(&required, copied);
        let planned = crate::plan(&rules, requirements, ADA, records, SystemTime::now()).unwrap();
        assert!(planned.merge.is_empty() && planned.leave[0].why == none, "{planned:?}");
    }
}

#[tokio::test]
async fn the_first_failure_after_a_deletion_stops_the_run_and_names_line_and_state() {
    // The address is held, so the profile goes first; only then the pool says what it wants besides.
    let mut scene = scenario::nobody_native(&[google("1")]).holding_addresses();
    scene.planned[0].line = 7;
    scene.copy.attributes.clear();
    scene.refuses(|new| new.attributes.is_empty().then_some(PoolErrorKind::InvalidParameter));
    let stopped = scene.run(&Fuse::never()).await.unwrap().unwrap_err();
    let text = stopped.to_string();
    for part in ["line 7 of the plan", "deleted and its identity is not linked", "AdminCreateUser"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("Google") && !text.contains(ADA), "{text}");
    assert_eq!(scene.history().incomplete(), 1);
    // The remedy: the pool requires the name, and it is copied now.
    scene.settings.required_attributes.push("given_name".into());
    let stopped = scene.run(&Fuse::never()).await.unwrap().unwrap_err();
    assert!(matches!(&stopped, MergeError::Incomplete { missing, .. } if missing == &["given_name"]), "{stopped:?}");
    scene.copy.attributes.push("given_name".into());
    assert_eq!(finish(&mut scene).await, [StepResult::Done]);
    scene.check("copied after the deletion");
    assert_eq!(scene.history().incomplete(), 0);
    let ada = scene.pool.owners_of("Google", "1").remove(0);
    assert_eq!(ada.attributes["given_name"], "Ada");
}

#[tokio::test]
async fn a_run_that_stopped_does_not_begin_with_the_next_person() {
    let mut scene = scenario::nobody_native(&[google("1")]).holding_addresses();
    scene.plan_next_person();
    scene.refuses(|_| Some(PoolErrorKind::Other));
    assert!(scene.run(&Fuse::never()).await.unwrap().is_err());
    assert!(scene.run(&Fuse::never()).await.unwrap().is_err(), "a repeated run went past the person");
    assert!(scene.pool.account("Google_9").is_some());
    assert_eq!(scene.history().incomplete(), 1);
}

#[tokio::test]
async fn where_addresses_are_held_the_profile_that_has_what_the_pool_requires_makes_the_native_one() {
    let plain = Account { email_verified: true, ..federated("Facebook", "2", ADA) };
    let younger = |account: Account| Account { created: Some(SystemTime::now()), ..account };
    for (accounts, oldest_has_it) in
        [([google("1"), younger(plain.clone())], true), ([younger(google("1")), plain], false)]
    {
        let mut scene = scenario::nobody_native(&accounts).holding_addresses();
        scene.settings.required_attributes.push("given_name".into());
        scene.refuses(|new| new.attributes.is_empty().then_some(PoolErrorKind::InvalidParameter));
        let told = format!("{:?}", scene.planned[0].merge);
        let ended = scene.ends().await;
        if oldest_has_it {
            assert_eq!(ended, [StepResult::Done, StepResult::Done], "{told}");
            scene.check(&told);
        } else {
            // Nothing was begun with it.
            assert!(matches!(ended[0], StepResult::Skipped(_)), "{told}: {ended:?}");
            assert!(scene.pool.account("Facebook_2").is_some(), "{told}");
        }
    }
}

#[tokio::test]
async fn copied_attributes_that_the_pool_does_not_take_are_reported() {
    for held in [false, true] {
        let mut scene = scenario::nobody_native(&[google("1")]);
        if held {
            scene = scene.holding_addresses();
        }
        scene.refuses(|new| (!new.attributes.is_empty()).then_some(PoolErrorKind::InvalidParameter));
        assert_eq!(scene.ends().await, [StepResult::DoneWithout(vec!["given_name".into()])], "held: {held}");
        let linked = scene.history().merges["Google_1"].linked.clone().unwrap();
        assert_eq!(linked.left_out, ["given_name"], "held: {held}");
        scene.check("without attributes");
    }
}

#[tokio::test]
async fn of_the_attributes_that_the_pool_does_not_take_a_required_one_is_kept_all_the_same() {
    for held in [false, true] {
        let mut google = google("1");
        google.attributes.insert("name".into(), "Ada Lovelace".into());
        let mut scene = scenario::nobody_native(&[google]);
        if held {
            scene = scene.holding_addresses();
        }
        scene.copy.attributes.push("name".into());
        scene.settings.required_attributes.push("name".into());
        scene.pool.set_quirks(Quirks {
            requires_name: true,
            stand_alone_holds_alias: held,
            refuses: Some(|new| new.attributes.contains_key("given_name").then_some(PoolErrorKind::InvalidParameter)),
            ..Quirks::default()
        });
        assert_eq!(scene.ends().await, [StepResult::DoneWithout(vec!["given_name".into()])], "held: {held}");
        let made = scene.pool.owners_of("Google", "1").remove(0);
        assert_eq!(made.attributes.keys().collect::<Vec<_>>(), ["name"], "held: {held}");
        let state = &scene.history().merges["Google_1"];
        assert_eq!(state.linked.as_ref().unwrap().left_out, ["given_name"], "held: {held}");
        if !held {
            // It was made before the deletion, so the journal knew then what it got.
            let written = state.attempts.last().unwrap();
            assert_eq!(written.add_attributes.keys().collect::<Vec<_>>(), ["name"]);
            assert_eq!(written.left_out, ["given_name"]);
        }
    }
}

#[tokio::test]
async fn a_group_that_was_taken_away_is_not_granted_again_by_a_repeated_run() {
    let cuts = cut_off(async || scenario::native_and_google(), Fate::Fails).await;
    let mut interrupted = 0;
    for Cut { mut scene, told, .. } in cuts.into_iter().filter(|cut| cut.scene.pool.account("Google_1").is_some()) {
        scene.pool.change(|accounts| nobody_is_in_the_group(accounts));
        finish(&mut scene).await;
        assert!(!scene.account("native").groups.contains("Users"), "{told}");
        interrupted += 1;
    }
    assert!(interrupted > 1);
}
