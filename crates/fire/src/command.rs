//! The commands of `cargo xtask fire`.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use futures_util::future::try_join_all;
use local_cloud::dynamodb::state_table;
use local_cloud::function::{self, ACCOUNT_API, Binaries, TRIGGERS};
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::moto::Moto;
use local_cloud::stack::sam::Sam;
use local_cloud::stack::{Deployment, PROVIDERS, Stack};
use local_cloud::toolbox::Toolbox;
use local_cloud::user_pool::CALLBACK;
use local_cloud::{LocalCloud, Options};

use crate::cognito::Cognito;
use crate::events::{self, Target, worst};
use crate::function::{Article, Binary, Engine, Function, Queue};
use crate::launch::{self, Launch, Outcome};
use crate::report::{self, Row};
use crate::storm::wired;
use crate::{soak, storm, wire};

/// What is put under fire.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play a launch day against Cognito's quotas: people sign in for the first time within a minute.
    Quota(Quota),
    /// Let each call of each flow go wrong on its way, in each way, and then let the person try again.
    Wire(Wire),
    /// Send hostile events to every function, and hostile requests to the account API.
    Events(Events),
    /// Let many people use the account API at once, over a table that throttles. Needs the emulator moto.
    Storm {
        /// How it is.
        #[command(flatten)]
        storm: storm::Storm,
        /// Deploy both templates to a local cloud, and let the people use what is deployed.
        #[arg(long)]
        deployed: bool,
    },
    /// Send many events to one process of each function, and look at its memory, files and speed.
    Soak(Soak),
}

/// How long each process lives.
#[derive(Debug, Args)]
pub struct Soak {
    /// How many events each trigger answers.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// How many requests the account API answers, with a local cloud.
    #[arg(long, default_value_t = 1_000)]
    requests: u64,
    /// The folder of the binaries.
    #[arg(long, value_name = "FOLDER")]
    binaries: PathBuf,
    /// Only this function.
    #[arg(long, value_name = "NAME", value_parser = function::ALL)]
    function: Option<String>,
}

