//! Wire faults: each call of each flow goes wrong in each way, once or from then on. Then the person tries again.
//!
//! The functions are the real ones, with the SDK and the connections of the deployed binary. Only TLS is left out. They run in
//! this process, or each binary in its own.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cognito_core::retry_queue::RETRY_QUEUE_URL;
use cognito_core::sdk::{Aws, SqsQueue};
use cognito_core::testing::lookup;
use cognito_core::user_pool::aws::AwsUserPools;
use futures_util::stream::{self, StreamExt};
use local_cloud::event::sample;
use local_cloud::function::SETTINGS;
use local_cloud::runtime_api;
use local_cloud::seed::GROUP;
use post_authentication::PostAuthentication;
use post_confirmation::PostConfirmation;
use pre_sign_up::PreSignUp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::client::CALLER;
use crate::cognito::{Account, CUT_OFF, Cognito, Status, WayIn};
use crate::function::answered;
pub use crate::network::{Fault, Plan};
use crate::network::{Network, Origin};

const EMAIL: &str = "ada@example.com";
const PROVIDER: &str = "Google";
const SUBJECT: &str = "109876543210987654321";

/// What a function does for one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Pre sign-up links a person to their account.
    Link,
    /// Pre sign-up creates an account and links.
    Create,
    /// Somebody registered the address and never proved it: pre sign-up deletes that account, creates one and links.
    Replace,
    /// The same, but an administrator confirmed it: pre sign-up takes the account from them and links.
    Reclaim,
    /// Post confirmation adds a person to the group.
    Group,
    /// Post authentication marks an address as verified.
    Repair,
}

impl Flow {
    /// Every flow, with the calls that it makes where nothing goes wrong.
    pub const ALL: [(Self, usize); 6] = [
        (Self::Link, 2),
        (Self::Create, 5),
        (Self::Replace, 9),
        (Self::Reclaim, 12),
        (Self::Group, 1),
        (Self::Repair, 2),
    ];

    fn function(self) -> &'static str {
        match self {
            Self::Link | Self::Create | Self::Replace | Self::Reclaim => "pre-sign-up",
            Self::Group => "post-confirmation",
            Self::Repair => "post-authentication",
        }
    }
}

/// One flow, and what goes wrong with it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The flow.
    pub flow: Flow,
    /// What goes wrong.
    pub plan: Plan,
}

/// Every fault at every call of every flow, alone: once, and from then on.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (flow, calls) in Flow::ALL {
        for at in 0..calls {
            for fault in Fault::ALL {
                let plan = |lasts| Plan { faults: vec![(at, fault)], lasts };
                cases.extend([false, true].map(|lasts| Case { flow, plan: plan(lasts) }));
            }
        }
    }
    cases
}

/// So many cases with two faults, drawn at random.
#[must_use]
pub fn pairs(number: usize, seed: u64) -> Vec<Case> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut draw = || {
        let (flow, calls) = Flow::ALL[rng.random_range(0..Flow::ALL.len())];
        let first = rng.random_range(0..calls);
        // One more than the flow makes: a call that is repeated has another number.
        let second = rng.random_range(first + 1..=calls);
        let mut fault = || Fault::ALL[rng.random_range(0..Fault::ALL.len())];
        Case { flow, plan: Plan { faults: vec![(first, fault()), (second, fault())], lasts: false } }
    };
    (0..number).map(|_| draw()).collect()
}

/// What became of a case.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Whether the function answered at once as if nothing had gone wrong.
    pub at_once: bool,
    /// How long the answer took.
    pub took: Duration,
    /// How many calls went wrong.
    pub struck: usize,
}

/// Plays a case with the functions of this process, or with the binaries of a folder. Lets the person try again, and looks at
/// the pool.
///
/// # Errors
///
/// Fails if an answer is late, if a process ends, or if in the end there is not the one account, clean and in its group.
pub async fn play(case: &Case, binaries: Option<&Path>) -> Result<Outcome> {
    let cognito = Arc::new(Cognito::with_quotas());
    let sub = prepare(case.flow, &cognito);
    let others: Vec<_> = cognito.accounts().into_iter().filter(|account| account.email != EMAIL).collect();
    let network = Network::start(Origin::StandIn(cognito.clone())).await?;
    let function = Functions::start(&network.url, case.flow, binaries).await?;
    network.set_plan(case.plan.clone());
    let (mut answered, took) = timed(function.run(case.flow, &sub)).await?;
    let first = case.plan.faults.first().map_or(0, |(at, _)| *at);
    let struck = network.struck();
    ensure!(struck > 0, "only {} calls were made, and number {first} was to go wrong", network.calls());
    let at_once = answered.is_ok();
    network.set_plan(Plan::default());
    // Cognito asks pre sign-up no more once the identity is linked, and post confirmation never again.
    let is_asked_again = match case.flow {
        Flow::Link | Flow::Create | Flow::Replace | Flow::Reclaim => !cognito.knows(&format!("{PROVIDER}_{SUBJECT}")),
        Flow::Group => false,
        Flow::Repair => true,
    };
    if is_asked_again {
        (answered, _) = timed(function.run(case.flow, &sub)).await.context("the second press")?;
    } else if case.flow != Flow::Group && !at_once {
        // Signed in at the second press, without the trigger.
        answered = Ok(());
    }
    ensure!(answered.is_ok(), "the second press failed: {answered:?}");
    for message in network.take_messages() {
        function.deliver(&message).await.map_err(anyhow::Error::msg)?;
    }
    check(case.flow, &cognito, &others)?;
    function.must_live().await?;
    Ok(Outcome { at_once, took, struck })
}

