//! A long life: one process of a function answers many events, and the server ends its connections again and again.
//!
//! The binary is the real one, run by the stand-in for Lambda's runtime API. Its calls go over HTTP: those of a trigger to the
//! stand-in for Cognito, those of the account API to a local cloud.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use account_api::testing::{claims, event};
use anyhow::{Context, Result, ensure};
use local_cloud::account_api::Surroundings;
use local_cloud::function::{ACCOUNT_API, SETTINGS};
use local_cloud::runtime_api::Function;
use local_cloud::seed::PASSWORD;
use local_cloud::user_pool::Profile;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::cognito::Cognito;
use crate::events::draw::edit_bytes;
use crate::events::samples;
use crate::network::{Fault, Network, Origin, Plan};

/// After how many events the connection ends at the next call. In a short life, it ends ten times.
const DROPPED: u64 = 300;

/// How many people there are. More would let the stand-in grow, and not the function.
const PEOPLE: u64 = 50;

/// How many requests there are for one of the account API's people. A seventh of them begin a change, and an account may begin
/// ten in a day.
const REQUESTS: u64 = 70;

/// How many samples are taken.
const SAMPLES: u64 = 10;

/// After how many events the stand-in forgets everybody, so that people come anew and are linked anew.
const FORGETS: u64 = 1000;

/// After how many events one comes whose bytes were changed, so that it may be no text.
const SPOILT: u64 = 101;

/// How much more memory the end may take than the first sample, in KiB. A process that has just started has not yet used
/// every part of its code, so a short life gets more.
const GROWTH: [(u64, u64); 2] = [(3_000, 256), (0, 4096)];

/// How much more of the processor the last tenth may take than the second to the fourth, whose middle one counts.
const SLOWER: f64 = 1.25;

/// One answer of so many, at least, must not be a refusal. Of pre-sign-up's sample events, four in ten are no refusal.
const GOOD: u64 = 4;

/// How many seconds of work say something about the speed.
const MEASURABLE: f64 = 0.5;

/// The clock of `/proc`, in ticks a second ("proc_pid_stat(5)"; 100 on every platform of Linux that Rust knows).
const TICKS: f64 = 100.0;

/// What a process was like after each tenth of its events.
#[derive(Debug, Clone, Default)]
pub struct Life {
    events: u64,
    /// Whether the function calls anybody.
    calls: bool,
    dropped: u64,
    /// How many answers there were of each kind, but for those to what was spoilt.
    answers: BTreeMap<String, u64>,
    /// Those of them that failed although no connection had ended.
    failed: u64,
    /// Resident memory in KiB.
    memory: Vec<u64>,
    /// Open files.
    files: Vec<usize>,
    /// Seconds of the processor for a tenth of the events.
    seconds: Vec<f64>,
}

impl Life {
    /// Whether connections ended, memory and files stayed as they were, and no answer failed but for a connection that
    /// ended.
    ///
    /// # Errors
    ///
    /// Says what grew, or which answers there were.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.calls || self.dropped > 0, "no connection ended");
        let is_good = |(code, _): &(&String, &u64)| *code == "answered" || code.starts_with('2');
        let good: u64 = self.answers.iter().filter(is_good).map(|(_, times)| times).sum();
        ensure!(
            good * GOOD >= self.events,
            "only {good} of {} answers were no refusal: {:?}",
            self.events,
            self.answers
        );
        let (first, last) = self.memory.first().zip(self.memory.last()).context("nothing was measured")?;
        let growth = GROWTH.into_iter().find(|(events, _)| self.events >= *events).map_or(0, |(_, growth)| growth);
        ensure!(*last <= first + growth, "the memory grew: {:?} KiB", self.memory);
        let files = self.files.first().zip(self.files.last()).context("nothing was measured")?;
        ensure!(files.1 <= &(files.0 + 2), "the open files grew: {:?}", self.files);
        ensure!(self.failed == 0, "{} answers failed: {:?}", self.failed, self.answers);
        Ok(())
    }

    /// Whether the last tenth was no slower than those near the beginning.
    ///
    /// # Errors
    ///
    /// Says how long each took.
    pub fn check_speed(&self) -> Result<()> {
        // The first one has the start in it.
        let mut early: Vec<_> = self.seconds.iter().copied().skip(1).take(3).collect();
        early.sort_by(f64::total_cmp);
        let middle = early.get(early.len() / 2).copied().unwrap_or_default();
        let last = self.seconds.last().copied().unwrap_or_default();
        ensure!(middle < MEASURABLE || last <= middle * SLOWER, "the end was slower: {:?} s", self.seconds);
        Ok(())
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} events, {} connections ended; after each tenth: memory {:?} KiB, open files {:?}, the processor's seconds {:.1?}; answers {:?}",
            self.events, self.dropped, self.memory, self.files, self.seconds, self.answers
        )
    }
}

/// Whether a code says that something is broken. Others are decisions.
fn is_failure(code: &str) -> bool {
    ["try_again", "misconfigured", "not_a_cognito_event"].contains(&code) || code.starts_with(['5', 'R'])
}