/// Which hostile events there are.
#[derive(Debug, Args)]
pub struct Events {
    /// How many for each function.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Only this function. Otherwise all, and then the events that take the longest.
    #[arg(long, value_name = "NAME", value_parser = function::ALL)]
    function: Option<String>,
    /// What the random numbers begin with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Which faults there are beside each alone.
#[derive(Debug, Args)]
pub struct Wire {
    /// How many pairs of faults.
    #[arg(long, default_value_t = 300)]
    pairs: usize,
    /// How many drawn faults the account API meets, on a deployed stack.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    account_api: usize,
    /// On how many stacks. Most of a case is waiting; 16 keep two cores busy.
    #[arg(long, value_name = "NUMBER", default_value_t = 4)]
    stacks: usize,
    /// Run the triggers' binaries of this folder, each in its own process, instead of the triggers in this one.
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// What the random numbers of the draws begin with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Who comes on launch day.
#[derive(Debug, Args)]
pub struct Quota {
    /// How many people; may be repeated.
    #[arg(long = "people", default_values_t = [100, 1000, 5000])]
    people: Vec<u32>,
    /// In how many seconds they come.
    #[arg(long, default_value_t = 60)]
    within: u64,
    /// How many of a hundred have an account already.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=100))]
    known: u32,
    /// What the random numbers of the people begin with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Let Cognito call post confirmation for a sign-in that pre sign-up has linked. AWS does not say whether it does.
    #[arg(long, conflicts_with = "binary")]
    post_confirmation: bool,
    /// Leave out the queue for memberships that wait.
    #[arg(long)]
    without_queue: bool,
    /// Run this binary of pre-sign-up in real time, instead of the engine in virtual time.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

impl Command {
    /// Runs the command to its end.
    ///
    /// # Errors
    ///
    /// Fails if something cannot be set up, or if what is promised does not hold.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Quota(options) => quota(&options),
            Self::Wire(options) => wire_faults(&options),
            Self::Events(options) => hostile_events(&options),
            Self::Storm { storm, deployed } => play_storm(storm, deployed),
            Self::Soak(options) => soak(&options),
        }
    }
}

fn quota(options: &Quota) -> Result<()> {
    let mut rows = Vec::new();
    for people in &options.people {
        let within = Duration::from_secs(options.within);
        let launch = Launch {
            people: *people,
            within,
            known_percent: options.known,
            confirms: options.post_confirmation,
            seed: options.seed,
        };
        if let Some(binary) = &options.binary {
            rows.push(row::<Binary>(launch, real(launch, binary)?));
        } else {
            let queue = (!options.without_queue).then(Queue::default);
            rows.push(row::<Article>(launch, virtually(launch, |cognito| Ok(Article::new(cognito)))?));
            rows.push(row::<Engine>(launch, virtually(launch, |cognito| Engine::new(cognito, queue.clone()))?));
        }
    }
    println!("{}\n\nCalls for each person, answered + thrown back:\n\n{}", report::people(&rows), report::calls(&rows));
    for row in &rows {
        if !row.outcome.failures.is_empty() {
            println!("\n{}, {} people: failures {:?}", row.function, row.launch.people, row.outcome.failures);
        }
    }
    let mut ours = rows.iter().filter(|row| row.function != Article::NAME);
    ours.try_for_each(|row| row.outcome.check(row.launch, !options.without_queue))
}

fn wire_faults(options: &Wire) -> Result<()> {
    let Wire { pairs, account_api, seed, .. } = *options;
    let cases: Vec<_> = wire::all().into_iter().chain(wire::pairs(pairs, seed)).collect();
    let number = cases.len();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let both = Cell::new(0);
    let mut failed = runtime.block_on(wire::play_all(cases, options.binaries.as_deref(), |case, outcome| {
        let how = if outcome.at_once { "at once" } else { "at the second press" };
        println!("{case:?}: {how}, the answer after {:.1} s", outcome.took.as_secs_f64());
        if case.plan.faults.len() > 1 && outcome.struck > 1 {
            both.set(both.get() + 1);
        }
    }));
    println!(
        "{} of {number} cases ended well (seed {seed}). Of {pairs} pairs, {} met two calls.",
        number.saturating_sub(failed.len()),
        both.get()
    );
    if account_api > 0 {
        failed.extend(runtime.block_on(wired_account_api(options))?);
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("{} cases failed:\n{}", failed.len(), failed.join("\n"))
}

/// Returns the cases that did not end well, and why.
async fn wired_account_api(options: &Wire) -> Result<Vec<String>> {
    let Wire { account_api: number, stacks, seed, .. } = *options;
    let (cases, tools) = (wired::Cases::new(number, seed), Tools::make().await?);
    let all = RefCell::new(Vec::new());
    let told = |case: &wired::Case, played: wired::Played| {
        let struck = if played.struck == 0 { ", no call went wrong" } else { "" };
        println!("{case:?}: {:.1} s{struck}", played.took.as_secs_f64());
        for wrong in &played.wrong {
            println!("    {wrong}");
        }
        all.borrow_mut().push((case.clone(), played));
    };
    let on_one = || tools.deployed(async |stack, google| wired::play(&cases, stack, google, told).await);
    let left = try_join_all(std::iter::repeat_with(on_one).take(stacks.clamp(1, number))).await?;
    let all = all.into_inner();
    let failed = all.iter().filter(|(_, played)| !played.wrong.is_empty());
    let mut failed: Vec<_> = failed.map(|(case, played)| format!("{case:?}: {}", played.wrong.join("; "))).collect();
    let missed = all.iter().filter(|(_, played)| played.struck == 0).count();
    let slowest = all.iter().map(|(_, played)| played.slowest).max().unwrap_or_default();
    println!(
        "Account API: {} of {} cases ended well (seed {seed}), beside {missed} in which no call went wrong. Of {} pairs, {} met two \
         calls. The slowest answer took {:.1} s.",
        all.len().saturating_sub(failed.len() + missed),
        all.len() - missed,
        all.iter().filter(|(case, _)| case.faults.len() > 1).count(),
        all.iter().filter(|(_, played)| played.struck > 1).count(),
        slowest.as_secs_f64()
    );
    failed.extend(left.into_iter().flatten());
    Ok(failed)
}

fn hostile_events(options: &Events) -> Result<()> {
    let each = options.count;
    let is_meant = |target: &Target| options.function.as_ref().is_none_or(|name| name == target.name());
    for target in Target::ALL.into_iter().filter(is_meant) {
        let start = Instant::now();
        let answers = events::send(target, 0..each, options.seed)?;
        println!("{}: {each} events held in {:.0} s", target.name(), start.elapsed().as_secs_f64());
        for (answer, times) in answers.said {
            println!("    {times:>8} {answer}");
        }
        let (took, case) = answers.slowest;
        println!("    The longest took {:.1} ms (case {case}).", took.as_secs_f64() * 1000.0);
        for (operation, times) in answers.carried_out {
            println!("    {times:>8} times {operation}");
        }
    }
    if options.function.is_some() {
        return Ok(());
    }
    worst::measure(|row| println!("| {} |", row.join(" | ")))
}

fn play_storm(storm: storm::Storm, deployed: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        if deployed {
            let tools = Tools::make().await?;
            tools.deployed(async |stack, google| storm::play_deployed(storm, stack, google).await).await
        } else {
            storm_in_memory(storm).await
        }
    })?;
    print!("{outcome}");
    outcome.check()
}