/// How many calls a flow makes where nothing goes wrong.
///
/// # Errors
///
/// Fails if the flow does.
pub async fn calls(flow: Flow) -> Result<usize> {
    let cognito = Arc::new(Cognito::with_quotas());
    let sub = prepare(flow, &cognito);
    let network = Network::start(Origin::StandIn(cognito)).await?;
    Functions::start(&network.url, flow, None).await?.run(flow, &sub).await.map_err(anyhow::Error::msg)?;
    Ok(network.calls())
}

/// An answer, and how long it took. Fails if Cognito would have given up by then.
async fn timed<T>(answer: impl Future<Output = T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let answer = answer.await;
    let took = start.elapsed();
    ensure!(took < CUT_OFF, "the answer took {took:?}");
    Ok((answer, took))
}

/// How many cases run at a time. Most of them wait.
const AT_A_TIME: usize = 16;

/// Plays cases and tells `told` how each ended. Returns those that failed, and why.
pub async fn play_all(cases: Vec<Case>, binaries: Option<&Path>, told: impl Fn(&Case, Outcome)) -> Vec<String> {
    let played = stream::iter(cases)
        .map(|case| async move {
            let outcome = play(&case, binaries).await;
            (case, outcome)
        })
        .buffer_unordered(AT_A_TIME);
    let failed = played.filter_map(|(case, outcome)| {
        let failed = match outcome {
            Ok(outcome) => {
                told(&case, outcome);
                None
            }
            Err(why) => Some(format!("{case:?}: {why:#}")),
        };
        std::future::ready(failed)
    });
    failed.collect().await
}

/// Makes the account that the flow is about, and somebody else's beside it. Returns its `sub`.
fn prepare(flow: Flow, cognito: &Cognito) -> String {
    cognito.add_known(BYSTANDER);
    let account = Account { email: EMAIL.to_owned(), ..Account::default() };
    match flow {
        Flow::Create => String::new(),
        Flow::Link | Flow::Group => cognito.add(account),
        Flow::Replace | Flow::Reclaim => cognito.add(Account {
            unverified: true,
            status: if flow == Flow::Replace { Status::Unconfirmed } else { Status::Confirmed },
            ways_in: WayIn::ALL.into(),
            ..account
        }),
        Flow::Repair => cognito.add(Account {
            unverified: true,
            identities: vec![("Facebook".to_owned(), SUBJECT.to_owned())],
            ..account
        }),
    }
}

/// Somebody whom nothing of this is about.
const BYSTANDER: &str = "grace@example.com";

fn check(flow: Flow, cognito: &Cognito, before: &[Account]) -> Result<()> {
    let (own, others): (Vec<_>, Vec<_>) = cognito.accounts().into_iter().partition(|account| account.email == EMAIL);
    let [account] = own.as_slice() else { anyhow::bail!("{} accounts: {own:?}", own.len()) };
    let is_clean = account.status == Status::Confirmed && !account.unverified && account.ways_in.is_empty();
    ensure!(is_clean, "not clean: {account:?}");
    let identities = account.identities.iter().filter(|(_, subject)| subject == SUBJECT).count();
    ensure!(identities == usize::from(flow != Flow::Group), "linked {identities} times: {account:?}");
    let joins = matches!(flow, Flow::Create | Flow::Replace | Flow::Group);
    ensure!(account.groups.contains(GROUP) == joins, "the group is wrong: {account:?}");
    ensure!(others == before, "somebody else was changed: {others:?}");
    Ok(())
}

/// What answers the events of a case.
enum Functions {
    /// The triggers, in this process.
    Here(Box<Triggers>),
    /// The binary of the flow, and that of post confirmation for what the queue delivers.
    Binaries(Box<[runtime_api::Function; 2]>),
}

