//! The people of the storm one at a time, on a deployed stack whose account API has a network on which chosen calls go
//! wrong. Then the person goes on.
//!
//! Each flow has its own checks, and afterwards the account must work as if nothing had been. A call that goes wrong may be
//! one to Cognito, to the table, to SES, or to the function itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::stack::Stack;
use local_cloud::user_pool::Profile;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::client::Way;
use super::deployed::Deployed;
use super::person::{Flow, Person};
use super::post::Post;
use super::world::World;
use super::{Seen, look};
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

/// Plays so many cases, drawn from all calls of all flows and all faults: none twice, and every fourth with a second fault.
/// Tells `told` about each, and how long it took. Returns what was not as it must be. Nobody else may use the stack.
///
/// # Errors
///
/// Fails if something cannot be set up.
pub async fn play(
    number: usize,
    seed: u64,
    stack: &Stack,
    google: &IdentityProvider,
    told: impl Fn(&Case, Duration),
) -> Result<Vec<String>> {
    let post = Post::start(stack.endpoint()).await?;
    let origin = Origin::Cloud { endpoint: stack.endpoint().to_owned(), mails: Some(post.url().to_owned()) };
    let network = Network::start(origin).await?;
    let variables = ENDPOINTS.map(|variable| (variable, network.url.as_str()));
    let world = Deployed::start(stack, google, &variables, post).await?;
    let mut stage = Stage { world: Arc::new(world), network, seed, people: Vec::new(), failed: Vec::new() };
    let mut cases = Vec::new();
    for flow in FLOWS {
        let calls = stage.play(&Case { flow, faults: Vec::new() }).await?;
        ensure!(calls > 0, "the API's calls do not come this way");
        cases.extend((0..calls).flat_map(|at| Fault::ALL.map(|fault| Case { flow, faults: vec![(at, fault)] })));
    }
    let mut random = StdRng::seed_from_u64(seed);
    cases.shuffle(&mut random);
    for mut case in cases.into_iter().take(number) {
        if random.random_range(0..4) == 0 {
            let second = case.faults[0].0 + random.random_range(1..6);
            case.faults.extend(Fault::ALL.choose(&mut random).map(|fault| (second, *fault)));
        }
        let start = Instant::now();
        stage.play(&case).await?;
        told(&case, start.elapsed());
    }
    let seen = Seen::default();
    look(&stage.world.accounts().await?, &stage.people, &seen);
    stage.failed.extend(seen.take_wrong());
    Ok(stage.failed)
}

struct Stage {
    world: Arc<Deployed>,
    network: Network,
    seed: u64,
    people: Vec<Profile>,
    failed: Vec<String>,
}

impl Stage {
    /// Lets a new person go through the flow, and look at their account afterwards. Returns how many calls the API made.
    async fn play(&mut self, case: &Case) -> Result<usize> {
        let number = u32::try_from(self.people.len())?;
        let own = self.world.registers(number).await?;
        self.people.push(own.clone());
        let seen = Seen::default();
        // That a mail was not sent is said where SES's answer is lost, too.
        let way = Way::to(self.world.api(), &["try-again", "mail-not-sent"], seen.clone());
        let mut person = Person::new(number, own, self.seed, self.world.clone(), way, seen.clone());
        self.network.set_plan(Plan { faults: case.faults.clone(), lasts: false });
        person.goes_through(case.flow).await;
        let calls = self.network.calls();
        self.network.set_plan(Plan::default());
        person.afterwards().await;
        self.failed.extend(seen.take_wrong().into_iter().map(|why| format!("{case:?}: {why}")));
        Ok(calls)
    }
}
