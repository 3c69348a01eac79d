//! The command `cargo xtask bench`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Args};
use local_cloud::function::{self, BARE, Binaries};
use local_cloud::layout;
use local_cloud::steps::step;

use crate::kept::{Figures, INSTRUCTIONS, PEAK_MEMORY};
use crate::measure::{self, Subject};
use crate::share::Share;
use crate::stand_in::StandIn;
use crate::{case, instructions, report, size};

/// The variable that is set for the optimised build of this program.
const OPTIMISED: &str = "XTASK_BENCH_OPTIMISED";

/// What to measure: by default a comparison of times and memory.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(group(ArgGroup::new("kept").args(["instructions", "peak_memory"]).multiple(true)))]
pub struct Options {
    /// Starts of each function.
    #[arg(long, default_value_t = 30)]
    runs: usize,
    /// Further events to one process of each function; 0 leaves this out.
    #[arg(long, default_value_t = 1000)]
    events: u32,
    /// How long each call to Cognito takes, in milliseconds, beside the time of the stand-in itself.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    call_delay: u64,
    /// Give each function from its first event on the share of a core that Lambda gives a function with this much memory,
    /// in MB. Needs root.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(128..=10_240))]
    memory: Option<u32>,
    /// Another program that speaks the Lambda Runtime API, as name=command; may be repeated.
    #[arg(long = "peer", value_name = "NAME=COMMAND", value_parser = peer)]
    peers: Vec<(String, String)>,
    /// Only check the sizes of the functions.
    #[arg(long)]
    check_size: bool,
    /// Only count the instructions of each start, with Valgrind, and fail if a count is more than a tenth above the one
    /// in benches/instructions.json.
    #[arg(long)]
    instructions: bool,
    /// Only take the peak memory of each start, and fail if one is more than 15 % above the one in benches/peak_memory.json.
    #[arg(long)]
    peak_memory: bool,
    /// Save the figures in benches.
    #[arg(long, requires = "kept")]
    save: bool,
}

fn peer(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, command)) if !name.is_empty() && !command.trim().is_empty() => {
            Ok((name.to_owned(), command.to_owned()))
        }
        _ => Err("expected a name and a command with = between them, as in node=node .local/peers/link.cjs".to_owned()),
    }
}

/// Builds the functions with the release profile, measures them, and prints the results.
///
/// # Errors
///
/// Fails if a function does not build or fails, if the machine lacks something that the options need, or if a size or
/// count is above its limit.
pub async fn run(options: Options) -> Result<()> {
    if !options.check_size && !options.instructions && !options.peak_memory {
        return compare(&options).await;
    }
    let binaries = Binaries::build_functions().await?;
    if options.check_size {
        size::check(&binaries)?;
    }
    let folder = result_folder()?;
    let stand_in = StandIn::start(&folder).await?;
    if options.instructions {
        let count = async |subject: &Subject| instructions::of_start(&stand_in, subject, &folder).await;
        INSTRUCTIONS.check(&figures(&stand_in, &binaries, count).await?, options.save)?;
    }
    if options.peak_memory {
        let peak = async |subject: &Subject| measure::peak(&stand_in, subject).await;
        PEAK_MEMORY.check(&figures(&stand_in, &binaries, peak).await?, options.save)?;
    }
    Ok(())
}

async fn compare(options: &Options) -> Result<()> {
    if std::env::var_os(OPTIMISED).is_none() {
        return run_optimised().await;
    }
    let binaries = Binaries::build_functions().await?.with_bare().await?;
    let stand_in = StandIn::start(&result_folder()?).await?;
    let mut subjects = Vec::new();
    for case in case::all()? {
        let binary = binaries.path(case.function)?;
        subjects.push(Subject::function(case, binary, stand_in.environment()));
    }
    subjects.extend(peers(&options.peers, &subjects));
    let delay = Duration::from_millis(options.call_delay);
    let share = options.memory.map(Share::new).transpose()?;
    let title = format!("{} starts of each of {} functions, in turns", options.runs, subjects.len());
    let rows =
        step(&title, measure::compare(&stand_in, &subjects, options.runs, options.events, delay, share.as_ref()))
            .await?;
    println!("{}\n\nRatios are to `{BARE}`, which does nothing, in the same run.", report::table(&rows)?);
    Ok(())
}

/// The programs in other languages, each with the cases that link a person.
fn peers(peers: &[(String, String)], own: &[Subject]) -> Vec<Subject> {
    let on_each_case = peers.iter().flat_map(|(name, command)| {
        own.iter().filter(|own| own.case.links() && own.case.settings.is_empty()).map(move |own| Subject {
            name: format!("{name} / {}", own.name),
            command: command.split_whitespace().map(str::to_owned).collect(),
            binary: None,
            ..own.clone()
        })
    });
    on_each_case.collect()
}

/// Runs the same command from an optimised build of this program, so that the stand-in does not slow the functions
/// down.
async fn run_optimised() -> Result<()> {
    let mut cargo = function::cargo();
    cargo.args(["run", "--quiet", "--profile", "bench-tool", "--package", "xtask", "--"]);
    let status = cargo.args(std::env::args_os().skip(1)).env(OPTIMISED, "1").status().await?;
    if !status.success() {
        bail!("the benchmark failed; see above");
    }
    Ok(())
}

/// A figure of each case of each function of this repository.
async fn figures(
    stand_in: &StandIn,
    binaries: &Binaries,
    figure: impl AsyncFn(&Subject) -> Result<u64>,
) -> Result<Figures> {
    let mut figures = Figures::new();
    for case in case::all()?.into_iter().filter(|case| !case.is_bare()) {
        let binary = binaries.path(case.function)?;
        let subject = Subject::function(case, binary, stand_in.environment());
        figures.insert(subject.name.clone(), figure(&subject).await?);
    }
    Ok(figures)
}

fn result_folder() -> Result<PathBuf> {
    let folder = layout::root().join("target/bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}
