//! `cargo xtask bench`: what the functions cost, beside a bare one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use local_cloud::function::{self, BARE, BARE_LEAN, Binaries};
use local_cloud::{layout, steps};

use crate::case::{self, Case, ECHO};
use crate::cpu::Limit;
use crate::instructions::{self, Kept};
use crate::lambda::Program;
use crate::measure::{self, Effort, Subject};
use crate::report::{self, Results};
use crate::size;
use crate::stand_in::StandIn;

/// Set for the optimised build of this program.
const OPTIMISED: &str = "XTASK_BENCH_OPTIMISED";
/// The case that the long runs repeat.
const LONG_RUN: &str = "pre-sign-up: link";
/// People in the pool, for the cost against its size.
const POOL_SIZES: [u64; 3] = [10, 10_000, 1_000_000];

/// What to measure.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct Options {
    /// Starts of each function.
    #[arg(long, default_value_t = 30)]
    runs: usize,
    /// Further events to each function in one process; 0 leaves this out.
    #[arg(long, default_value_t = 1000)]
    events: usize,
    /// How long each call to Cognito takes, in milliseconds. The bars are for none.
    #[arg(long, default_value_t = 0)]
    delay: u64,
    /// Measure only cases whose name contains this, and the bare function.
    #[arg(long)]
    only: Option<String>,
    /// Another function that speaks the Lambda Runtime API, as name=command; may be repeated.
    #[arg(long = "peer", value_name = "NAME=COMMAND", value_parser = pair)]
    peers: Vec<(String, String)>,
    /// Another build of the functions, as name=folder; may be repeated.
    #[arg(long = "beside", value_name = "NAME=FOLDER", value_parser = pair)]
    beside: Vec<(String, String)>,
    /// Measure the binaries in this folder, the bare function's among them, rather than building any.
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// Only measure starts with the share of a core that Lambda gives functions of these sizes in MB, as in 128,256.
    #[arg(long, value_delimiter = ',')]
    memory: Vec<u64>,
    /// Only send this many events to one process, and tell its memory after each tenth.
    #[arg(long, value_name = "EVENTS")]
    soak: Option<usize>,
    /// Only measure the cost of an event against the number of people in the pool.
    #[arg(long)]
    pool_sizes: bool,
    /// Only check the sizes of the functions, without measuring any time.
    #[arg(long)]
    check_size: bool,
    /// Only count the instructions of a start, with Valgrind, and fail if they are more than a tenth above those that
    /// are kept.
    #[arg(long)]
    instructions: bool,
    /// Fail if a bar is missed.
    #[arg(long)]
    check: bool,
    /// Keep the result in benches/, where later runs are compared with it.
    #[arg(long)]
    save: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is to be a name and a value with = between them".to_owned()),
    }
}

/// Builds, measures, prints and compares.
///
/// # Errors
///
/// A function does not build or fails, the machine lacks what was asked for, or a bar is missed and that was asked for.
pub async fn run(options: Options) -> Result<()> {
    if options.check_size || options.instructions {
        return without_a_clock(&options).await;
    }
    if std::env::var_os(OPTIMISED).is_none() {
        return run_optimised().await;
    }
    let folder = result_folder()?;
    let binaries = match &options.binaries {
        Some(folder) => Binaries::in_folder(folder, &[BARE, BARE_LEAN])?,
        None => Binaries::build_triggers("release").await?.with_bare("release").await?,
    };
    let cases = cases(options.only.as_deref())?;
    let stand_in = StandIn::start(&folder).await?;
    let own = |case: &Case| -> Result<Subject> {
        Ok(subject(&stand_in, &folder, case, case.name.to_owned(), binaries.path(case.function)?.to_owned()))
    };
    if options.soak.is_some() || options.pool_sizes {
        let long_run =
            cases.iter().find(|case| case.name == LONG_RUN).with_context(|| format!("{LONG_RUN} is needed"))?;
        let mut subject = own(long_run)?;
        subject.program.log = None;
        return long(&stand_in, &subject, &options).await;
    }
    let mut subjects = cases.iter().map(own).collect::<Result<Vec<_>>>()?;
    subjects.extend(beside(&options, &stand_in, &folder, &cases));
    subjects.extend(peers(&options, &stand_in, &folder, &cases));
    let effort = Effort { starts: options.runs, events: options.events, delay: Duration::from_millis(options.delay) };
    if !options.memory.is_empty() {
        return limited(&stand_in, &subjects, effort, &options.memory).await;
    }
    let rows = measure(&stand_in, &subjects, effort, None).await?;
    let (table, missed) = report::table(&rows)?;
    println!("{table}\n");
    println!("Ratios are to `{ECHO}`, measured in the same run. `*`: misses its bar.");
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let results = report::results(&rows, machine(), format!("cargo xtask {command}"))?;
    results.write(&folder.join("results.json"))?;
    compare(&results, options.save)?;
    if options.check && missed > 0 {
        bail!("{missed} figures miss their bars");
    }
    Ok(())
}