/// Lets one process of a trigger answer so many events.
///
/// # Errors
///
/// Fails if the process does not start, or ends.
pub async fn live(name: &str, binary: &Path, events: u64) -> Result<Life> {
    // Without quotas: nothing is throttled.
    let cognito = Arc::new(Cognito::default());
    let network = Network::start(Origin::StandIn(cognito.clone())).await?;
    let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings: Vec<_> = settings.into_iter().chain([("AWS_ENDPOINT_URL".to_owned(), network.url.clone())]).collect();
    let function = Function::start(name, binary, &settings).await?;
    let samples = samples(name)?;
    let drawn = (0..events).zip(samples.iter().cycle()).map(|(number, sample)| {
        if number % FORGETS == 0 {
            cognito.clear();
            // Whom the post functions are called for has an account by then.
            for sample in samples.iter().filter(|_| name.starts_with("post-")) {
                let sub = &sample["request"]["userAttributes"]["sub"];
                cognito.add_named(sample["userName"].as_str().unwrap_or_default(), sub.as_str().unwrap_or_default());
            }
        }
        about(sample, number)
    });
    watch(&function, &network, events, drawn).await
}

/// Lets one process of the account API answer so many requests, with the local cloud at `endpoint`.
///
/// # Errors
///
/// Fails if the process does not start, or ends.
pub async fn live_api(binary: &Path, requests: u64, endpoint: &str) -> Result<Life> {
    let around = Surroundings::make(endpoint).await?;
    let mut people = Vec::new();
    for number in 0..requests.div_ceil(REQUESTS) {
        let email = format!("person{number}@example.com");
        people.push(around.pool.add_native(&email, &email, PASSWORD).await?);
    }
    let network = Network::start(Origin::Cloud { endpoint: endpoint.to_owned(), mails: None }).await?;
    let function = Function::start(ACCOUNT_API, binary, &around.settings(&network.url)).await?;
    let turns = people.len() as u64;
    let drawn = (0..requests).zip(people.iter().cycle()).map(|(number, person)| request(person, number / turns));
    watch(&function, &network, requests, drawn).await
}

/// Sends so many events, and looks at the process after each tenth of them.
async fn watch(function: &Function, network: &Network, all: u64, events: impl Iterator<Item = Value>) -> Result<Life> {
    let process = function.process_id()?;
    let mut life = Life { events: all, ..Life::default() };
    let mut random = StdRng::seed_from_u64(all);
    let (mut since, mut planned) = (processor(process)?, false);
    for (number, event) in (1..).zip(events) {
        if number % DROPPED.min(all / SAMPLES).max(1) == 0 {
            network.set_plan(Plan { faults: vec![(0, Fault::AnswerLost)], lasts: false });
            planned = true;
        }
        let mut bytes = event.to_string().into_bytes();
        let is_spoilt = number % SPOILT == 0;
        if is_spoilt {
            edit_bytes(&mut random, &mut bytes);
        }
        let answered = function.invoke_bytes(bytes).await?;
        life.calls |= network.calls() > 0;
        // A function that calls nobody loses no connection.
        let has_ended = planned && network.struck() > 0;
        if has_ended {
            life.dropped += 1;
            planned = false;
        }
        // To what was spoilt, the answer may be anything.
        if !is_spoilt {
            let code = match answered {
                Ok(answer) => answer.get("statusCode").map_or_else(|| "answered".to_owned(), Value::to_string),
                Err(error) => error.error_type,
            };
            life.failed += u64::from(is_failure(&code) && !has_ended);
            *life.answers.entry(code).or_default() += 1;
        }
        if number % (all / SAMPLES).max(1) == 0 {
            function.forget_log();
            life.memory.push(memory(process)?);
            life.files.push(std::fs::read_dir(format!("/proc/{process}/fd"))?.count());
            let now = processor(process)?;
            life.seconds.push(now - since);
            since = now;
        }
    }
    Ok(life)
}

/// What a person asks of the account API at their turn: a page, a look, and a change of the address that they take back.
fn request(person: &Profile, turn: u64) -> Value {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = claims(person.attribute("sub"), &person.username, seconds);
    let (method, path, body) = match turn % 7 {
        0 => ("GET", "/account", None),
        1 => ("GET", "/identities", None),
        2 => ("POST", "/email-change", Some(json!({ "new_email": format!("new-{}", person.attribute("email")) }))),
        3 => ("GET", "/email-change", None),
        4 => ("POST", "/email-change/verify", Some(json!({ "code": "000000" }))),
        5 => ("DELETE", "/email-change", None),
        _ => ("POST", "/email-change", Some(json!({ "new_email": "nobody" }))),
    };
    let body = body.map(|body| body.to_string());
    event(Some(&claims), method, path, body.as_deref(), "application/json")
}

/// The event, about one of the people. An identity is theirs alone, so that it is linked once.
fn about(sample: &Value, number: u64) -> Value {
    let mut event = sample.clone();
    let person = number / 7 % PEOPLE;
    if let Some(name) = event["userName"].as_str().filter(|_| event["triggerSource"] == "PreSignUp_ExternalProvider") {
        event["userName"] = json!(format!("{name}{person}"));
    }
    if event["request"]["userAttributes"]["email"].is_string() {
        event["request"]["userAttributes"]["email"] = json!(format!("person{person}@example.com"));
    }
    event
}

/// The seconds of the processor so far.
fn processor(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the command, in parentheses, may have spaces. Of what follows, the 12th and 13th are the user's and the
    // system's time.
    let (_, numbers) = status.rsplit_once(") ").context("this is no stat")?;
    let ticks: u32 = numbers.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    Ok(f64::from(ticks) / TICKS)
}

/// Resident memory in KiB.
fn memory(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    line.split_whitespace().next().and_then(|number| number.parse().ok()).context("VmRSS is no number")
}
