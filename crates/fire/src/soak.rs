//! A long life: one process of a function answers many events, and the server ends its connections again and again.
//!
//! The binary is the real one, run by the stand-in for Lambda's runtime API. Its calls go over HTTP: those of a trigger to the
//! stand-in for Cognito, those of the account API to a local cloud.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use account_api::testing::{claims, event};
use anyhow::{Context, Result, ensure};
use local_cloud::account_api::Surroundings;
use local_cloud::function::{ACCOUNT_API, SETTINGS};
use local_cloud::layout;
use local_cloud::runtime_api::Function;
use local_cloud::seed::PASSWORD;
use local_cloud::user_pool::Profile;
use serde_json::{Value, json};

use crate::cognito::Cognito;
use crate::network::{Fault, Network, Origin, Plan};

/// After how many events the connection ends at the next call.
const DROPPED: u64 = 100;

/// How many people there are. More would let the stand-in grow, and not the function.
const PEOPLE: u64 = 50;

/// How many samples are taken.
const SAMPLES: u64 = 10;

/// How much more memory the end may take than the first sample, in KiB. A process that has just started has not yet used
/// every part of its code.
const GROWTH: u64 = 4096;

/// How much slower the last tenth may be than the fastest one.
const SLOWER: f64 = 3.0;

/// What a process was like after each tenth of its events.
#[derive(Debug, Clone, Default)]
pub struct Life {
    events: u64,
    dropped: u64,
    /// Resident memory in KiB.
    memory: Vec<u64>,
    /// Open files.
    files: Vec<usize>,
    /// Seconds for a tenth of the events.
    seconds: Vec<f64>,
}

impl Life {
    /// Whether memory and files stayed as they were.
    ///
    /// # Errors
    ///
    /// Says what grew.
    pub fn check(&self) -> Result<()> {
        let (first, last) = self.memory.first().zip(self.memory.last()).context("nothing was measured")?;
        ensure!(*last <= first + GROWTH, "the memory grew: {:?} KiB", self.memory);
        let files = self.files.first().zip(self.files.last()).context("nothing was measured")?;
        ensure!(files.1 <= &(files.0 + 2), "the open files grew: {:?}", self.files);
        Ok(())
    }

    /// Whether the last tenth was no slower than the others.
    ///
    /// # Errors
    ///
    /// Says how long each took.
    pub fn check_speed(&self) -> Result<()> {
        let fastest = self.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let last = self.seconds.last().copied().unwrap_or_default();
        ensure!(last <= fastest * SLOWER, "the end was slower: {:?} s", self.seconds);
        Ok(())
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = |numbers: &[u64]| format!("{} to {}", numbers.first().unwrap_or(&0), numbers.last().unwrap_or(&0));
        let files: Vec<_> = self.files.iter().map(|files| *files as u64).collect();
        let (first, last) = (self.seconds.first().unwrap_or(&0.0), self.seconds.last().unwrap_or(&0.0));
        write!(
            f,
            "{} events, {} connections ended; memory {} KiB, open files {}, a tenth of the events in {first:.1} s to {last:.1} s",
            self.events,
            self.dropped,
            ends(&self.memory),
            ends(&files)
        )
    }
}

/// Lets one process of a trigger answer so many events.
///
/// # Errors
///
/// Fails if the process does not start, or ends.
pub async fn live(name: &str, binary: &Path, events: u64) -> Result<Life> {
    let network = Network::start(Origin::StandIn(Arc::new(Cognito::without_quotas()))).await?;
    let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings: Vec<_> = settings.into_iter().chain([("AWS_ENDPOINT_URL".to_owned(), network.url.clone())]).collect();
    let function = Function::start(name, binary, &settings).await?;
    let samples = samples(name)?;
    let drawn = (0..events).zip(samples.iter().cycle()).map(|(number, sample)| about(sample, number));
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
    for number in 0..PEOPLE {
        let email = format!("person{number}@example.com");
        people.push(around.pool.add_native(&email, &email, PASSWORD).await?);
    }
    let network = Network::start(Origin::Cloud { endpoint: endpoint.to_owned(), mails: None }).await?;
    let function = Function::start(ACCOUNT_API, binary, &around.settings(&network.url)).await?;
    let drawn = (0..requests).zip(people.iter().cycle()).map(|(number, person)| request(person, number));
    watch(&function, &network, requests, drawn).await
}

/// Sends so many events, and looks at the process after each tenth of them.
async fn watch(function: &Function, network: &Network, all: u64, events: impl Iterator<Item = Value>) -> Result<Life> {
    let process = function.process_id()?;
    let mut life = Life { events: all, ..Life::default() };
    let (mut since, mut planned) = (Instant::now(), false);
    for (number, event) in (1..).zip(events) {
        if number % DROPPED == 0 {
            network.set_plan(Plan { faults: vec![(0, Fault::AnswerLost)], lasts: false });
            planned = true;
        }
        // Whatever the answer is: a decision, a refusal, or a failure because a connection ended.
        drop(function.invoke(&event).await?);
        // A function that calls nobody loses no connection.
        if planned && network.calls() > 0 {
            life.dropped += 1;
            planned = false;
        }
        if number % (all / SAMPLES).max(1) == 0 {
            function.forget_log();
            life.memory.push(memory(process)?);
            life.files.push(std::fs::read_dir(format!("/proc/{process}/fd"))?.count());
            life.seconds.push(since.elapsed().as_secs_f64());
            since = Instant::now();
        }
    }
    Ok(life)
}

/// What a person asks of the account API: in turn a page, a look, and a change of the address that they take back.
fn request(person: &Profile, number: u64) -> Value {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = claims(person.attribute("sub"), &person.username, seconds);
    let (method, path, body) = match number / PEOPLE % 7 {
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

/// The sample events of a function.
fn samples(function: &str) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(layout::events().join(function))? {
        found.push(serde_json::from_str(&std::fs::read_to_string(file?.path())?)?);
    }
    ensure!(!found.is_empty(), "{function} has no sample events");
    Ok(found)
}

/// The event, about one of the people.
fn about(sample: &Value, number: u64) -> Value {
    let mut event = sample.clone();
    let person = number / 7 % PEOPLE;
    if event["request"]["userAttributes"]["email"].is_string() {
        event["request"]["userAttributes"]["email"] = json!(format!("person{person}@example.com"));
    }
    event
}

/// Resident memory in KiB.
fn memory(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    line.split_whitespace().next().and_then(|number| number.parse().ok()).context("VmRSS is no number")
}
