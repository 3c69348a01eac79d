//! Every function with exactly the rights that `deploy/manifest.json` gives it for its settings. `tests/files/install.rs` holds
//! the templates against that file.
//!
//! Each flow passes with these rights. Then it runs once for each right that it used, without it: AWS denies that call, and
//! the function has to say which. A right that no flow needs fails the test, and so does a call without a right.

mod account_api;
mod command_line;
mod operator;
mod triggers;

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::manifest::{self, Right, Settings};
use futures_util::stream::{self, StreamExt};
use local_cloud::layout;
use serde_json::Value;

/// What a flow left behind.
#[derive(Debug)]
struct Run {
    /// The rights that its calls needed and had.
    used: BTreeSet<Right>,
    /// Those that they needed and lacked.
    denied: BTreeSet<Right>,
    /// The code of the failure, if it failed.
    failure: Option<String>,
    /// What the function logged.
    log: String,
}

impl Run {
    /// The codes of the lines of the log that name the operation and AWS's refusal.
    fn codes_for(&self, right: &Right) -> BTreeSet<String> {
        let lines = self.log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let names = |line: &Value| {
            let all = line.to_string();
            // The two services that are called without an SDK have one operation each, and a code of their own for it.
            let named = all.contains(right.operation())
                || matches!(
                    (right.operation(), line["error_code"].as_str()),
                    ("SendMessage", Some("retry_queue_failed"))
                        | ("InvokeFunction", Some("next_function_failed" | "misconfigured"))
                        | ("GetSecretValue", Some("secret_unreadable"))
                );
            named && all.contains("AccessDenied")
        };
        lines.filter(names).filter_map(|line| Some(line["error_code"].as_str()?.to_owned())).collect()
    }
}

/// A flow of a function: its name, and the settings that it runs with.
struct Flow<F> {
    name: String,
    settings: Settings,
    run: F,
}

/// How a missing right showed: the code in the log, and whether the flow failed.
type Shown = BTreeMap<Right, BTreeSet<(String, bool)>>;

/// How many runs there are at a time.
const AT_A_TIME: usize = 6;

/// How many runs of the command line there are at a time.
const COMMANDS_AT_A_TIME: usize = 2;

/// The page of a command in the manual.
fn page_of(command: &str) -> String {
    std::fs::read_to_string(layout::root().join(format!("docs/cli/{command}.md"))).unwrap()
}

/// Runs once without each of the used rights, so many at a time, and with the others of `all`.
async fn without_each<'a, R>(
    used: &'a BTreeSet<Right>,
    all: &BTreeSet<Right>,
    at_a_time: usize,
    run: impl AsyncFn(BTreeSet<Right>) -> R,
) -> Vec<(&'a Right, R)> {
    let run = &run;
    let runs = stream::iter(used).map(|right| {
        let rest = all.iter().filter(|other| *other != right).cloned().collect();
        async move { (right, run(rest).await) }
    });
    runs.buffered(at_a_time).collect().await
}

/// Runs every flow with the rights of its settings, and without each of them. Returns how each missing right showed.
///
/// `not_ours` are rights that AWS itself uses in the function's name.
async fn hold<F>(facts: &Value, flows: Vec<Flow<F>>, not_ours: &[Right]) -> Shown
where
    F: AsyncFn(BTreeSet<Right>) -> Run,
{
    let (mut shown, mut wrong) = (Shown::new(), Vec::new());
    let mut needed: BTreeSet<(Right, usize)> = BTreeSet::new();
    for flow in &flows {
        let granted = manifest::granted(facts, &flow.settings);
        let whole = (flow.run)(granted.clone()).await;
        if !whole.denied.is_empty() || whole.failure.is_some() {
            wrong
                .push(format!("{}: lacks {:?}, ends with {:?}\n{}", flow.name, whole.denied, whole.failure, whole.log));
            continue;
        }
        needed.extend(whole.used.iter().filter_map(|right| only_reasons(facts, right, &flow.settings)));
        for (right, run) in without_each(&whole.used, &granted, AT_A_TIME, &flow.run).await {
            let codes = run.codes_for(right);
            if run.denied != BTreeSet::from([right.clone()]) || codes.is_empty() {
                wrong.push(format!(
                    "{} without {right}: denied {:?}, ends with {:?}, and the log does not say why:\n{}",
                    flow.name, run.denied, run.failure, run.log
                ));
            }
            let failed = run.failure.is_some();
            shown.entry(right.clone()).or_default().extend(codes.into_iter().map(|code| (code, failed)));
        }
    }
    for (right, cases) in manifest::rights(facts) {
        let reasons = cases.map_or(1, Vec::len);
        for reason in (0..reasons).filter(|reason| !needed.contains(&(right.clone(), *reason))) {
            if !not_ours.contains(&right) {
                wrong.push(format!(
                    "no flow needs {right} for reason {reason}: {:?}",
                    cases.map(|cases| &cases[reason])
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    shown
}

/// The reason for which the manifest gives a right with these settings, if there is only one: only then the flow shows
/// that the reason is needed.
fn only_reasons(facts: &Value, right: &Right, settings: &Settings) -> Option<(Right, usize)> {
    let (_, cases) = manifest::rights(facts).find(|(one, _)| one == right)?;
    let Some(cases) = cases else { return Some((right.clone(), 0)) };
    let holding: Vec<_> = (0..cases.len()).filter(|case| manifest::holds(&cases[*case], settings)).collect();
    let [only] = holding.as_slice() else { return None };
    Some((right.clone(), *only))
}

/// The rights whose absence does not end in `misconfigured`, as `action: code, …`, with a `+` where the flow passed all
/// the same.
fn otherwise(shown: &Shown) -> Vec<String> {
    let told = |codes: &BTreeSet<(String, bool)>| {
        let told = codes.iter().map(|(code, failed)| format!("{}{code}", if *failed { "" } else { "+" }));
        told.collect::<Vec<_>>().join(", ")
    };
    let is_plain =
        |codes: &BTreeSet<(String, bool)>| codes.iter().all(|(code, failed)| code == "misconfigured" && *failed);
    shown
        .iter()
        .filter(|(_, codes)| !is_plain(codes))
        .map(|(right, codes)| format!("{}: {}", right.action, told(codes)))
        .collect()
}
