//! Launch day: many people sign in with a provider for the first time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use local_cloud::event::sample;
use local_cloud::seed::GROUP;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::cognito::{CUT_OFF, Category, Cognito, INVOCATIONS, Tally};
use crate::function::{Function, When};

/// How often a person tries before they give up.
pub const PATIENCE: u32 = 5;

/// How many messages of the queue are handed over at a time, as in `template.yaml`.
const WORKERS: usize = 2;

/// How long a person takes until they press again, in seconds.
const AGAIN: std::ops::Range<f64> = 3.0..8.0;

/// How much later than Cognito could have let everybody in the last one may sign in: their first press failed.
const TAIL: Duration = Duration::from_secs(18);

/// Who comes, and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Launch {
    /// How many people.
    pub people: u32,
    /// In which time they come, evenly.
    pub within: Duration,
    /// How many of a hundred have a native account already. The others are new.
    pub known_percent: u32,
    /// Whether Cognito calls post confirmation for a sign-in that pre sign-up has linked. AWS does not say.
    pub confirms: bool,
    /// What the random numbers of the people begin with. Waits inside the functions are always random.
    pub seed: u64,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// How many signed in at the first press, the second, and so on. A press counts if Cognito let the sign-in in.
    pub at_press: [u32; PATIENCE as usize],
    /// How many gave up.
    pub gave_up: u32,
    /// Accounts beyond one for each person.
    pub second_accounts: usize,
    /// New people who signed in and have no permanent password or no group.
    pub incomplete: usize,
    /// From the first arrival to the last sign-in.
    pub drained: Duration,
    /// The longest time between a press and the answer of the last trigger.
    pub slowest: Duration,
    /// How often a trigger did not answer in time.
    pub cut_off: u32,
    /// How many memberships waited, and when the last of them was written.
    pub waited: (u32, Duration),
    /// The calls by category.
    pub tallies: BTreeMap<Category, Tally>,
    /// How often a trigger was invoked.
    pub invocations: u32,
    /// Codes with which it failed.
    pub failures: BTreeMap<String, u32>,
}

struct Stage<F> {
    people: u32,
    cognito: Arc<Cognito>,
    function: F,
    event: Value,
    /// For post confirmation, if it is called.
    confirmed: Option<Value>,
    start: Instant,
    seen: RefCell<Outcome>,
}

/// Plays the launch to its end, in the time of the runtime that it runs on.
///
/// # Errors
///
/// Fails if the sample event cannot be read.
pub async fn play<F: Function>(launch: Launch, cognito: &Arc<Cognito>, function: F) -> Result<Outcome> {
    let mut rng = StdRng::seed_from_u64(launch.seed);
    let mut people = Vec::new();
    for number in 0..launch.people {
        let is_known = rng.random_range(0..100) < launch.known_percent;
        if is_known {
            cognito.add_known(&email(number));
        }
        people.push((number, launch.within.mul_f64(rng.random()), rng.random()));
    }
    let stage = Rc::new(Stage {
        people: launch.people,
        cognito: cognito.clone(),
        function,
        event: sample("pre-sign-up/google-new-person")?,
        confirmed: launch.confirms.then(|| sample("post-confirmation/federated")).transpose()?,
        start: Instant::now(),
        seen: RefCell::new(Outcome::default()),
    });
    let set = LocalSet::new();
    for (number, arrives, seed) in people {
        set.spawn_local(stage.clone().person(number, arrives, StdRng::seed_from_u64(seed)));
    }
    for _ in 0..WORKERS {
        set.spawn_local(stage.clone().work_off_the_queue());
    }
    set.await;
    let seen = stage.seen.borrow().clone();
    Ok(Outcome {
        second_accounts: cognito.second_accounts(),
        incomplete: cognito.incomplete(GROUP),
        tallies: cognito.tallies(),
        ..seen
    })
}

fn email(number: u32) -> String {
    format!("person{number}@example.com")
}

fn identity(number: u32) -> String {
    format!("Google_1{number:020}")
}

