//! Hostile events: what no app and no provider sends, at every function and at every route of the account API.
//!
//! Each case is drawn from a number, so a case that fails can be drawn again. The triggers are the real ones over the real
//! adapter and SDK, the account API is the real one over memory. What must hold for each: no panic; an answer that is the
//! event with at most `response` changed, or one of the documented errors; and nothing personal in a line of the log.

mod api;
pub(crate) mod draw;
mod triggers;
pub mod worst;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use cognito_core::testing::CapturedLog;
use futures_util::FutureExt;
use local_cloud::function::{ACCOUNT_API, TRIGGERS};
use local_cloud::layout;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value};

use api::Api;
use triggers::Triggers;

use crate::runtime_in_virtual_time;

/// In every text that a case makes up, so that it is found in a log.
const MARK: &str = "Zq9xPersonal";

/// How many cases there are until everything around the functions is made anew.
const AT_ONCE: u64 = 400;

/// What is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One of the triggers, by the name of its function.
    Trigger(&'static str),
    /// The account API, with its pages.
    Api,
}

impl Target {
    /// Everything.
    pub const ALL: [Self; 6] = {
        let [a, b, c, d, e] = TRIGGERS;
        [Self::Trigger(a), Self::Trigger(b), Self::Trigger(c), Self::Trigger(d), Self::Trigger(e), Self::Api]
    };

    /// The one with this name, or the account API.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|target| target.name() == name).unwrap_or(Self::Api)
    }

    /// The name of its function.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Trigger(name) => name,
            Self::Api => ACCOUNT_API,
        }
    }
}

/// What is said of an event whose answer has another `response`.
const DECIDED: &str = "answered with a decision";

/// How the cases ended.
#[derive(Debug, Default)]
pub struct Answers {
    /// How many, by what the target said.
    pub said: BTreeMap<String, u64>,
    /// How often Cognito carried out each operation for a trigger.
    pub carried_out: BTreeMap<String, u64>,
    /// The longest time that an event took, and its number. The checks do not count.
    pub slowest: (Duration, u64),
}

/// Sends so many hostile events to a target, with a clock that jumps.
///
/// # Errors
///
/// Fails at the first case that does not end as it must. The message names its number and what was sent.
pub fn send(target: Target, cases: std::ops::Range<u64>, seed: u64) -> Result<Answers> {
    let mut sender = Sender::new(target)?;
    let mut answers = Answers::default();
    for case in cases {
        if case % AT_ONCE == 0 {
            answers.count_calls(&sender.world);
            sender.world = World::new(target)?;
        }
        let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(case));
        let sent = sender.world.draw(&mut rng);
        let done = match sender.send(&sent) {
            Ok(done) => done,
            Err(why) => {
                bail!("{target:?}, case {case} (seed {seed}): {why:#}\n{}", shortened(&String::from_utf8_lossy(&sent)))
            }
        };
        *answers.said.entry(done.said).or_default() += 1;
        answers.slowest = answers.slowest.max((done.took, case));
    }
    answers.count_calls(&sender.world);
    Ok(answers)
}

thread_local! {
    /// One for the life of a fuzzer's process.
    static SENDER: RefCell<Option<(Target, Sender)>> = const { RefCell::new(None) };
}

/// Sends what a fuzzer made up.
///
/// # Errors
///
/// Says what does not end as it must.
pub fn send_bytes(target: Target, sent: &[u8]) -> Result<()> {
    SENDER.with_borrow_mut(|kept| {
        let (_, sender) = match kept {
            Some(kept) if kept.0 == target => kept,
            other => other.insert((target, Sender::new(target)?)),
        };
        if let (World::Triggers(triggers), Ok(event)) = (&sender.world, serde_json::from_slice(sent)) {
            // The same event always meets the same account.
            triggers.prepare(&mut StdRng::seed_from_u64(sent.len() as u64), &event);
        }
        sender.send(sent).map(drop)
    })
}

/// Sends events and checks what comes of them.
struct Sender {
    world: World,
    runtime: tokio::runtime::Runtime,
    log: CapturedLog,
    logs: tracing::Dispatch,
    personal: BTreeSet<String>,
}