async fn storm_in_memory(storm: storm::Storm) -> Result<storm::Outcome> {
    let moto = Moto::start().await?;
    state_table(moto.endpoint(), "state").await?;
    storm::play(storm, moto.endpoint(), "state").await
}

/// What a deployment is made with.
struct Tools {
    toolbox: Toolbox,
    sam: Sam,
    binaries: Binaries,
}

impl Tools {
    async fn make() -> Result<Self> {
        let (toolbox, sam) = tokio::try_join!(Toolbox::local_cloud(), Sam::install())?;
        Ok(Self { toolbox, sam, binaries: Binaries::build(&function::ALL).await? })
    }

    /// Deploys both templates to a local cloud of their own, for as long as `play` plays.
    async fn deployed<T>(&self, play: impl AsyncFnOnce(&Stack, &IdentityProvider) -> Result<T>) -> Result<T> {
        let cloud = LocalCloud::start(&self.toolbox, Options::default()).await?;
        let google = IdentityProvider::start(&self.toolbox, None).await?;
        let folder = tempfile::tempdir()?;
        let deployment = Deployment {
            sam: &self.sam,
            endpoint: cloud.endpoint(),
            binaries: &self.binaries,
            folder: folder.path().to_owned(),
            callbacks: vec![CALLBACK.to_owned()],
            providers: PROVIDERS.to_owned(),
            account_api: storm::parameters(),
        };
        let stack = deployment.deploy().await?;
        stack.register(&google, "Google").await?;
        play(&stack, &google).await
    }
}

fn soak(options: &Soak) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let binary = |name: &str| options.binaries.join(name);
    let held = |name: &str, lived: soak::Life| {
        println!("{name}: {lived}");
        lived.check()?;
        lived.check_speed()
    };
    let is_meant = |name: &str| options.function.as_ref().is_none_or(|only| only == name);
    let triggers = TRIGGERS.into_iter().filter(|name| is_meant(name));
    let lives = triggers.map(|name| async move { held(name, soak::live(name, &binary(name), options.count).await?) });
    // All at once: a function mostly waits, for the next connection.
    runtime.block_on(try_join_all(lives))?;
    if !is_meant(ACCOUNT_API) {
        return Ok(());
    }
    let lived = runtime.block_on(async {
        let cloud = LocalCloud::start(&Toolbox::local_cloud().await?, Options::default()).await?;
        soak::live_api(&binary(ACCOUNT_API), options.requests, cloud.endpoint()).await
    })?;
    held(ACCOUNT_API, lived)
}

fn row<F: Function>(launch: Launch, outcome: Outcome) -> Row {
    Row { function: F::NAME, launch, outcome }
}

/// Plays a launch with a clock that jumps to whatever comes next.
///
/// # Errors
///
/// Fails if the function cannot be set up.
pub fn virtually<F: Function>(launch: Launch, function: impl FnOnce(&Arc<Cognito>) -> Result<F>) -> Result<Outcome> {
    crate::runtime_in_virtual_time()?.block_on(async {
        let cognito = Arc::new(Cognito::with_quotas());
        launch::play(launch, &cognito, function(&cognito)?).await
    })
}

fn real(launch: Launch, binary: &std::path::Path) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    runtime.block_on(async {
        let cognito = Arc::new(Cognito::with_quotas());
        let function = Binary::new(binary, &cognito, folder.path()).await?;
        function.start_ahead(PROCESSES).await.context("the binary does not start")?;
        launch::play(launch, &cognito, function).await
    })
}

/// Enough for 25 people a second who wait two seconds each.
const PROCESSES: usize = 50;
