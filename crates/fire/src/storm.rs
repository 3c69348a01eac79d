//! A storm on the account API: many people at once, each with a few of its flows and often with two clients, over a table
//! that throttles. Then the storm is over, and the state is looked at from outside.
//!
//! The API is the real one, with its store, the SDK and its retries. API Gateway and Lambda are a small server here. The
//! user pool and the mailboxes are in memory, the table is the DynamoDB of an emulator.

mod api;
mod person;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::Account;
use futures_util::stream::{self, StreamExt};

use self::api::Api;
use self::person::Person;
use self::table::Table;

/// How the storm is.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    /// How many people there are.
    pub clients: u32,
    /// How many of a hundred calls to the table it throttles.
    pub throttled: u32,
    /// What the random numbers begin with.
    pub seed: u64,
}

/// Seconds until nothing of the storm counts any more: leases, codes, and the limits of a day.
const AFTERWARDS: u64 = 2 * 24 * 60 * 60;

/// How many people look at their account at once, afterwards.
const AT_ONCE: usize = 16;

/// What the people saw.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Sights>>);

#[derive(Debug, Default)]
struct Sights {
    answers: BTreeMap<String, u64>,
    ended: BTreeMap<&'static str, u64>,
    wrong: Vec<String>,
}

impl Seen {
    fn with<T>(&self, see: impl FnOnce(&mut Sights) -> T) -> T {
        see(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A promise that was broken.
    fn wrong(&self, what: String) {
        self.with(|sights| sights.wrong.push(what));
    }

    /// A flow that came to its end.
    fn ended(&self, flow: &'static str) {
        self.with(|sights| *sights.ended.entry(flow).or_default() += 1);
    }

    fn answer(&self, route: &str, status: u16, code: &str) {
        self.with(|sights| *sights.answers.entry(format!("{route}: {status} {code}")).or_default() += 1);
    }
}

/// What the storm left behind.
#[derive(Debug)]
pub struct Outcome {
    storm: Storm,
    took: Duration,
    /// Calls that reached the proxy of the table, and how many of them it threw back.
    calls: u64,
    thrown_back: u64,
    /// How often each answer came.
    answers: BTreeMap<String, u64>,
    /// How many times each flow came to its end.
    pub ended: BTreeMap<&'static str, u64>,
    wrong: Vec<String>,
}

impl Outcome {
    /// Whether every promise was kept.
    ///
    /// # Errors
    ///
    /// Lists those that were not.
    pub fn check(&self) -> Result<()> {
        ensure!(self.wrong.is_empty(), "{} promises were broken:\n{}", self.wrong.len(), self.wrong.join("\n"));
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Storm { clients, throttled, seed } = self.storm;
        let (seconds, all) = (self.took.as_secs(), self.answers.values().sum::<u64>());
        writeln!(f, "{clients} people, {throttled} % throttled, seed {seed}: {all} answers in {seconds} s.")?;
        writeln!(f, "The table had {} calls and threw {} back.", self.calls, self.thrown_back)?;
        for (flow, times) in &self.ended {
            writeln!(f, "    {times:>7} {flow}")?;
        }
        for (answer, times) in &self.answers {
            writeln!(f, "    {times:>7} {answer}")?;
        }
        Ok(())
    }
}

/// Plays the storm over the table of this name at a DynamoDB, and looks at what is left.
///
/// # Errors
///
/// Fails if something cannot be set up. What the API did wrong is in the outcome.
pub async fn play(storm: Storm, dynamodb: &str, table: &str) -> Result<Outcome> {
    let from = Instant::now();
    let table_proxy = Table::start(dynamodb, storm.seed).await?;
    let people: Vec<_> = (0..storm.clients).map(person::accounts).collect();
    let api = Arc::new(Api::start(&table_proxy.url, table, people.iter().flatten().cloned()).await?);
    let seen = Seen::default();

    table_proxy.throttle(storm.throttled);
    let storming = (0..storm.clients).map(|number| {
        let person = Person::new(number, storm.seed, api.clone(), seen.clone());
        tokio::spawn(person.storm())
    });
    let mut people = Vec::new();
    for person in storming.collect::<Vec<_>>() {
        people.push(person.await.context("a client panicked")?);
    }
    table_proxy.throttle(0);

    api.forward(AFTERWARDS);
    let looks = stream::iter(people).map(Person::afterwards);
    looks.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    look(&api.pool.accounts(), storm.clients, &seen);
    let (calls, thrown_back) = table_proxy.counts();
    Ok(seen.with(|sights| Outcome {
        storm,
        took: from.elapsed(),
        calls,
        thrown_back,
        answers: std::mem::take(&mut sights.answers),
        ended: std::mem::take(&mut sights.ended),
        wrong: std::mem::take(&mut sights.wrong),
    }))
}

/// Looks at the pool as somebody who knows nothing of the API.
fn look(accounts: &[Account], people: u32, seen: &Seen) {
    let mut addresses = BTreeSet::new();
    for account in accounts.iter().filter(|account| !account.is_stand_alone()) {
        let email = account.email.clone().unwrap_or_default();
        if !account.email_verified || account.status != Status::Confirmed || !account.enabled {
            seen.wrong(format!("{email} is not whole: {account:?}"));
        }
        if !person::may_have(account, &email) {
            seen.wrong(format!("{} has the address of somebody else: {email}", account.sub));
        }
        if !addresses.insert(email.clone()) {
            seen.wrong(format!("two accounts have {email}"));
        }
    }
    for number in 0..people {
        let [own, alone] = person::accounts(number);
        if !accounts.iter().any(|account| account.sub == own.sub) {
            seen.wrong(format!("{} has lost their account", own.sub));
        }
        let identity = &alone.identities[0];
        let owners = accounts.iter().filter(|account| account.has_identity(&identity.provider, &identity.value));
        let owners: Vec<_> = owners.map(|account| account.sub.as_str()).collect();
        // Whoever disconnected it has it nowhere: the next sign-in makes an account for it.
        if owners.len() > 1 || owners.iter().any(|sub| *sub != own.sub && *sub != alone.sub) {
            seen.wrong(format!("the identity of {} is with {owners:?}", own.sub));
        }
    }
}