/// Runs this very command from an optimised build of this program: what answers the functions must not be what is
/// slow.
async fn run_optimised() -> Result<()> {
    let mut cargo = function::cargo();
    cargo.args(["run", "--quiet", "--profile", "bench-tool", "--package", "xtask", "--"]);
    let status = cargo.args(std::env::args_os().skip(1)).env(OPTIMISED, "1").status().await?;
    if !status.success() {
        bail!("the benchmark failed; see above");
    }
    Ok(())
}

fn cases(only: Option<&str>) -> Result<Vec<Case>> {
    let mut cases = case::all()?;
    cases.retain(|case| case.is_bare() || only.is_none_or(|only| case.name.contains(only)));
    Ok(cases)
}

/// A function on a case; what it writes goes to a file of the case's name.
fn subject(stand_in: &StandIn, folder: &Path, case: &Case, name: String, binary: PathBuf) -> Subject {
    let log = folder.join(format!("{}.log", name.replace([':', ' ', '/'], "-")));
    let mut settings = stand_in.environment();
    settings.extend(function::SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let command = vec![binary.display().to_string()];
    let program = Program { name, command, settings, log: Some(log) };
    Subject { program, case: case.clone(), binary: Some(binary), own: true }
}

fn beside(options: &Options, stand_in: &StandIn, folder: &Path, cases: &[Case]) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for (name, path) in &options.beside {
        for case in cases {
            let binary = Path::new(path).join(case.function);
            if binary.is_file() {
                subjects.push(subject(stand_in, folder, case, format!("{name} / {}", case.name), binary));
            }
        }
    }
    subjects
}

fn peers(options: &Options, stand_in: &StandIn, folder: &Path, cases: &[Case]) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for (name, command) in &options.peers {
        for case in cases.iter().filter(|case| case.for_peers) {
            let mut peer = subject(stand_in, folder, case, format!("{name} / {}", case.name), PathBuf::new());
            peer.program.command = command.split_whitespace().map(str::to_owned).collect();
            (peer.binary, peer.own) = (None, false);
            subjects.push(peer);
        }
    }
    subjects
}

async fn measure(
    stand_in: &StandIn,
    subjects: &[Subject],
    effort: Effort,
    share: Option<(&Limit, u64)>,
) -> Result<Vec<report::Row>> {
    let step = steps::begin(&format!("{} starts of each of {} functions, in turns", effort.starts, subjects.len()));
    let progress = |done: usize| step.detail(&format!("{done} of {}", effort.starts));
    let rows = measure::all(stand_in, subjects, effort, share, progress).await?;
    step.done();
    Ok(rows)
}