struct Triggers {
    pre_sign_up: PreSignUp<AwsUserPools, SqsQueue>,
    post_confirmation: PostConfirmation<AwsUserPools, SqsQueue>,
    post_authentication: PostAuthentication<AwsUserPools>,
}

impl Functions {
    async fn start(url: &str, flow: Flow, binaries: Option<&Path>) -> Result<Self> {
        let queue = format!("{url}/123456789012/retries");
        let own = [("AWS_ENDPOINT_URL", url), (RETRY_QUEUE_URL, queue.as_str()), ("UNVERIFIED_PROFILE", "reclaim")];
        let settings: Vec<_> = SETTINGS.into_iter().chain(own).collect();
        let Some(folder) = binaries else { return Ok(Self::Here(Box::new(Triggers::over(&settings)?))) };
        let settings: Vec<_> = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let started = |name: &'static str| {
            let settings = &settings;
            async move { runtime_api::Function::start(name, &folder.join(name), settings).await }
        };
        let (own, confirmed) = tokio::try_join!(started(flow.function()), started("post-confirmation"))?;
        Ok(Self::Binaries(Box::new([own, confirmed])))
    }

    async fn run(&self, flow: Flow, sub: &str) -> Result<(), String> {
        let event = event(flow, sub).map_err(|why| why.to_string())?;
        let triggers = match self {
            Self::Binaries(functions) => return invoked(&functions[0], &event).await,
            Self::Here(triggers) => triggers,
        };
        match flow {
            Flow::Link | Flow::Create | Flow::Replace | Flow::Reclaim => answered(&triggers.pre_sign_up, &event).await,
            Flow::Group => answered(&triggers.post_confirmation, &event).await,
            Flow::Repair => answered(&triggers.post_authentication, &event).await,
        }
    }

    /// Fails if a process has ended.
    async fn must_live(&self) -> Result<()> {
        if let Self::Binaries(functions) = self {
            for function in functions.iter() {
                // No event of Cognito: it says so.
                drop(function.invoke(&json!({})).await?);
            }
        }
        Ok(())
    }

    /// Hands a message of the queue to post confirmation.
    async fn deliver(&self, message: &str) -> Result<(), String> {
        let event = json!({ "Records": [{ "body": message }] });
        match self {
            Self::Binaries(functions) => invoked(&functions[1], &event).await,
            Self::Here(triggers) => answered(&triggers.post_confirmation, &event).await,
        }
    }
}

impl Triggers {
    fn over(settings: &[(&str, &str)]) -> Result<Self> {
        let lookup = lookup([settings, &CALLER].concat());
        let aws = Aws::from_lookup(&lookup)?;
        let queue = SqsQueue::from_lookup(&lookup, RETRY_QUEUE_URL, &aws)?;
        let pools = AwsUserPools::over(&aws);
        Ok(Self {
            pre_sign_up: PreSignUp::new(pre_sign_up::Settings::from_lookup(&lookup)?, pools.clone(), queue.clone()),
            post_confirmation: PostConfirmation::new(
                post_confirmation::Settings::from_lookup(&lookup)?,
                pools.clone(),
                queue,
            ),
            post_authentication: PostAuthentication::new(post_authentication::Settings::from_lookup(&lookup)?, pools),
        })
    }
}

/// Lets a process answer an event. The error is the code of the refusal or failure, or why the process has ended.
async fn invoked(function: &runtime_api::Function, event: &Value) -> Result<(), String> {
    let answered = function.invoke(event).await.map_err(|why| format!("{why:#}"))?;
    answered.map(drop).map_err(|error| error.error_type)
}

fn event(flow: Flow, sub: &str) -> Result<Value> {
    let mut event = sample(match flow {
        Flow::Link | Flow::Create | Flow::Replace | Flow::Reclaim => "pre-sign-up/google-new-person",
        Flow::Group => "post-confirmation/sign-up",
        Flow::Repair => "post-authentication/facebook-unverified",
    })?;
    let attributes = event["request"]["userAttributes"].as_object_mut().context("an event has attributes")?;
    attributes.insert("email".to_owned(), json!(EMAIL));
    if flow.function() == "pre-sign-up" {
        event["userName"] = json!(format!("{PROVIDER}_{SUBJECT}"));
        return Ok(event);
    }
    attributes.insert("sub".to_owned(), json!(sub));
    if flow == Flow::Repair {
        let identity = json!([{ "userId": SUBJECT, "providerName": "Facebook", "primary": false }]);
        attributes.insert("identities".to_owned(), json!(identity.to_string()));
        attributes.insert("cognito:user_status".to_owned(), json!("CONFIRMED"));
    }
    event["userName"] = json!(sub);
    Ok(event)
}
