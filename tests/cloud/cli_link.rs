//! `cognito-triggers link`: plan, apply, undo, and an end at every step.

use end_to_end::listener::{BUS, Listener};
use end_to_end::user_pool_api::{Proxy, Stall};
use end_to_end::{Cli, Google, Ran, cloud, invited, native, opens, pool, pool_with};
use local_cloud::seed::{GROUP, PASSWORD};
use local_cloud::user_pool::{Kind, Profile, UserPool};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const ADA: &str = "ada@example.com";
const ADA_AT_GOOGLE: &str = "123456789012345678901";
const MARY: &str = "mary@example.com";

/// A pool in which Ada is two, and a folder for files.
struct Split {
    pool: UserPool,
    native: Profile,
    google: Profile,
    /// A person who is not involved.
    mary: Profile,
    folder: TempDir,
}

impl Split {
    async fn set(provider: &Google, kind: Kind) -> Self {
        let (pool, native) = pool_with(kind, ADA).await.unwrap();
        let google = provider.stands_alone(&pool, ADA_AT_GOOGLE, ADA, true).await.unwrap();
        pool.admin("AdminAddUserToGroup", json!({ "Username": google.username, "GroupName": GROUP })).await.unwrap();
        let mary = if kind == Kind::EmailAsAlias { "mary" } else { MARY };
        invited(&pool, mary, &[("email", MARY), ("email_verified", "true")]).await.unwrap();
        let mary = pool.only_profile_of(MARY).await.unwrap();
        Self { pool, native, google, mary, folder: tempfile::tempdir().unwrap() }
    }

    /// The same with a plan.
    async fn planned(provider: &Google, further: &[&str]) -> Self {
        let split = Self::set(provider, Kind::EmailAsUsername).await;
        split.plan(further).await.ends(0);
        split
    }

    fn cli(&self) -> Cli {
        Cli::new().unwrap().within(self.folder.path())
    }

    async fn plan(&self, further: &[&str]) -> Ran {
        let fixed = ["link", "--user-pool-id", self.pool.id(), "--providers", "Google:claim", "--plan", "plan"];
        self.cli().run(&[&fixed, further, &["--output", "json"]].concat()).await.unwrap()
    }

    async fn apply(&self) -> Ran {
        self.cli().run(&APPLY).await.unwrap()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// One account, with both ways in and the groups; nobody else touched; what is gone is written down.
    async fn check(&self, told: &str) {
        let ada = self.pool.only_profile_of(ADA).await.unwrap();
        assert_eq!(ada.username, self.native.username, "{told}");
        assert_eq!(ada.attribute("sub"), self.native.attribute("sub"), "{told}");
        assert!(ada.has_identity("Google", ADA_AT_GOOGLE) && ada.identities.len() == 1, "{told}: {ada:?}");
        assert_eq!(ada.groups, [GROUP], "{told}");
        assert_eq!(ada.attribute("given_name"), "Ada", "{told}");
        assert!(opens(&self.pool, ADA, PASSWORD).await.unwrap(), "{told}: the password no longer opens the account");
        assert_eq!(self.pool.only_profile_of(MARY).await.unwrap(), self.mary, "{told}");
        let gone = self.google.attribute("sub");
        let begins: Vec<Value> =
            self.read("plan.journal").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let begin = begins.iter().find(|entry| entry["profile"]["attributes"]["sub"] == gone).unwrap();
        assert_eq!(begin["profile"]["attributes"]["identities"], self.google.attribute("identities"), "{told}");
        assert!(begin["groups"].as_array().unwrap().contains(&json!(GROUP)), "{told}: {begin}");
        let row = format!("{gone},{},", self.native.attribute("sub"));
        assert!(self.read("plan.subs.csv").contains(&row), "{told}: {}", self.read("plan.subs.csv"));
    }
}

const APPLY: [&str; 6] = ["link", "--apply", "plan", "--yes", "--output", "json"];
const COPY: [&str; 3] = ["--copy-groups", "--copy-attributes", "given_name"];

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o600
}

