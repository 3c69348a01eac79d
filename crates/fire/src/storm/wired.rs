//! The people of the storm one at a time, on deployed stacks whose account API has a network on which chosen calls go
//! wrong. Then the person goes on.
//!
//! Each flow has its own checks, and afterwards the account must work as if nothing had been. A call that goes wrong may be
//! one to Cognito, to the table, to SES, or to the function itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::stack::Stack;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use tokio::sync::OnceCell;

use super::client::Way;
use super::deployed::Deployed;
use super::person::{Flow, Person};
use super::post::Post;
use super::world::World;
use super::{Seen, Sights, look};
use crate::network::{Fault, Network, Origin, Plan};

/// What people do.
const FLOWS: [Flow; 5] = [Flow::Change, Flow::Cancel, Flow::Invite, Flow::Connect, Flow::SignOut];

/// The variables of the function that say where each service is. The local cloud itself sets the one for all services.
const ENDPOINTS: [&str; 4] = [
    "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_LAMBDA",
    "AWS_ENDPOINT_URL_SESV2",
];

/// What somebody does, and what goes wrong with it.
#[derive(Debug, Clone)]
pub struct Case {
    /// What they do.
    pub flow: Flow,
    /// The number of the call, from 0, and how it goes wrong.
    pub faults: Vec<(usize, Fault)>,
}

/// How often a case is played until its fault meets a call. How many calls a flow makes differs a little from time to time.
const TRIES: u32 = 3;

/// How long an answer may take: the function's own limit.
const LIMIT: Duration = Duration::from_secs(15);

/// What became of a case.
#[derive(Debug)]
pub struct Played {
    /// How long it took, with the person's pauses.
    pub took: Duration,
    /// The slowest answer.
    pub slowest: Duration,
    /// How many calls the API made in the flow.
    calls: usize,
    /// How many of them went wrong.
    pub struck: usize,
    /// What was not as it must be.
    pub wrong: Vec<String>,
}

/// Cases that several stacks share out among themselves.
#[derive(Debug)]
pub struct Cases {
    number: usize,
    seed: u64,
    left: OnceCell<Mutex<Vec<Case>>>,
}

impl Cases {
    /// So many cases, drawn from all calls of all flows and all faults: none twice, and every fourth with a second fault.
    #[must_use]
    pub fn new(number: usize, seed: u64) -> Self {
        Self { number, seed, left: OnceCell::new() }
    }

    /// The next case. The first stage that asks finds out how many calls each flow has.
    async fn next(&self, stage: &mut Stage) -> Result<Option<Case>> {
        let left = self.left.get_or_try_init(|| self.draw(stage)).await?;
        Ok(left.lock().unwrap_or_else(PoisonError::into_inner).pop())
    }

    async fn draw(&self, stage: &mut Stage) -> Result<Mutex<Vec<Case>>> {
        let mut cases = Vec::new();
        for flow in FLOWS {
            let Played { calls, wrong, .. } = stage.play(&Case { flow, faults: Vec::new() }).await?;
            ensure!(calls > 0 && wrong.is_empty(), "{flow:?} has {calls} calls: {wrong:?}");
            let faults = (0..calls).flat_map(|at| Fault::ALL.map(|fault| (at, fault)));
            let faults = faults.filter(|(_, fault)| !fault.lies());
            cases.extend(faults.map(|fault| Case { flow, faults: vec![fault] }));
        }
        let mut random = StdRng::seed_from_u64(self.seed);
        cases.shuffle(&mut random);
        cases.truncate(self.number);
        for case in &mut cases {
            if random.random_range(0..4) == 0 {
                let second = case.faults[0].0 + random.random_range(1..6);
                let fault = Fault::ALL.choose(&mut random).filter(|fault| !fault.lies());
                case.faults.extend(fault.map(|fault| (second, *fault)));
            }
        }
        Ok(Mutex::new(cases))
    }
}

/// Plays cases on a stack until none is left. Tells `told` about each. Returns what was not as it must be in the pool
/// afterwards. Nobody else may use the stack.
///
/// # Errors
///
/// Fails if something cannot be set up.
pub async fn play(
    cases: &Cases,
    stack: &Stack,
    google: &IdentityProvider,
    told: impl Fn(&Case, Played),
) -> Result<Vec<String>> {
    let post = Post::start(stack.endpoint()).await?;
    let origin = Origin::Cloud { endpoint: stack.endpoint().to_owned(), mails: Some(post.url().to_owned()) };
    let network = Network::start(origin).await?;
    let variables = ENDPOINTS.map(|variable| (variable, network.url.as_str()));
    let world = Deployed::start(stack, google, &variables, post).await?;
    let mut stage = Stage { world: Arc::new(world), network, seed: cases.seed, people: Vec::new() };
    while let Some(case) = cases.next(&mut stage).await? {
        let mut played = stage.play(&case).await?;
        for _ in 1..TRIES {
            if played.struck > 0 || !played.wrong.is_empty() {
                break;
            }
            played = stage.play(&case).await?;
        }
        told(&case, played);
    }
    let seen = Seen::default();
    look(&stage.world.accounts().await?, &stage.people, &seen);
    Ok(seen.take().wrong)
}

struct Stage {
    world: Arc<Deployed>,
    network: Network,
    seed: u64,
    people: Vec<Person<Deployed>>,
}

impl Stage {
    /// Lets a new person go through the flow, and look at their account afterwards.
    async fn play(&mut self, case: &Case) -> Result<Played> {
        let start = Instant::now();
        // Who has an even number disconnects the provider again.
        let number = u32::try_from(self.people.len())? * 2;
        let own = self.world.registers(number).await?;
        let seen = Seen::default();
        // That a mail was not sent is said where SES's answer is lost, too.
        let way = Way::to(self.world.api(), &["try-again", "mail-not-sent"], seen.clone());
        let mut person = Person::new(number, own, self.seed, self.world.clone(), way, seen.clone());
        self.network.set_plan(Plan { faults: case.faults.clone(), lasts: false });
        person.goes_through(case.flow).await;
        let (calls, struck) = (self.network.calls(), self.network.struck());
        self.network.set_plan(Plan::default());
        self.people.push(person.afterwards().await);
        let Sights { slowest, mut wrong, .. } = seen.take();
        if slowest > LIMIT {
            wrong.push(format!("an answer took {slowest:?}"));
        }
        Ok(Played { took: start.elapsed(), slowest, calls, struck, wrong })
    }
}
