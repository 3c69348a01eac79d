//! Two profiles that the operator named, joined and cut off everywhere.

mod resumed;

use super::crash::{Cut, FATES, Fate, Fuse, cut_off, cut_off_twice};
use super::scenario::{ADA, Scene, SignIn, creating, displace, nobody_is_in_the_group, unplanned, untimed};
use super::undo::undone_despite_any_failure;
use crate::join::{Join, NotJoinable, Proof, Side};
use crate::journal::MergeState;
use crate::merger::{Incomplete, MergeError, StepResult};
use crate::plan::{Planned, Step};
use cognito_core::user_pool::Administration;
use cognito_core::user_pool::memory::{Account, LinkedIdentity, Quirks, federated, native};

const STAYS: &str = "countess@example.com";

fn goes() -> Account {
    let mut account = native(ADA).named("goes").in_group("Users");
    account.attributes.insert("given_name".into(), "Ada".into());
    Account { password: Some("the password that goes".into()), ..account }
}

fn stays() -> Account {
    native(STAYS).named("stays").with_identity("Okta", "9")
}

fn alone() -> Account {
    Account { email_verified: true, ..federated("Google", "1", ADA) }
}

async fn step(scene: &Scene, goes: &str) -> Result<Step, NotJoinable> {
    let side = async |name| Side::read(&scene.pool, scene.pool.record(name).await.unwrap().unwrap()).await.unwrap();
    let join = Join { proof: Proof::OperatorsWord, goes: side(goes).await, stays: side("stays").await };
    Step::joining(join, &creating().providers)
}

async fn planned(scene: &Scene, goes: &str) -> Planned {
    let email = scene.account(goes).record().address().unwrap_or_default();
    Planned { line: 0, email, merge: vec![step(scene, goes).await.unwrap()], leave: Vec::new(), group: None }
}

/// How far the join has come.
fn state(scene: &Scene) -> MergeState {
    scene.history().merge_of("goes").cloned().unwrap_or_default()
}

async fn joining(goes: &Account) -> Scene {
    let mut scene = unplanned(&[goes.clone(), stays()]);
    scene.name = format!("{} with {} identities", goes.user_name, goes.identities.len());
    let planned = planned(&scene, &goes.user_name).await;
    scene.planned.push(planned);
    scene
}

/// Every kind of profile that can go.
fn all() -> [Account; 5] {
    let alone = alone().in_group("Users");
    [
        goes(),
        goes().with_identity("Google", "1").with_identity("Facebook", "2"),
        goes().unconfirmed(),
        alone.clone(),
        alone.with_identity("Facebook", "2"),
    ]
}

fn identities(scene: &Scene) -> Vec<(String, String)> {
    let gone = scene.before.iter().find(|account| account.has_email(ADA)).unwrap();
    gone.identities.iter().map(|known| (known.provider.clone(), known.value.clone())).collect()
}

/// The owner of every identity that has no profile signs in. The trigger links to the native profile with the address, or
/// makes one.
fn sign_in(scene: &Scene, how: SignIn) {
    for (provider, subject) in identities(scene) {
        if !scene.pool.owners_of(&provider, &subject).is_empty() {
            continue;
        }
        scene.pool.change(|accounts| match how {
            SignIn::No => {}
            SignIn::WithoutTrigger => {
                accounts.push(Account { sub: "made anew".into(), ..federated(&provider, &subject, ADA) });
            }
            SignIn::WithTrigger => {
                let native = accounts.iter().position(|account| account.has_email(ADA) && !account.is_stand_alone());
                let linked = |account: Account| account.with_identity(&provider, &subject);
                match native {
                    Some(at) => accounts[at] = linked(accounts[at].clone()),
                    None => accounts.push(linked(native_anew())),
                }
            }
        });
    }
}

fn native_anew() -> Account {
    native(ADA).named("made by the trigger")
}