#[tokio::test]
async fn a_plan_changes_nothing_and_carrying_it_out_makes_one_account() {
    let google = Google::start().await.unwrap();
    for kind in [Kind::EmailAsUsername, Kind::EmailAsAlias] {
        let split = Split::set(&google, kind).await;
        let before = split.pool.profiles().await.unwrap();
        let planned = split.plan(&COPY).await.ends(0);
        assert_eq!(planned.json().unwrap()["merge"], json!({ "link": 1 }), "{planned:?}");
        assert_eq!(split.pool.profiles().await.unwrap(), before, "a plan changed something");
        let applied = split.apply().await;
        assert_eq!((applied.status, &applied.json().unwrap()["done"]), (0, &json!(1)), "{applied:?}");
        assert!(applied.stderr.contains("subs disappear for good"), "{applied:?}");
        assert!(applied.stderr.contains("With --yes you vouch that people could never write it"), "{applied:?}");
        split.check("applied").await;
        for file in ["plan", "plan.journal", "plan.subs.csv"] {
            assert!(is_private(&split.folder.path().join(file)), "{file}");
        }
        let again = split.apply().await;
        assert_eq!((again.status, &again.json().unwrap()["done_before"]), (0, &json!(1)), "{again:?}");
        split.check("applied twice").await;
    }
}

#[tokio::test]
async fn killed_at_every_step_and_resumed_there_is_one_account_and_nothing_is_lost() {
    let google = Google::start().await.unwrap();
    let mut kills = 0;
    for stall in [Stall::Before, Stall::After] {
        for at in 1.. {
            let split = Split::planned(&google, &COPY).await;
            let proxy = Proxy::start(&cloud().unwrap(), Some((at, stall))).await.unwrap();
            let mut child = split.cli().with("AWS_ENDPOINT_URL", &proxy.endpoint()).command(&APPLY).spawn().unwrap();
            let ended = tokio::select! {
                () = proxy.stalled() => false,
                status = child.wait() => { assert!(status.unwrap().success()); true }
            };
            if ended {
                break;
            }
            // As a crash does, or Ctrl-C.
            if stall == Stall::Before {
                child.kill().await.unwrap();
            } else {
                let id = child.id().unwrap().to_string();
                assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
                assert!(!child.wait().await.unwrap().success());
            }
            kills += 1;
            let told = format!("killed {stall:?} call {at}, {:?}", proxy.calls().await.last());
            // The last line may have been half written.
            if at % 2 == 0 && split.folder.path().join("plan.journal").exists() {
                let mut torn = split.read("plan.journal");
                torn.push_str("{\"entry\":\"do");
                std::fs::write(split.folder.path().join("plan.journal"), torn).unwrap();
            }
            let resumed = split.apply().await;
            assert_eq!(resumed.status, 0, "{told}: {resumed:?}");
            split.check(&told).await;
        }
    }
    println!("killed and resumed {kills} times");
    assert!(kills >= 20, "{kills}");
}

/// Carries the plan out and kills the command when the profile is deleted and nothing is linked.
async fn kill_after_the_deletion(google: &Google, split: &Split) {
    // Which call that is, another one tells that is not killed.
    let counting = Proxy::start(&cloud().unwrap(), None).await.unwrap();
    let other = Split::planned(google, &COPY).await;
    other.cli().with("AWS_ENDPOINT_URL", &counting.endpoint()).run(&APPLY).await.unwrap();
    let deletion = counting.calls().await.iter().position(|call| call == "AdminDeleteUser").unwrap() + 1;
    let proxy = Proxy::start(&cloud().unwrap(), Some((deletion, Stall::After))).await.unwrap();
    let mut child = split.cli().with("AWS_ENDPOINT_URL", &proxy.endpoint()).command(&APPLY).spawn().unwrap();
    tokio::time::timeout(Duration::from_mins(1), proxy.stalled()).await.unwrap();
    child.kill().await.unwrap();
}

#[tokio::test]
async fn who_signs_in_after_the_kill_is_merged_all_the_same() {
    let google = Google::start().await.unwrap();
    let split = Split::planned(&google, &COPY).await;
    kill_after_the_deletion(&google, &split).await;
    let again = google.stands_alone(&split.pool, ADA_AT_GOOGLE, ADA, true).await.unwrap();
    assert_ne!(again.attribute("sub"), split.google.attribute("sub"));
    split.apply().await.ends(0);
    split.check("signed in after the kill").await;
    assert!(split.read("plan.subs.csv").contains(again.attribute("sub")), "the second sub is missing");
}

#[tokio::test]
async fn what_changed_since_the_plan_is_skipped_with_code_6() {
    let google = Google::start().await.unwrap();
    let split = Split::planned(&google, &[]).await;
    split.pool.admin("AdminDisableUser", json!({ "Username": split.native.username })).await.unwrap();
    let before = split.pool.profiles().await.unwrap();
    let applied = split.apply().await.ends(6);
    let skipped = &applied.json().unwrap()["skipped"];
    assert_eq!(skipped["changed since the plan: now disabled_profile"], 1, "{skipped}");
    assert_eq!(split.pool.profiles().await.unwrap(), before);
}

