//! A storm on the account API: many people at once, each with a few of its flows and often with two clients, over a table
//! that throttles. Then the storm is over, and the state is looked at from outside.
//!
//! The same people live in two worlds. In [`play`]'s, the API is the real one, with its store, the SDK and its retries, API
//! Gateway and Lambda are a small server, and the user pool and the mailboxes are in memory. In [`play_deployed`]'s, the
//! API is the function that the template deploys. In both, the table is the DynamoDB of an emulator.

mod client;
mod deployed;
mod hand_on;
mod memory;
mod person;
mod post;
mod table;
pub mod wired;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::stack::Stack;
use local_cloud::user_pool::Profile;

use self::client::Way;
use self::deployed::Deployed;
use self::memory::Memory;
pub use self::person::Flow;
use self::person::Person;
use self::post::Post;
use self::table::Table;
use self::world::World;

/// How the storm is.
#[derive(Debug, Clone, Copy, Args)]
#[group(skip)]
pub struct Storm {
    /// How many people there are.
    #[arg(long, default_value_t = 1000)]
    pub clients: u32,
    /// How many of a hundred calls to the table it throttles.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=90))]
    pub throttled: u32,
    /// What the random numbers begin with.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// How many people are in the midst of something at once. When one of them is done, the next one comes.
const AT_ONCE: usize = 100;

/// How many people go through every flow among them.
const ENOUGH: u32 = 30;

/// What must have happened then.
const FLOWS: [&str; 5] =
    ["addresses changed", "changes cancelled", "changes guessed at", "invitations answered", "providers connected"];

/// After how many people who are done the terminal is told.
const TOLD: usize = 50;

/// The account API's settings for a storm, as parameters of its template.
#[must_use]
pub fn parameters() -> Vec<(&'static str, &'static str)> {
    world::SETTINGS.map(|(parameter, _, value)| (parameter, value)).to_vec()
}

/// What the people saw.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Sights>>);

#[derive(Debug, Default)]
struct Sights {
    /// How often each answer came.
    answers: BTreeMap<String, u64>,
    slowest: Duration,
    /// How many times each flow came to its end.
    ended: BTreeMap<&'static str, u64>,
    /// The promises that were broken.
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

    /// Takes all that was seen.
    fn take(&self) -> Sights {
        self.with(std::mem::take)
    }

    /// A flow that came to its end.
    fn ended(&self, flow: &'static str) {
        self.with(|sights| *sights.ended.entry(flow).or_default() += 1);
    }