/// Starts with a share of a core: how long it takes until the first answer.
async fn limited(stand_in: &StandIn, subjects: &[Subject], effort: Effort, sizes: &[u64]) -> Result<()> {
    let limit = Limit::new()?;
    let effort = Effort { events: 0, ..effort };
    for &memory in sizes {
        let rows = measure(stand_in, subjects, effort, Some((&limit, memory))).await?;
        println!("\n{memory} MB: a whole core until the first event is asked for, then the share of that size");
        for row in rows {
            println!("{:>9.1} ms  {}", row.wall.as_secs_f64() * 1000.0, row.name);
        }
    }
    Ok(())
}

async fn long(stand_in: &StandIn, subject: &Subject, options: &Options) -> Result<()> {
    if let Some(events) = options.soak {
        let step = steps::begin(&format!("{events} events to one process"));
        let memory = measure::soak(stand_in, subject, events, |tenth| step.detail(&format!("{tenth}0 %"))).await?;
        step.done();
        println!("{}: resident memory in KiB after each tenth of {events} events\n{memory:?}", subject.program.name);
    }
    if options.pool_sizes {
        println!("{}: CPU per event against the number of people in the pool", subject.program.name);
        for (people, cpu, calls) in measure::pool_sizes(stand_in, subject, options.events.max(100), &POOL_SIZES).await?
        {
            println!("{people:>9} people {:>6.1} us, {calls} calls", cpu.as_secs_f64() * 1e6);
        }
    }
    Ok(())
}

/// What no other work on the machine changes, and so needs no optimised build of this program.
async fn without_a_clock(options: &Options) -> Result<()> {
    let binaries = match &options.binaries {
        Some(folder) => Binaries::in_folder(folder, &[])?,
        None => Binaries::build_triggers("release").await?,
    };
    if options.check_size {
        check_size(&binaries)?;
    }
    if options.instructions {
        count_instructions(&binaries, options).await?;
    }
    Ok(())
}

async fn count_instructions(binaries: &Binaries, options: &Options) -> Result<()> {
    let folder = result_folder()?;
    let stand_in = StandIn::start(&folder).await?;
    stand_in.set_people(1);
    let mut counts = instructions::Counts::new();
    for case in cases(options.only.as_deref())?.iter().filter(|case| !case.is_bare()) {
        let binary = binaries.path(case.function)?.to_owned();
        let subject = subject(&stand_in, &folder, case, case.name.to_owned(), binary);
        counts.insert(case.name.to_owned(), instructions::of_start(&stand_in, &subject).await?);
    }
    let file = layout::root().join("benches/instructions.json");
    let mut kept = Kept::read(&file)?;
    if options.save {
        kept.replace(&counts, &file)?;
    }
    instructions::compare(&counts, kept.here())
}

fn result_folder() -> Result<PathBuf> {
    let folder = layout::root().join("target/bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

fn check_size(binaries: &Binaries) -> Result<()> {
    let cases = case::all()?;
    let mut too_large = Vec::new();
    for function in function::TRIGGERS {
        let case = cases.iter().find(|case| case.function == function).context("a function is not measured")?;
        let mebibytes = report::mebibytes(size::zipped(binaries.path(function)?)?);
        println!("{mebibytes:>6.2} MiB of {:.2}  {function}", case.bars.zip);
        if mebibytes > case.bars.zip {
            too_large.push(function);
        }
    }
    if !too_large.is_empty() {
        bail!("larger than they may be when zipped: {}", too_large.join(", "));
    }
    Ok(())
}

fn compare(results: &Results, save: bool) -> Result<()> {
    let kept = layout::root().join("benches/results.json");
    if kept.is_file() {
        let earlier = Results::read(&kept)?;
        let changes = results.changes_since(&earlier);
        println!("\nAgainst the result that is kept ({}):", earlier.machine);
        if changes.is_empty() {
            println!("nothing differs by more than a tenth");
        }
        for line in changes {
            println!("{line}");
        }
    }
    if save {
        results.write(&kept)?;
    }
    Ok(())
}

/// What it runs on: processor and cores, system; no name.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, model)| model.trim().to_owned()))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores, {}", std::env::consts::OS)
}