#[tokio::test]
async fn what_the_rules_refuse_is_left_and_the_plan_says_why() {
    let google = Google::start().await.unwrap();
    let split = Split::set(&google, Kind::EmailAsUsername).await;
    split.pool.admin("AdminDisableUser", json!({ "Username": split.native.username })).await.unwrap();
    let planned = split.plan(&[]).await;
    assert_eq!(planned.json().unwrap()["leave"], json!({ "disabled_profile": 1 }), "{planned:?}");
    assert!(split.read("plan").contains("\"why\":\"disabled_profile\""));
    let idle = split.cli().run(&["link", "--apply", "plan"]).await.unwrap().says(0, "nothing to do");
    assert!(!idle.stderr.contains("vouch"), "{idle:?}");
}

#[tokio::test]
async fn a_person_without_a_native_profile_gets_one_only_if_asked() {
    let google = Google::start().await.unwrap();
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let alone = google.stands_alone(&pool, ADA_AT_GOOGLE, ADA, true).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new().unwrap().within(folder.path());
    let base = ["link", "--user-pool-id", pool.id(), "--providers", "Google:claim", "--output", "json", "--plan"];
    let without = cli.run(&[&base[..], &["one"]].concat()).await.unwrap();
    assert_eq!(without.json().unwrap()["people"], 0, "{without:?}");
    let with = cli.run(&[&base[..], &["two", "--create-native"]].concat()).await.unwrap();
    assert_eq!(with.json().unwrap()["merge"], json!({ "create_and_link": 1 }), "{with:?}");
    cli.run(&["link", "--apply", "two", "--yes"]).await.unwrap().ends(0);
    let ada = pool.only_profile_of(ADA).await.unwrap();
    assert!(ada.is_native() && ada.status == "CONFIRMED" && ada.email_verified(), "{ada:?}");
    assert!(ada.has_identity("Google", ADA_AT_GOOGLE) && ada.attribute("sub") != alone.attribute("sub"), "{ada:?}");
}

#[tokio::test]
async fn app_clients_that_may_write_email_verified_are_refused_unless_trusted() {
    let google = Google::start().await.unwrap();
    let split = Split::planned(&google, &[]).await;
    let client = json!({ "ClientName": "careless", "WriteAttributes": ["email", "email_verified"] });
    let made = split.pool.admin("CreateUserPoolClient", client).await.unwrap();
    let id = made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned();
    let before = split.pool.profiles().await.unwrap();
    split.apply().await.says(3, &id);
    std::fs::remove_file(split.folder.path().join("plan")).unwrap();
    split.plan(&[]).await.says(3, "email_verified");
    assert_eq!(split.pool.profiles().await.unwrap(), before);
    split.plan(&["--trust-stored-values"]).await.ends(0);
    let applied = split.apply().await;
    assert_eq!((applied.status, &applied.json().unwrap()["done"]), (0, &json!(1)), "{applied:?}");
}