impl Sender {
    fn new(target: Target) -> Result<Self> {
        let runtime = runtime_in_virtual_time()?;
        let log = CapturedLog::default();
        let logs = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::INFO)
            .with_writer(log.clone())
            .finish()
            .into();
        Ok(Self { world: World::new(target)?, runtime, log, logs, personal: personal()? })
    }

    fn send(&self, sent: &[u8]) -> Result<Done> {
        let answered = tracing::dispatcher::with_default(&self.logs, || {
            self.runtime.block_on(AssertUnwindSafe(self.world.answer(sent)).catch_unwind())
        });
        let done = answered.unwrap_or_else(|_| bail!("it panicked"))?;
        check(&self.log, &self.personal)?;
        Ok(done)
    }
}

impl Answers {
    fn count_calls(&mut self, world: &World) {
        if let World::Triggers(triggers) = world {
            for (operation, times) in triggers.carried_out() {
                *self.carried_out.entry(operation).or_default() += times;
            }
        }
    }
}

/// An answer.
struct Done {
    /// Its code.
    said: String,
    /// Its text. Empty if there is none.
    answer: String,
    /// How long it took, on a clock that does not jump, without the checks.
    took: Duration,
}

impl Done {
    /// What does not reach the function.
    fn unread(why: &str) -> Self {
        Self { said: why.to_owned(), answer: String::new(), took: Duration::ZERO }
    }
}

enum World {
    Triggers(Box<Triggers>),
    Api(Box<Api>),
}

impl World {
    fn new(target: Target) -> Result<Self> {
        Ok(match target {
            Target::Trigger(function) => Self::Triggers(Box::new(Triggers::new(function)?)),
            Target::Api => Self::Api(Box::new(Api::new()?)),
        })
    }

    fn draw(&self, rng: &mut StdRng) -> Vec<u8> {
        let mut bytes = match self {
            Self::Triggers(triggers) => triggers.draw(rng),
            Self::Api(api) => api.draw(rng),
        };
        if rng.random_range(0..10) == 0 {
            draw::edit_bytes(rng, &mut bytes);
        }
        bytes
    }

    /// The answer, or why it is not one that may be given.
    async fn answer(&self, sent: &[u8]) -> Result<Done> {
        match self {
            Self::Triggers(triggers) => triggers.answer(sent).await,
            Self::Api(api) => api.answer(sent).await,
        }
    }
}

fn shortened(text: &str) -> String {
    let end = text.floor_char_boundary(4000);
    if end == text.len() { text.to_owned() } else { format!("{} … ({} bytes)", &text[..end], text.len()) }
}

/// What must not be in a log, in lower case: the mark, and what the sample events say of people.
fn personal() -> Result<BTreeSet<String>> {
    let mut personal = BTreeSet::from([MARK.to_lowercase()]);
    for function in TRIGGERS {
        for event in samples(function)? {
            let request = &event["request"];
            let documents = request["attributes"].as_object().into_iter().flat_map(Map::values);
            for attributes in documents.chain([&request["userAttributes"]]).filter_map(Value::as_object) {
                let of_people = attributes.iter().filter(|(name, _)| PERSONAL.contains(&name.as_str()));
                personal.extend(of_people.filter_map(|(_, value)| Some(value.as_str()?.to_lowercase())));
            }
        }
    }
    // A shorter one may be part of any word.
    personal.retain(|text| text.len() > 4);
    Ok(personal)
}

/// The attributes that say who somebody is.
const PERSONAL: [&str; 7] =
    ["email", "phone_number", "name", "given_name", "family_name", "nickname", "preferred_username"];

/// The sample events of a function, in the order of their names.
pub(crate) fn samples(function: &str) -> Result<Vec<Value>> {
    let folder = layout::events().join(function);
    let mut files: Vec<_> = std::fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(std::fs::DirEntry::path);
    let read = |file: std::fs::DirEntry| Ok(serde_json::from_str(&std::fs::read_to_string(file.path())?)?);
    let samples = files.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    ensure!(!samples.is_empty(), "{} is empty", folder.display());
    Ok(samples)
}

/// Checks what is logged by now. Each line may hold the `sub` of a profile, which Cognito makes, and nothing else of a case.
fn check(log: &CapturedLog, personal: &BTreeSet<String>) -> Result<()> {
    for line in String::from_utf8(log.take())?.lines() {
        let mut told: Value = serde_json::from_str(line)?;
        if let Some(members) = told.as_object_mut() {
            members.retain(|name, _| !["sub", "old_sub"].contains(&name.as_str()));
        }
        let told = told.to_string().to_lowercase();
        ensure!(!personal.iter().any(|text| told.contains(text)), "something personal is in the log: {line}");
    }
    Ok(())
}