    fn answer(&self, route: &str, status: u16, code: &str, took: Duration) {
        self.with(|sights| {
            *sights.answers.entry(format!("{route}: {status} {code}")).or_default() += 1;
            sights.slowest = sights.slowest.max(took);
        });
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
    seen: Sights,
}

impl Outcome {
    /// Whether every promise was kept.
    ///
    /// # Errors
    ///
    /// Lists those that were not. Fails, too, if a flow never came to its end although there were enough people for each.
    pub fn check(&self) -> Result<()> {
        let Sights { ended, wrong, .. } = &self.seen;
        ensure!(wrong.is_empty(), "{} promises were broken:\n{}", wrong.len(), wrong.join("\n"));
        for flow in FLOWS.iter().filter(|_| self.storm.clients >= ENOUGH) {
            ensure!(ended.contains_key(flow), "no {flow}");
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Storm { clients, throttled, seed } = self.storm;
        let Sights { answers, slowest, ended, .. } = &self.seen;
        let (seconds, all) = (self.took.as_secs(), answers.values().sum::<u64>());
        writeln!(f, "{clients} people, {throttled} % throttled, seed {seed}: {all} answers in {seconds} s.")?;
        writeln!(f, "The slowest answer took {:.1} s.", slowest.as_secs_f64())?;
        writeln!(f, "The table had {} calls and threw {} back.", self.calls, self.thrown_back)?;
        for (flow, times) in ended {
            writeln!(f, "    {times:>7} {flow}")?;
        }
        for (answer, times) in answers {
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
    let proxy = Table::start(dynamodb, storm.seed).await?;
    let world = Memory::start(proxy.url(), table).await?;
    play_in(storm, world, &proxy).await
}

/// Plays the storm on a deployed stack, which was deployed with these [`parameters`] and to which this provider signs
/// people in, and looks at what is left. Nobody else may use the stack.
///
/// # Errors
///
/// Fails if something cannot be set up. What the API did wrong is in the outcome.
pub async fn play_deployed(storm: Storm, stack: &Stack, google: &IdentityProvider) -> Result<Outcome> {
    let proxy = Table::start(stack.endpoint(), storm.seed).await?;
    let post = Post::start(stack.endpoint()).await?;
    let post_url = post.url().to_owned();
    let variables = [("AWS_ENDPOINT_URL_DYNAMODB", proxy.url()), ("AWS_ENDPOINT_URL_SESV2", &post_url)];
    let world = Deployed::start(stack, google, &variables, post).await?;
    play_in(storm, world, &proxy).await
}

async fn play_in(storm: Storm, world: impl World, table: &Table) -> Result<Outcome> {
    let (world, seen) = (Arc::new(world), Seen::default());
    let way = Way::to(world.api(), &["try-again"], seen.clone());
    let registering = stream::iter(0..storm.clients).map(|number| world.registers(number));
    let accounts: Vec<Profile> = registering.buffered(client::ROOM).try_collect().await?;

    let from = Instant::now();
    table.throttle(storm.throttled);
    let storming = stream::iter((0..).zip(&accounts)).map(|(number, own)| {
        let person = Person::new(number, own.clone(), storm.seed, world.clone(), way.clone(), seen.clone());
        tokio::spawn(person.storm())
    });
    let mut storming = storming.buffer_unordered(AT_ONCE);
    let mut people = Vec::new();
    while let Some(person) = storming.next().await {
        people.push(person.context("a client panicked")?);
        if people.len().is_multiple_of(TOLD) {
            let broken = seen.with(|sights| sights.wrong.len());
            eprintln!(
                "… {} of {} after {} s, {broken} broken promises",
                people.len(),
                storm.clients,
                from.elapsed().as_secs()
            );
        }
    }
    table.throttle(0);

    world.ages().await?;
    let looks = stream::iter(people).map(Person::afterwards);
    let people: Vec<_> = looks.buffer_unordered(client::ROOM).collect().await;
    look(&world.accounts().await?, &people, &seen);
    let (calls, thrown_back) = table.counts();
    Ok(Outcome { storm, took: from.elapsed(), calls, thrown_back, seen: seen.take() })
}

/// Looks at the pool as somebody who knows nothing of the API.
fn look<W: World>(accounts: &[Profile], people: &[Person<W>], seen: &Seen) {
    let numbers: BTreeMap<_, _> = people.iter().map(|person| (person.sub(), person.number())).collect();
    let mut addresses = BTreeSet::new();
    for account in accounts.iter().filter(|account| account.is_native()) {
        let email = account.attribute("email");
        if !account.email_verified() || account.status != "CONFIRMED" || !account.enabled {
            seen.wrong(format!("{email} is not whole: {account:?}"));
        }
        if !person::may_have(numbers.get(account.attribute("sub")).copied(), email) {
            seen.wrong(format!("{} has the address of somebody else: {email}", account.attribute("sub")));
        }
        if !addresses.insert(email) {
            seen.wrong(format!("two accounts have {email}"));
        }
    }
    for person in people {
        if !accounts.iter().any(|account| account.attribute("sub") == person.sub()) {
            seen.wrong(format!("{} has lost their account", person.sub()));
        }
        if let Err(why) = person.has_identity(accounts) {
            seen.wrong(format!("{why:#}"));
        }
    }
}