/// Repeats the command. If an identity signs in to another profile by now, joins that one, too, as the message says.
async fn finish(scene: &mut Scene) -> usize {
    let mut further = 0;
    for _ in 0..8 {
        match scene.run(&Fuse::never()).await.expect("nothing ends the process") {
            Ok(results) => {
                assert!(results.iter().all(|r| matches!(r, StepResult::Done | StepResult::DoneBefore)), "{results:?}");
                return further;
            }
            Err(MergeError::Incomplete { what, why, .. }) => {
                assert!(what != Incomplete::NotInGroups && why.contains("AdminLinkProviderForUser"), "{what} {why}");
                let owners = identities(scene).into_iter().flat_map(|(p, s)| scene.pool.owners_of(&p, &s));
                let known = ["stays", scene.planned.last().unwrap().merge[0].delete.as_str()];
                let other = owners.into_iter().find(|owner| !known.contains(&owner.user_name.as_str()));
                let other = other.expect("somebody else has the identity");
                let step = planned(scene, &other.user_name).await;
                scene.planned.insert(0, step);
                further += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    panic!("never done")
}

/// One person, one account: the one that stays, with its password. Nobody else touched; what is gone is in the journal.
fn check(scene: &Scene, told: &str) {
    let told = format!("{}: {told}", scene.name);
    let after = scene.pool.accounts();
    assert!(after.iter().all(|account| !account.has_email(ADA)), "{told}: {after:#?}");
    let gone = scene.before.iter().find(|account| account.has_email(ADA)).unwrap();
    let stays = scene.account("stays");
    for (provider, subject) in identities(scene).into_iter().chain([("Okta".into(), "9".into())]) {
        let owners = scene.pool.owners_of(&provider, &subject);
        assert!(owners.len() == 1 && owners[0].user_name == "stays", "{told}: {provider} {owners:?}");
    }
    assert_eq!(stays.email.as_deref(), Some(STAYS), "{told}");
    assert_eq!(stays.password, self::stays().password, "{told}");
    assert!(gone.groups.is_subset(&stays.groups), "{told}");
    assert_eq!(stays.attributes.get("given_name"), gone.attributes.get("given_name"), "{told}");
    for known in scene.before.iter().filter(|known| known.user_name != "stays" && !known.has_email(ADA)) {
        let now = after.iter().find(|account| account.sub == known.sub);
        assert_eq!(format!("{now:?}"), format!("{:?}", Some(known)), "{told}");
    }
    let history = scene.history();
    let begin = &history.merges[&gone.user_name].attempts[0];
    assert_eq!((&begin.profile, &begin.groups), (&gone.record(), &gone.groups.iter().cloned().collect()), "{told}");
    let subs = history.replaced_subs(&gone.user_name);
    assert!(subs.iter().any(|sub| sub.old_sub == gone.sub && sub.new_sub == stays.sub), "{told}: {subs:?}");
    assert_eq!(history.incomplete(), 0, "{told}");
}

#[tokio::test]
async fn no_step_is_made_of_profiles_that_cannot_be_joined() {
    assert!(step(&unplanned(&[goes().disabled(), stays()]), "goes").await.is_err());
}

#[tokio::test]
async fn cut_off_at_any_step_and_resumed_both_are_one_and_no_identity_is_lost() {
    let (mut explored, mut further) = (0, 0);
    for goes in all() {
        let mut scene = joining(&goes).await;
        assert_eq!(finish(&mut scene).await, 0);
        check(&scene, "undisturbed");
        let before = format!("{:?}", scene.pool.accounts());
        assert_eq!(scene.ends().await, [StepResult::DoneBefore]);
        assert_eq!(format!("{:?}", scene.pool.accounts()), before);
        for fate in FATES {
            for how in SignIn::ALL {
                for Cut { mut scene, told, .. } in cut_off(async || joining(&goes).await, fate).await {
                    explored += 1;
                    sign_in(&scene, how);
                    further += finish(&mut scene).await;
                    check(&scene, &format!("{told}, {how:?}"));
                }
            }
        }
    }
    println!("{explored} joins were cut off and resumed, {further} times with a further join");
    assert!(explored > 500 && further > 10, "{explored} {further}");
}

#[tokio::test]
async fn cut_off_twice_and_resumed_both_are_one() {
    let mut explored = 0;
    for goes in all() {
        for Cut { mut scene, told, .. } in cut_off_twice(async || joining(&goes).await).await {
            explored += 1;
            finish(&mut scene).await;
            check(&scene, &told);
        }
    }
    assert!(explored > 200, "{explored}");
}

#[tokio::test]
async fn nothing_is_joined_if_either_profile_has_changed_since_the_plan() {
    type Change = fn(&mut Account);
    let changes: [(&str, Change); 10] = [
        ("disabled", |account| account.enabled = false),
        ("another address", |account| account.email = Some("other@example.com".into())),
        ("not verified any more", |account| account.email_verified = !account.email_verified),
        ("another group", |account| account.groups.extend(["Admins".into()])),
        ("another attribute", |account| drop(account.attributes.insert("locale".into(), "de".into()))),
        ("another identity", |account| *account = account.clone().with_identity("Okta", "77")),
        ("a passkey", |account| account.passkey = true),
        ("another status", |account| account.status = cognito_core::user_pool::Status::ResetRequired),
        ("created again", |account| account.sub = "another".into()),
        ("another name", |account| account.user_name = "elsewhere".into()),
    ];
    for at in ["goes", "stays"] {
        for (what, change) in changes {
            let mut scene = joining(&goes().with_identity("Google", "1")).await;
            scene.change(at, change);
            scene.is_left_alone(&format!("{at} {what}")).await;
        }
    }
}

#[tokio::test]
async fn what_changed_between_two_tries_is_not_joined_either() {
    let mut explored = 0;
    let cuts = ended(&goes().with_identity("Google", "1")).await;
    for Cut { mut scene, told, .. } in cuts.into_iter().take_while(|cut| state(&cut.scene).moved.is_empty()) {
        scene.change("goes", |goes| goes.groups.extend(["Admins".into()]));
        let has_begun = !state(&scene).attempts.is_empty();
        scene.is_left_alone(&told).await;
        explored += usize::from(has_begun);
    }
    assert!(explored > 0, "no try ended between the journal and the first move");
}

#[tokio::test]
async fn a_profile_that_bears_anothers_sub_is_not_joined_and_gives_nothing_away() {
    let borrowed = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";
    let mut scene = joining(&goes().named(borrowed).with_identity("Google", "1")).await;
    scene.pool.change(|accounts| {
        let victim = accounts.iter_mut().find(|account| account.has_email("eve@example.com")).unwrap();
        victim.sub = borrowed.into();
    });
    assert_eq!(scene.is_left_alone("borrowed").await, "borrowed_sub");
}

#[tokio::test]
async fn who_was_shut_out_of_either_address_is_not_joined() {
    for (email, goes, refused) in [
        // It proves nothing that the pool knows, and a disabled profile proved its address.
        (ADA, goes().unverified(), true),
        // An account that was left open.
        (ADA, goes(), false),
        (STAYS, goes(), false),
    ] {
        let mut scene = joining(&goes).await;
        let banned = native(email).named("banned").disabled();
        scene.pool.change(|accounts| accounts.push(banned));
        if refused {
            assert_eq!(scene.is_left_alone(email).await, "shut_out");
        } else {
            assert_eq!(scene.ends().await, [StepResult::Done], "{email}");
        }
    }
}

/// The profile that stays never proved its address, so it is no account that was left open.
#[tokio::test]
async fn who_was_shut_out_of_the_address_of_the_one_that_stays_is_not_joined() {
    let mut scene = unplanned(&[goes(), stays().unverified()]);
    let step = planned(&scene, "goes").await;
    scene.planned.push(step);
    scene.pool.change(|accounts| accounts.push(native(STAYS).named("banned").disabled()));
    assert_eq!(scene.is_left_alone("unproven").await, "shut_out");
}

/// The person was unlinked by somebody else, and signed in right before our own call.
#[tokio::test]
async fn an_identity_that_left_the_profile_meanwhile_is_taken_from_nobody() {
    for moved_to in ["alone", "eve"] {
        let mut scene = joining(&goes().with_identity("Google", "1")).await;
        moved_to.clone_into(&mut scene.name);
        let fuse = scene.meanwhile("AdminAddUserToGroup", move |accounts| {
            let goes = accounts.iter_mut().find(|account| account.user_name == "goes").unwrap();
            goes.identities.clear();
            let owner = match moved_to {
                "alone" => federated("Google", "1", ADA),
                name => native("other@example.com").named(name).with_identity("Google", "1"),
            };
            accounts.push(owner);
        });
        scene.stops(&fuse, Incomplete::NotMoved).await;
        assert!(fuse.burnt(), "{moved_to}");
        assert_eq!(scene.pool.owners_of("Google", "1").len(), 1, "{moved_to}");
        assert!(scene.pool.account("goes").is_some(), "{moved_to}");
    }
}

/// An administrator takes identities from the profile that goes which no run has touched yet, such as a stolen one.
fn taken_away(scene: &Scene) -> Vec<(String, String)> {
    let moved = state(scene).moved;
    let mut taken = Vec::new();
    scene.pool.change(|accounts| {
        for goes in accounts.iter_mut().filter(|account| account.user_name == "goes") {
            goes.identities.retain(|own| {
                let is_moved = moved.iter().any(|known| known.provider() == own.provider && known.value() == own.value);
                if !is_moved {
                    taken.push((own.provider.clone(), own.value.clone()));
                }
                is_moved
            });
        }
    });
    taken
}

#[tokio::test]
async fn an_identity_that_was_taken_away_meanwhile_is_linked_neither_by_a_second_run_nor_by_an_undo() {
    let mut explored = 0;
    for undoes in [false, true] {
        let goes = goes().with_identity("Google", "1").with_identity("Facebook", "2");
        for Cut { mut scene, told, .. } in ended(&goes).await {
            let taken = taken_away(&scene);
            if undoes {
                scene.undo().await;
            } else {
                let _ = scene.run(&Fuse::never()).await;
            }
            for (provider, subject) in &taken {
                assert!(scene.pool.owners_of(provider, subject).is_empty(), "{provider} after {told}, undo: {undoes}");
            }
            explored += usize::from(taken.len() == 1);
        }
    }
    assert!(explored >= 2, "no run ended between the first and the second identity");
}

/// The scenes in which a run ended right after each of its calls.
async fn ended(goes: &Account) -> Vec<Cut> {
    cut_off(async || joining(goes).await, Fate::EndsAfter).await
}

/// The scene in which a run ended right after this call.
async fn ended_after(goes: &Account, call: &'static str) -> Scene {
    ended(goes).await.into_iter().find(|cut| cut.what == call).expect(call).scene
}

#[tokio::test]
async fn an_identity_on_its_way_is_not_lost_if_somebody_deletes_the_profile_meanwhile() {
    let scene = ended_after(&goes().with_identity("Google", "1"), "AdminDisableProviderForUser").await;
    assert!(scene.pool.owners_of("Google", "1").is_empty(), "it is on its way");
    scene.pool.change(|accounts| accounts.retain(|account| account.user_name != "goes"));
    // However often the run that links it is cut off.
    for Cut { mut scene, told, .. } in cut_off(async || scene.copy(), Fate::EndsBefore).await {
        assert_eq!(scene.ends().await.len(), 1, "{told}");
        assert!(scene.account("stays").has_identity("Google", "1"), "{told}");
    }
}

#[tokio::test]
async fn a_profile_that_came_back_with_more_than_its_own_identity_is_not_deleted() {
    let mut scene = ended_after(&alone(), "AdminDeleteUser").await;
    let back = Account { sub: "made anew".into(), ..alone() }.with_identity("Facebook", "2");
    scene.pool.change(|accounts| accounts.push(back));
    scene.stops(&Fuse::never(), Incomplete::NotLinked).await;
    assert_eq!(scene.pool.owners_of("Facebook", "2").len(), 1);
}

#[tokio::test]
async fn nothing_is_linked_to_a_profile_that_was_disabled_since_the_deletion() {
    let mut scene = ended_after(&alone(), "AdminDeleteUser").await;
    scene.change("stays", |stays| stays.enabled = false);
    scene.stops(&Fuse::never(), Incomplete::NotLinked).await;
    assert!(scene.pool.owners_of("Google", "1").is_empty());
}

#[tokio::test]
async fn an_identity_that_was_taken_from_the_profile_that_stays_after_the_deletion_is_not_linked_again() {
    let mut explored = 0;
    for Cut { mut scene, told, .. } in ended(&goes().with_identity("Google", "1")).await {
        if state(&scene).deleted && !state(&scene).done {
            scene.change("stays", |stays| stays.identities.retain(|known| known.provider != "Google"));
            assert_eq!(scene.ends().await, [StepResult::Done], "{told}");
            assert!(scene.pool.owners_of("Google", "1").is_empty(), "{told}");
            explored += 1;
        }
    }
    assert!(explored > 0);
}

/// Some pools refuse a link that is there already.
#[tokio::test]
async fn a_join_that_was_cut_off_or_is_undone_links_nothing_twice() {
    for goes in [goes().with_identity("Google", "1"), alone()] {
        let refusing = async || {
            let scene = joining(&goes).await;
            scene.pool.set_quirks(Quirks { refuse_link_again: true, ..Quirks::default() });
            scene
        };
        for Cut { mut scene, told, .. } in cut_off(refusing, Fate::EndsAfter).await {
            let mut undone = scene.copy();
            undone.undo().await;
            finish(&mut scene).await;
            check(&scene, &told);
        }
    }
}

/// Whoever has the name of the profile that stays now is a stranger.
fn registered_again(scene: &Scene) -> Account {
    let mut stranger = native("stranger@example.com").named("stays").in_group("Users").with_identity("Google", "1");
    stranger.attributes.insert("given_name".into(), "Ada".into());
    scene.pool.change(|accounts| {
        accounts.iter_mut().filter(|account| account.user_name == "goes").for_each(|goes| goes.identities.clear());
        displace(accounts, "stays", stranger);
    });
    scene.account("stays")
}

#[tokio::test]
async fn an_undo_takes_nothing_from_a_stranger_who_has_the_name_of_the_profile_that_stays() {
    let mut explored = 0;
    for Cut { mut scene, told, .. } in ended(&goes().with_identity("Google", "1")).await {
        let stranger = registered_again(&scene);
        scene.undo().await;
        assert_eq!(format!("{:?}", scene.account("stays")), format!("{stranger:?}"), "{told}");
        let state = state(&scene);
        explored += usize::from(!state.attempts.is_empty() && state.linked.is_none());
    }
    assert!(explored > 3, "{explored}");
}

/// The identity that the profile was made for has no profile then.
#[tokio::test]
async fn whoever_takes_the_name_of_the_profile_that_stays_right_after_the_deletion_gets_no_identity() {
    let mut scene = joining(&alone()).await;
    let fuse = scene.meanwhile("AdminDeleteUser", |accounts| {
        displace(accounts, "stays", native("stranger@example.com").named("stays"));
    });
    scene.stops(&fuse, Incomplete::NotLinked).await;
    assert!(fuse.burnt() && scene.pool.owners_of("Google", "1").is_empty());
}

#[tokio::test]
async fn an_undo_gives_nothing_to_a_stranger_who_has_the_name_of_the_deleted_profile() {
    let mut scene = joining(&goes().with_identity("Google", "1")).await;
    finish(&mut scene).await;
    let stranger = Account { sub: "a stranger's".into(), ..native("stranger@example.com").named("goes") };
    scene.pool.change(|accounts| accounts.push(stranger.clone()));
    let report = scene.undo().await;
    assert_eq!(format!("{:?}", scene.account("goes")), format!("{stranger:?}"));
    assert!(report[0].lost.iter().any(|lost| lost.contains("the sub")), "{report:?}");
}

#[tokio::test]
async fn a_stranger_who_has_the_name_of_the_profile_that_stays_gains_nothing() {
    for after in ["AdminListGroupsForUser", "AdminGetUserAuthFactors", "AdminAddUserToGroup"] {
        let mut scene = joining(&goes().with_identity("Google", "1")).await;
        let stranger = native("stranger@example.com").named("stays");
        let registered = stranger.clone();
        let fuse = scene.meanwhile(after, move |accounts| displace(accounts, "stays", registered.clone()));
        let _ = scene.run(&fuse).await.unwrap();
        assert!(fuse.burnt(), "{after}");
        let now = scene.account("stays");
        let identities = (&now.identities, now.attributes.get("given_name").filter(|_| after != "AdminAddUserToGroup"));
        assert_eq!(identities, (&stranger.identities, None), "{after}");
        assert!(after == "AdminAddUserToGroup" || now.groups.is_empty(), "{after}: {:?}", now.groups);
    }
}

#[tokio::test]
async fn nothing_is_deleted_while_an_identity_cannot_move() {
    let mut scene = joining(&goes().with_identity("Google", "1")).await;
    scene.pool.set_quirks(Quirks { refuse_every_link: true, ..Quirks::default() });
    scene.stops(&Fuse::never(), Incomplete::NotMoved).await;
    assert_eq!(scene.history().incomplete(), 1);
    assert!(scene.pool.account("goes").is_some_and(|goes| goes.password == self::goes().password));
    // The cause is gone, and the operator changes their mind.
    scene.pool.set_quirks(Quirks::default());
    let report = scene.undo().await;
    assert!(report[0].restored.contains(&"its own link".to_owned()) && report[0].lost.is_empty(), "{report:?}");
    let after: Vec<_> = scene.pool.accounts().into_iter().map(untimed).collect();
    assert_eq!(format!("{after:?}"), format!("{:?}", scene.before));
}

#[tokio::test]
async fn an_undo_from_any_step_leaves_the_profile_that_stays_as_it_was_and_says_what_is_lost() {
    for goes in all() {
        for Cut { mut scene, told, .. } in ended(&goes).await {
            let report = scene.undo().await;
            assert_eq!(format!("{:?}", untimed(scene.account("stays"))), format!("{:?}", stays()), "{told}");
            let going = scene.pool.account(&goes.user_name).map(untimed);
            let lost = |what: &str| report.iter().any(|undone| undone.lost.iter().any(|lost| lost.contains(what)));
            match going {
                Some(mut going) => {
                    let at = |linked: &LinkedIdentity| goes.identities.iter().position(|known| known == linked);
                    going.identities.sort_by_key(at);
                    assert_eq!(format!("{going:?}"), format!("{goes:?}"), "{told}");
                }
                None => {
                    assert!(lost("the sub") && (goes.is_stand_alone() || lost("the password")), "{told}: {report:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn whatever_call_of_an_undo_fails_the_next_undo_gives_back_what_the_profile_that_goes_had() {
    let mut failed = 0;
    for goes in all() {
        for cut in ended(&goes).await {
            failed += undone_despite_any_failure(&cut.scene, &cut.told).await;
        }
    }
    assert!(failed > 200, "{failed}");
}