/// Eve comes from a provider whose addresses are always proof, while the pool stores a changed address at once. She writes
/// Ada's address into her profile, where it stays unverified, and never comes back. Then the operator closes the gap and
/// merges what is there.
#[tokio::test]
async fn an_address_that_was_written_before_the_pool_asked_for_proof_opens_nobodys_account() {
    let provider = Google::start().await.unwrap();
    let (pool, ada) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    let eve = provider.stands_alone(&pool, "666", "eve@example.com", false).await.unwrap();
    pool.set(&eve.username, &[("email", ADA), ("email_verified", "false")]).await.unwrap();
    let kept = json!({ "AttributesRequireVerificationBeforeUpdate": ["email"] });
    let kept = json!({ "AutoVerifiedAttributes": ["email"], "UserAttributeUpdateSettings": kept });
    pool.admin("UpdateUserPool", kept).await.unwrap();
    let before = pool.profiles().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new().unwrap().within(folder.path());
    let base = ["link", "--user-pool-id", pool.id(), "--providers", "Google:always", "--output", "json", "--plan"];
    let planned = cli.run(&[&base[..], &["plan"]].concat()).await.unwrap();
    assert_eq!(planned.json().unwrap()["leave"], json!({ "unproven_email": 1 }), "{planned:?}");
    assert_eq!(planned.json().unwrap()["people"], 0, "{planned:?}");
    // Whoever vouches for the history is told what that means before anything happens.
    let vouched = cli.run(&[&base[..], &["vouched", "--trust-stored-values"]].concat()).await.unwrap();
    assert_eq!(vouched.json().unwrap()["merge"], json!({ "link": 1 }), "{vouched:?}");
    assert!(vouched.stderr.contains("they get that person's account"), "{vouched:?}");
    // A plan that says the same without that is not carried out.
    let vouched = std::fs::read_to_string(folder.path().join("vouched")).unwrap();
    let forged = vouched.replace(r#""proof":"all_stored_values""#, r#""proof":"stored_email_verified""#);
    assert_ne!(forged, vouched, "the plan does not record what it takes as proof");
    std::fs::write(folder.path().join("forged"), forged).unwrap();
    let applied = cli.run(&["link", "--apply", "forged", "--yes", "--output", "json"]).await.unwrap().ends(6);
    assert_eq!(applied.json().unwrap()["skipped"], json!({ "changed since the plan: now unproven_email": 1 }));
    assert_eq!(pool.profiles().await.unwrap(), before);
    assert!(ada.identities.is_empty());
}

#[tokio::test]
async fn the_map_is_opened_before_anything_is_deleted_and_replaces_no_other_file() {
    let google = Google::start().await.unwrap();
    let split = Split::planned(&google, &COPY).await;
    let before = split.pool.profiles().await.unwrap();
    let nowhere = [&APPLY[..], &["--sub-map", "nowhere/subs.csv"]].concat();
    split.cli().run(&nowhere).await.unwrap().says(1, "cannot be written");
    std::fs::write(split.folder.path().join("plan.subs.csv"), "Dear Ada\n").unwrap();
    split.apply().await.says(3, "--sub-map");
    assert_eq!(split.read("plan.subs.csv"), "Dear Ada\n");
    assert_eq!(split.pool.profiles().await.unwrap(), before);
    std::fs::remove_file(split.folder.path().join("plan.subs.csv")).unwrap();
    split.apply().await.ends(0);
    split.check("after two refusals").await;
}

#[tokio::test]
async fn a_run_that_stops_after_a_deletion_ends_with_code_6_and_says_so() {
    let google = Google::start().await.unwrap();
    let split = Split::planned(&google, &COPY).await;
    kill_after_the_deletion(&google, &split).await;
    split.pool.admin("AdminDisableUser", json!({ "Username": split.native.username })).await.unwrap();
    let stopped = split.apply().await.ends(6);
    assert_eq!(stopped.json().unwrap()["half_done"], 1, "{stopped:?}");
    assert!(stopped.stderr.contains("line 2 of the plan") && !stopped.stderr.contains(ADA), "{stopped:?}");
    split.pool.admin("AdminEnableUser", json!({ "Username": split.native.username })).await.unwrap();
    split.apply().await.ends(0);
    split.check("enabled again").await;
}

#[tokio::test]
async fn undo_takes_the_link_back_and_says_what_cannot_come_back() {
    let google = Google::start().await.unwrap();
    let split = Split::planned(&google, &COPY).await;
    split.apply().await.ends(0);
    split.check("applied").await;
    let undone =
        split.cli().run(&["link", "--undo", "plan.journal", "--yes", "--output", "json"]).await.unwrap().ends(0);
    let report = &undone.json().unwrap()["undone"][0];
    assert_eq!(report["restored"], json!(["groups", "attributes", "link"]));
    assert_eq!(report["lost"], json!(["the sub of the deleted profile"]));
    let ada = split.pool.only_profile_of(ADA).await.unwrap();
    assert_eq!((&ada.groups, &ada.identities), (&split.native.groups, &split.native.identities));
    assert_eq!(ada.attribute("given_name"), "");
    split.apply().await.says(3, "it was undone");
}

#[tokio::test]
async fn nothing_starts_without_a_yes_and_nothing_with_the_wrong_files() {
    let google = Google::start().await.unwrap();
    let split = Split::planned(&google, &[]).await;
    let before = split.pool.profiles().await.unwrap();
    let refused = async |arguments: &[&str], why: &str| {
        split.cli().run(arguments).await.unwrap().only_says(3, why);
    };
    refused(&["link", "--apply", "plan"], "--yes").await;
    refused(&["link", "--apply", "plan", "--yes", "--user-pool-id", "eu-central-1_Other"], "belongs to pool").await;
    refused(&["link", "--undo", "nothing", "--yes"], "there is no journal").await;
    std::fs::write(split.folder.path().join("letter"), "Dear Ada\n").unwrap();
    refused(&["link", "--apply", "letter", "--yes"], "not that of a plan").await;
    refused(&["link", "--apply", "plan", "--yes", "--journal", "letter"], "not a journal").await;
    assert_eq!(split.plan(&[]).await.status, 3, "an existing plan was overwritten");
    let no_trust = ["link", "--user-pool-id", "eu-central-1_X", "--providers", "Google"];
    split.cli().run(&no_trust).await.unwrap().says(2, "trust one of always, claim, never");
    assert_eq!(split.pool.profiles().await.unwrap(), before);
}

/// A confirmed native profile with the seed's password.
async fn named(pool: &UserPool, name: &str, email: &str) -> Profile {
    pool.add_native(name, email, PASSWORD).await.unwrap()
}

/// The operator's two commands for profiles that they name.
async fn join(folder: &TempDir, pool: &UserPool, goes: &str, stays: &str, further: &[&str]) -> (Ran, Ran) {
    let cli = Cli::new().unwrap().within(folder.path());
    let plan = ["join", goes, "--into", stays, "--user-pool-id", pool.id(), "--plan", "plan", "--output", "json"];
    let before = pool.profiles().await.unwrap();
    let planned = cli.run(&[&plan[..], further].concat()).await.unwrap();
    assert_eq!(pool.profiles().await.unwrap(), before, "a plan changed something");
    (planned, cli.run(&APPLY).await.unwrap())
}

#[tokio::test]
async fn two_profiles_with_different_addresses_are_joined_on_the_operators_word() {
    let google = Google::start().await.unwrap();
    for kind in [Kind::EmailAsUsername, Kind::EmailAsAlias] {
        for goes_native in [true, false] {
            let told = format!("{kind:?}, native: {goes_native}");
            let (pool, folder) = (pool(kind).await.unwrap(), tempfile::tempdir().unwrap());
            let stays = named(&pool, if kind == Kind::EmailAsAlias { "mary" } else { MARY }, MARY).await;
            let goes = if goes_native {
                let goes = native(&pool, kind, ADA).await.unwrap();
                pool.link(&goes.username, "Google", ADA_AT_GOOGLE).await.unwrap();
                goes
            } else {
                google.stands_alone(&pool, ADA_AT_GOOGLE, ADA, true).await.unwrap()
            };
            pool.admin("AdminAddUserToGroup", json!({ "Username": goes.username, "GroupName": GROUP })).await.unwrap();
            let (planned, applied) = join(&folder, &pool, ADA, MARY, &["--copy-groups"]).await;
            assert_eq!(planned.status, 0, "{told}: {planned:?}");
            let rows = planned.json().unwrap()["rows"].clone();
            let row = |what: &str| rows.as_array().unwrap().iter().find(|row| row["what"] == what).unwrap().clone();
            assert_eq!(row("groups")["gained"], json!([GROUP]), "{told}");
            assert_eq!(row("email")["lost"], json!([ADA]), "{told}");
            assert_eq!(row("identities")["gained"], json!([format!("Google {ADA_AT_GOOGLE}")]), "{told}");
            assert!(planned.stderr.contains("the addresses differ"), "{told}: {planned:?}");
            assert_eq!((applied.status, &applied.json().unwrap()["done"]), (0, &json!(1)), "{told}: {applied:?}");
            assert!(applied.stderr.contains("both profiles of each join belong to one person"), "{told}: {applied:?}");
            assert!(pool.profiles().await.unwrap().iter().all(|profile| profile.username != goes.username), "{told}");
            let after = pool.only_profile_of(MARY).await.unwrap();
            assert!(after.has_identity("Google", ADA_AT_GOOGLE) && after.groups == [GROUP], "{told}: {after:?}");
            assert_eq!(after.attribute("sub"), stays.attribute("sub"), "{told}");
            assert!(opens(&pool, MARY, PASSWORD).await.unwrap(), "{told}: the password that stays is gone");
            let text = std::fs::read_to_string(folder.path().join("plan.subs.csv")).unwrap();
            assert!(text.contains(&format!("{},{},", goes.attribute("sub"), stays.attribute("sub"))), "{told}: {text}");
            let plan = std::fs::read_to_string(folder.path().join("plan")).unwrap();
            assert!(plan.contains(r#""proof":"operators_word""#), "{told}: {plan}");
            let undo = ["link", "--undo", "plan.journal", "--yes", "--output", "json"];
            let undone = Cli::new().unwrap().within(folder.path()).run(&undo).await.unwrap();
            let lost = undone.json().unwrap()["undone"][0]["lost"].to_string();
            assert!(undone.status == 0 && lost.contains("the sub"), "{told}: {undone:?}");
            assert_eq!(lost.contains("the password"), goes_native, "{told}: {lost}");
            let after = pool.only_profile_of(MARY).await.unwrap();
            assert!(after.identities.is_empty() && after.groups.is_empty(), "{told}: {after:?}");
        }
    }
}

#[tokio::test]
async fn a_join_that_would_let_somebody_in_again_or_open_no_native_profile_is_refused() {
    let google = Google::start().await.unwrap();
    let (pool, folder) = (pool(Kind::EmailAsUsername).await.unwrap(), tempfile::tempdir().unwrap());
    let stays = native(&pool, Kind::EmailAsUsername, MARY).await.unwrap();
    let goes = google.stands_alone(&pool, ADA_AT_GOOGLE, ADA, true).await.unwrap();
    join(&folder, &pool, ADA, "nobody@example.com", &[]).await.0.says(1, "profile that stays: no profile");
    join(&folder, &pool, MARY, ADA, &[]).await.0.says(3, "must be native");
    pool.admin("AdminDisableUser", json!({ "Username": goes.username })).await.unwrap();
    join(&folder, &pool, ADA, MARY, &[]).await.0.says(3, "goes is disabled");
    pool.admin("AdminEnableUser", json!({ "Username": goes.username })).await.unwrap();
    pool.admin("AdminDisableUser", json!({ "Username": stays.username })).await.unwrap();
    join(&folder, &pool, ADA, MARY, &[]).await.0.says(3, "stays is disabled");
    assert!(!folder.path().join("plan").exists(), "a refused join left a plan");
}

#[tokio::test]
async fn a_profile_that_changed_after_the_join_was_planned_is_not_joined() {
    let google = Google::start().await.unwrap();
    let (pool, folder) = (pool(Kind::EmailAsUsername).await.unwrap(), tempfile::tempdir().unwrap());
    native(&pool, Kind::EmailAsUsername, MARY).await.unwrap();
    let goes = google.stands_alone(&pool, ADA_AT_GOOGLE, ADA, true).await.unwrap();
    let cli = Cli::new().unwrap().within(folder.path());
    let plan = ["join", ADA, "--into", MARY, "--user-pool-id", pool.id(), "--plan", "plan"];
    cli.run(&plan).await.unwrap().ends(0);
    pool.admin("AdminAddUserToGroup", json!({ "Username": goes.username, "GroupName": GROUP })).await.unwrap();
    let before = pool.profiles().await.unwrap();
    let applied = cli.run(&APPLY).await.unwrap();
    let skipped = &applied.json().unwrap()["skipped"];
    assert_eq!(skipped["changed since the plan: the profile that goes"], 1, "{applied:?}");
    assert_eq!((applied.status, pool.profiles().await.unwrap()), (6, before));
}

#[tokio::test]
async fn an_application_is_told_of_every_merge_on_a_bus_that_exists() {
    let provider = Google::start().await.unwrap();
    let split = Split::set(&provider, Kind::EmailAsUsername).await;
    let listener = Listener::of(&split.pool).await.unwrap();
    split.plan(&[]).await;
    let on = |bus: &'static str| [&APPLY[..], &["--event-bus", bus]].concat();
    split.cli().run(&on("no-such-bus")).await.unwrap().says(3, "no event bus no-such-bus");
    assert_eq!(split.pool.profiles().await.unwrap().len(), 3, "nothing was merged");
    split.cli().run(&on("a bus")).await.unwrap().says(2, "the name of an event bus");

    for _ in 0..2 {
        // The second run merges nobody, and tells all the same: nobody knows what the first one could tell.
        let applied = split.cli().run(&on(BUS)).await.unwrap().ends(0);
        assert_eq!(applied.json().unwrap()["told"], 2);
        let merged = listener.hears("account.merged").await.unwrap();
        assert_eq!(merged["sub"], split.native.attribute("sub"));
        assert_eq!(merged["old_sub"], split.google.attribute("sub"));
        let linked = listener.hears("account.linked").await.unwrap();
        assert_eq!((&linked["sub"], &linked["provider"]), (&json!(split.native.attribute("sub")), &json!("Google")));
    }
}