impl<F: Function> Stage<F> {
    async fn person(self: Rc<Self>, number: u32, arrives: Duration, mut rng: StdRng) {
        sleep_until(self.start + arrives).await;
        let mut presses = 0;
        while presses < PATIENCE {
            // Turned away by Cognito before any trigger runs. No function can change that, so it is no press here.
            if self.cognito.admits() {
                presses += 1;
                let pressed = Instant::now();
                let signed_in = self.clone().sign_in(number).await;
                let mut seen = self.seen.borrow_mut();
                seen.slowest = seen.slowest.max(pressed.elapsed());
                if signed_in {
                    seen.at_press[presses as usize - 1] += 1;
                    seen.drained = self.start.elapsed();
                    return;
                }
            }
            sleep(Duration::from_secs_f64(rng.random_range(AGAIN))).await;
        }
        self.seen.borrow_mut().gave_up += 1;
    }

    /// Hands over what waits, until nobody comes any more.
    async fn work_off_the_queue(self: Rc<Self>) {
        while self.seen.borrow().ended() < self.people || self.function.waiting() > 0 {
            if self.function.hand_over().await {
                let mut seen = self.seen.borrow_mut();
                seen.waited = (seen.waited.0 + 1, self.start.elapsed());
            } else {
                sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// One sign-in as Cognito runs it. Returns whether it succeeds.
    async fn sign_in(self: Rc<Self>, number: u32) -> bool {
        let identity = identity(number);
        if self.cognito.knows(&identity) {
            return true;
        }
        let mut event = self.event.clone();
        event["userName"] = json!(identity);
        event["request"]["userAttributes"]["email"] = json!(email(number));
        if !self.clone().answers(When::PreSignUp, event).await {
            return false;
        }
        let sub = self.cognito.sign_in(&identity, &email(number));
        let Some(mut event) = self.confirmed.clone() else { return true };
        event["userName"] = json!(sub);
        event["request"]["userAttributes"]["sub"] = json!(sub);
        event["request"]["userAttributes"]["cognito:user_status"] = json!("CONFIRMED");
        event["request"]["userAttributes"]["email"] = json!(email(number));
        self.answers(When::PostConfirmation, event).await
    }

    /// One trigger as Cognito calls it. Returns whether it has no objection.
    async fn answers(self: Rc<Self>, when: When, event: Value) -> bool {
        for _ in 0..INVOCATIONS {
            self.seen.borrow_mut().invocations += 1;
            let (stage, event) = (self.clone(), event.clone());
            // It runs on when Cognito has given up on it.
            let running = tokio::task::spawn_local(async move { stage.function.invoke(when, &event).await });
            match timeout(CUT_OFF, running).await {
                Ok(Ok(Ok(()))) => return true,
                Ok(Ok(Err(code))) => {
                    *self.seen.borrow_mut().failures.entry(code).or_default() += 1;
                    return false;
                }
                Ok(Err(_)) => return false,
                Err(_) => self.seen.borrow_mut().cut_off += 1,
            }
        }
        false
    }
}

impl Outcome {
    /// How many signed in.
    #[must_use]
    pub fn signed_in(&self) -> u32 {
        self.at_press.iter().sum()
    }

    /// How many signed in or gave up.
    fn ended(&self) -> u32 {
        self.signed_in() + self.gave_up
    }

    /// How many needed more than two presses, or gave up.
    #[must_use]
    pub fn beyond_two_presses(&self) -> u32 {
        self.at_press[2..].iter().sum::<u32>() + self.gave_up
    }

    /// Fails if this launch did not end as promised. Without a queue the group cannot wait, and people press again.
    ///
    /// # Errors
    ///
    /// Says what happened to whom.
    pub fn check(&self, launch: Launch, has_queue: bool) -> Result<()> {
        ensure!(self.second_accounts == 0, "somebody has two accounts");
        ensure!(self.incomplete == 0, "somebody has half an account");
        ensure!(self.cut_off == 0, "{} answers did not come in time", self.cut_off);
        let beyond = self.beyond_two_presses();
        if has_queue {
            ensure!(beyond == 0, "{beyond} people needed more than two presses, or gave up");
            let admitted = f64::from(launch.people) / f64::from(Category::UserFederation.rate());
            let in_time = launch.within.max(Duration::from_secs_f64(admitted)) + TAIL;
            ensure!(self.drained <= in_time, "the last one signed in after {:?}, not {in_time:?}", self.drained);
        }
        Ok(())
    }
}
