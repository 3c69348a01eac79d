//! `cognito-triggers audit`: what it finds, and that it does not grow with the pool.

use end_to_end::user_pool_api::{EndlessPool, Proxy, Stall};
use end_to_end::{Cli, Google, Ran, closed, native, pool, pool_with};
use local_cloud::seed::GROUP;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ADA: &str = "ada@example.com";
const MARY: &str = "mary@example.com";

/// An audit of [`EndlessPool`], as fast as it can be.
const ENDLESS: [&str; 7] =
    ["audit", "--user-pool-id", "eu-central-1_Endless", "--providers", "Google:claim", "--rate", "100000"];

async fn audit(pool: &UserPool, further: &[&str]) -> Ran {
    let arguments = [&["audit", "--user-pool-id", pool.id(), "--providers", "Google:claim"], further].concat();
    Cli::new().unwrap().run(&arguments).await.unwrap()
}

#[tokio::test]
async fn a_sound_pool_is_code_0_and_an_empty_report() {
    let (pool, _) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    let ran = audit(&pool, &[]).await;
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{ran:?}");
    let ran = audit(&pool, &["--output", "json"]).await;
    assert_eq!(ran.json().unwrap()["profiles"], json!([]));
}

#[tokio::test]
async fn people_with_two_profiles_and_those_who_will_be_refused_are_reported_with_code_4() {
    let google = Google::start().await.unwrap();
    let (pool, _) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    google.stands_alone(&pool, "1", ADA, true).await.unwrap();
    let mary = native(&pool, Kind::EmailAsUsername, MARY).await.unwrap();
    pool.admin("AdminDisableUser", json!({ "Username": mary.username })).await.unwrap();
    let before = pool.profiles().await.unwrap();
    let ran = audit(&pool, &["--output", "json"]).await.ends(4);
    let report = ran.json().unwrap();
    let rows: Vec<_> = report["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            (text("email"), text("status"), row["findings"].to_string(), text("verdict"))
        })
        .collect();
    let row = |email: &str, status: &str, findings: &str, verdict: &str| {
        (email.to_owned(), status.to_owned(), findings.to_owned(), verdict.to_owned())
    };
    assert!(rows.contains(&row(ADA, "CONFIRMED", r#"["several_profiles"]"#, "link")), "{rows:?}");
    assert!(rows.contains(&row(ADA, "EXTERNAL_PROVIDER", r#"["several_profiles"]"#, "link")), "{rows:?}");
    assert!(rows.contains(&row(MARY, "CONFIRMED", r#"["refused"]"#, "disabled_profile")), "{rows:?}");
    assert_eq!(report["summary"]["mergeable"], 1);
    let csv = audit(&pool, &["--format", "csv"]).await;
    assert!(csv.stdout.starts_with("email,findings,user_name,sub,status,providers,verdict\n"), "{csv:?}");
    let lines = audit(&pool, &["--format", "jsonl"]).await;
    assert!(
        lines.stdout.lines().count() == 3 && lines.stdout.lines().all(|l| serde_json::from_str::<Value>(l).is_ok())
    );
    assert!(audit(&pool, &[]).await.stdout.contains("several_profiles"));
    assert_eq!(pool.profiles().await.unwrap(), before, "an audit changed something");
}

#[tokio::test]
async fn several_pools_are_one_report_with_one_summary_and_a_pool_in_each_row() {
    let google = Google::start().await.unwrap();
    let (split, sound) = (pool(Kind::EmailAsUsername).await.unwrap(), pool(Kind::EmailAsUsername).await.unwrap());
    for pool in [&split, &sound] {
        native(pool, Kind::EmailAsUsername, ADA).await.unwrap();
    }
    google.stands_alone(&split, "1", ADA, true).await.unwrap();
    let ran = audit(&sound, &["--user-pool-id", split.id(), "--output", "json"]).await.ends(4);
    let report = ran.json().unwrap();
    let pools: Vec<_> = report["profiles"].as_array().unwrap().iter().map(|row| row["user_pool_id"].as_str()).collect();
    assert_eq!(pools, [Some(split.id()), Some(split.id())]);
    assert_eq!((&report["summary"]["profiles"], &report["summary"]["mergeable"]), (&json!(3), &json!(1)));
    audit(&sound, &["--user-pool-id", split.id(), "--state", "state"]).await.ends(3);
}

#[tokio::test]
async fn a_pool_that_is_not_there_is_code_1_and_missing_settings_are_code_2() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let other = UserPool::open(pool.endpoint(), "eu-central-1_NotThere1");
    audit(&other, &[]).await.only_says(1, "ResourceNotFoundException");
    Cli::new().unwrap().run(&["audit", "--user-pool-id", pool.id()]).await.unwrap().says(2, "--providers");
}

#[tokio::test]
async fn an_interrupted_listing_goes_on_and_leaves_no_file_behind() {
    let pool = EndlessPool::start(30_000).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&ENDLESS[..], &["--output", "json", "--state", "state"]].concat();
    let cli = |endpoint: &str| Cli::new().unwrap().within(folder.path()).with("AWS_ENDPOINT_URL", endpoint);
    // Call 400 is a page behind the second time that the place is written down.
    let proxy = Proxy::start(&pool.endpoint(), Some((400, Stall::Before))).await.unwrap();
    let mut child = cli(&proxy.endpoint()).command(&arguments).spawn().unwrap();
    tokio::time::timeout(Duration::from_mins(5), proxy.stalled()).await.unwrap();
    child.kill().await.unwrap();
    assert!(folder.path().join("state").exists());
    let other_pool = [&arguments[..2], &["eu-central-1_Another"], &arguments[3..]].concat();
    cli(&pool.endpoint()).run(&other_pool).await.unwrap().says(3, "a listing of eu-central-1_Endless");
    let second = Proxy::start(&pool.endpoint(), None).await.unwrap();
    let resumed = cli(&second.endpoint()).run(&arguments).await.unwrap().ends(4);
    let pages = second.calls().await.iter().filter(|call| *call == "ListUsers").count();
    assert!((100..300).contains(&pages), "{pages} pages were listed again, of 500");
    assert_eq!(resumed.json().unwrap()["summary"]["profiles"], 30_000);
    assert_eq!(resumed.json().unwrap()["summary"]["mergeable"], 1_500);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "files were left behind");
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_changes_neither_the_exit_code_nor_what_is_left_behind() {
    let pool = EndlessPool::start(3_000).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new().unwrap().within(folder.path()).with("AWS_ENDPOINT_URL", &pool.endpoint());
    for format in ["table", "json", "jsonl", "csv"] {
        let arguments = [&ENDLESS[..], &["--state", "state", "--format", format]].concat();
        let mut command = cli.command(&arguments);
        let ended = command.stdout(closed().unwrap()).stderr(closed().unwrap()).status().await.unwrap();
        assert_eq!(ended.code(), Some(4), "{format}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{format}: files were left behind");
    }
}

/// Lists a pool of so many profiles; returns the peak of the memory in KiB, and profiles a second.
#[cfg(target_os = "linux")]
async fn measure(profiles: usize) -> (u64, f64) {
    let pool = EndlessPool::start(profiles).await.unwrap();
    let arguments = [&ENDLESS[..], &["--format", "jsonl"]].concat();
    let started = Instant::now();
    let mut command = Cli::new().unwrap().with("AWS_ENDPOINT_URL", &pool.endpoint()).command(&arguments);
    let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id().unwrap());
    let mut peak = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak = peak.max(line.trim().trim_end_matches(" kB").parse().unwrap_or(0));
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(ended.code(), Some(4));
    #[expect(clippy::cast_precision_loss, reason = "a speed")]
    let speed = profiles as f64 / started.elapsed().as_secs_f64();
    println!("{profiles} profiles: {peak} KiB at most, {speed:.0} profiles a second");
    (peak, speed)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_the_pool_takes_no_more_memory_and_no_more_time_a_profile() {
    let (small, few) = measure(10_000).await;
    let (large, many) = measure(100_000).await;
    // At most 8 MiB of the file are kept in memory.
    assert!(large < small + 24 * 1024, "{small} KiB and {large} KiB");
    // Both in one run; what else the machine does varies by less than this.
    assert!(many > few / 3.0, "{few} and {many} profiles a second");
    if let Ok(profiles) = std::env::var("AUDIT_PROFILES") {
        measure(profiles.parse().unwrap()).await;
    }
}

/// What post-confirmation could not do: people who are not in the group, found, put into it, and taken out again.
#[tokio::test]
async fn confirmed_people_outside_the_default_group_are_found_and_put_into_it_with_plan_and_journal() {
    let google = Google::start().await.unwrap();
    let (pool, folder) = (pool(Kind::EmailAsUsername).await.unwrap(), tempfile::tempdir().unwrap());
    let ada = native(&pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let mary = native(&pool, Kind::EmailAsUsername, MARY).await.unwrap();
    let removed = native(&pool, Kind::EmailAsUsername, "removed@example.com").await.unwrap();
    let unproven = google.stands_alone(&pool, "1", "unproven@example.com", false).await.unwrap();
    pool.admin("AdminAddUserToGroup", json!({ "Username": mary.username, "GroupName": GROUP })).await.unwrap();
    let before = pool.profiles().await.unwrap();
    let cli = Cli::new().unwrap().within(folder.path());
    let base = ["audit", "--user-pool-id", pool.id(), "--providers", "Google:claim", "--default-group", GROUP];
    let since = |day| [&base[..], &["--since", day, "--plan", day, "--format", "jsonl"]].concat();
    let tomorrow = cli.run(&since("2999-01-01")).await.unwrap();
    assert_eq!((tomorrow.status, tomorrow.stdout.as_str()), (0, ""), "{tomorrow:?}");
    let ran = cli.run(&since("2020-01-01")).await.unwrap().says(4, "Cognito keeps no history");
    let mut found: Vec<_> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|row| row["findings"].to_string().contains("not_in_group"))
        .map(|row| row["user_name"].as_str().unwrap().to_owned())
        .collect();
    let mut expected = vec![ada.username.clone(), removed.username.clone()];
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{ran:?}");
    assert_eq!(pool.profiles().await.unwrap(), before, "an audit changed something");
    // The operator knows that one of them was taken out on purpose.
    let plan = folder.path().join("2020-01-01");
    let text = std::fs::read_to_string(&plan).unwrap();
    let kept: Vec<_> = text.lines().filter(|line| !line.contains("removed@example.com")).collect();
    std::fs::write(&plan, kept.join("\n")).unwrap();
    let applied = cli.run(&["link", "--apply", "2020-01-01", "--yes", "--output", "json"]).await.unwrap();
    assert_eq!((applied.status, &applied.json().unwrap()["done"]), (0, &json!(1)), "{applied:?}");
    assert!(applied.stderr.contains("rights of a group: 1"), "{applied:?}");
    let groups = async |email: &str| pool.only_profile_of(email).await.unwrap().groups;
    assert_eq!(groups(ADA).await, [GROUP]);
    assert!(groups("removed@example.com").await.is_empty());
    assert!(!groups(unproven.attribute("email")).await.contains(&GROUP.to_owned()));
    let undo = ["link", "--undo", "2020-01-01.journal", "--yes"];
    cli.run(&undo).await.unwrap().ends(0);
    assert_eq!(pool.profiles().await.unwrap(), before);
    let everybody = [&base[..], &["--since", "2020-01-01", "--default-group-for", "everybody", "--format", "jsonl"]];
    let ran = cli.run(&everybody.concat()).await.unwrap();
    assert_eq!(ran.stdout.matches("not_in_group").count(), 3, "{ran:?}");
    let nowhere = audit(&pool, &["--default-group", "Nowhere", "--since", "2020-01-01"]).await;
    nowhere.says(1, "members of the group Nowhere");
}
