//! Runs the cases, counts their calls, and takes the medians of their costs.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use local_cloud::function;
use local_cloud::runtime_api::Function;
use tokio::process::Command;

use crate::case::Case;
use crate::share::Share;
use crate::stand_in::{Call, StandIn, rounds};
use crate::{size, usage};

/// How long each call takes when rounds are counted. It must be long compared with the time between two calls of one
/// round.
const ROUND: Duration = Duration::from_millis(20);

/// One program with one case.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The name in the table.
    pub name: String,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// Its environment variables, apart from Lambda's own.
    pub settings: Vec<(String, String)>,
    /// The case.
    pub case: Case,
    /// For a function of this repository, the file that is deployed. Its calls are checked against the case's.
    pub binary: Option<PathBuf>,
}

impl Subject {
    /// A function of this repository. `endpoint` has the variables that tell it where Cognito is.
    #[must_use]
    pub fn function(case: Case, binary: &Path, endpoint: Vec<(String, String)>) -> Self {
        let settings = function::SETTINGS.iter().chain(case.settings);
        let settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            name: case.name.to_owned(),
            command: vec![binary.display().to_string()],
            settings: endpoint.into_iter().chain(settings).collect(),
            case,
            binary: Some(binary.to_owned()),
        }
    }
}

/// The costs of one start.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// From the start of the process to its first answer.
    pub wall: Duration,
    /// From the event, which the process waits for, to its first answer.
    pub answer: Duration,
    /// CPU time from the start of the process until it asks for its second event.
    pub cpu: Duration,
    /// Peak memory in KiB at that moment.
    pub peak: u64,
}

/// The medians of one program with one case.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    pub(crate) answer: Duration,
    /// In KiB.
    pub(crate) peak: u64,
    /// Zipped size in bytes, for a function of this repository.
    pub(crate) zipped: Option<u64>,
    /// CPU time of one further event.
    pub(crate) per_event: Option<Duration>,
    /// Calls to Cognito for one event.
    pub(crate) calls: usize,
    /// How many of them waited for an earlier one.
    pub(crate) rounds: usize,
}

impl Row {
    /// The medians of some starts.
    pub(crate) fn new(name: &str, starts: &[Start]) -> Self {
        Self {
            name: name.to_owned(),
            cpu: median(starts.iter().map(|start| start.cpu)),
            wall: median(starts.iter().map(|start| start.wall)),
            answer: median(starts.iter().map(|start| start.answer)),
            peak: median(starts.iter().map(|start| start.peak)),
            zipped: None,
            per_event: None,
            calls: 0,
            rounds: 0,
        }
    }
}

/// The value in the middle, or the default value if there are none.
fn median<T: Ord + Copy + Default>(values: impl IntoIterator<Item = T>) -> T {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Starts every subject several times and sends `events` further events to one process of each. The subjects take
/// turns, so that other work on the machine slows all of them equally. In the starts, each call takes `delay`, and a process
/// has its `share` of a core from its first event on: before that, Lambda gives it more.
///
/// # Errors
///
/// Fails if a function fails, or if one of this repository makes other calls than its case says.
pub(crate) async fn compare(
    stand_in: &StandIn,
    subjects: &[Subject],
    starts: usize,
    events: u32,
    delay: Duration,
    share: Option<&Share>,
) -> Result<Vec<Row>> {
    stand_in.set_delay(delay);
    let mut measured: Vec<Vec<Start>> = vec![Vec::new(); subjects.len()];
    for _ in 0..starts {
        for (subject, measured) in subjects.iter().zip(&mut measured) {
            measured.push(start(stand_in, subject, &[], share).await?.1);
        }
    }
    let mut rows = Vec::new();
    for (subject, starts) in subjects.iter().zip(&measured) {
        let mut row = Row::new(&subject.name, starts);
        row.zipped = subject.binary.as_deref().map(size::zipped).transpose()?;
        row.per_event = per_event(stand_in, subject, events).await?;
        let calls = calls_of(stand_in, subject, ROUND).await?;
        (row.calls, row.rounds) = (calls.len(), rounds(&calls));
        rows.push(row);
    }
    Ok(rows)
}

/// How many starts the kept peak memory is the median of.
const STARTS_FOR_PEAK: usize = 9;

/// The peak memory of a start in KiB: the median of some.
///
/// # Errors
///
/// Fails if the function fails, or makes other calls than its case says.
pub(crate) async fn peak(stand_in: &StandIn, subject: &Subject) -> Result<u64> {
    let mut peaks = Vec::with_capacity(STARTS_FOR_PEAK);
    for _ in 0..STARTS_FOR_PEAK {
        peaks.push(start(stand_in, subject, &[], None).await?.1.peak);
    }
    Ok(median(peaks))
}

/// Starts the subject, sends it its event, and returns when it asks for the next one. The words of `under` come before
/// the command. The process has its `share` of a core from the event on.
///
/// # Errors
///
/// Fails if the subject does not start or answers with an error. Also fails if it is a function of this repository and
/// makes other calls than its case says, because a repeated or missing call would change what is measured.
pub(crate) async fn start(
    stand_in: &StandIn,
    subject: &Subject,
    under: &[String],
    share: Option<&Share>,
) -> Result<(Function, Start)> {
    let _ = stand_in.take_calls();
    let started = begin_with(subject, under, share).await?;
    check_calls(&stand_in.take_calls(), subject)?;
    Ok(started)
}

/// Starts the subject, sends it its event, and returns when it asks for the next one, whatever calls it makes. The words of
/// `under` come before the command.
///
/// # Errors
///
/// Fails if the subject does not start or answers with an error.
pub async fn begin(subject: &Subject, under: &[String]) -> Result<(Function, Start)> {
    begin_with(subject, under, None).await
}

async fn begin_with(subject: &Subject, under: &[String], share: Option<&Share>) -> Result<(Function, Start)> {
    let mut words = under.iter().chain(&subject.command);
    let mut command = Command::new(words.next().context("a program without a command")?);
    command.args(words);
    let from = Instant::now();
    let function = Function::start_command(&subject.name, command, &subject.settings).await?;
    let process = function.process_id()?;
    if let Some(share) = share {
        share.give(process)?;
    }
    let event = Instant::now();
    invoke(&function, subject).await?;
    let (wall, answer) = (from.elapsed(), event.elapsed());
    function.wait_until_idle().await?;
    Ok((function, Start { wall, answer, cpu: usage::cpu(process)?, peak: usage::peak_memory(process)? }))
}

async fn invoke(function: &Function, subject: &Subject) -> Result<()> {
    match function.invoke(&subject.case.event).await? {
        Ok(_) => Ok(()),
        Err(error) => bail!("{} failed: {error:?}\n{}", subject.name, function.log()),
    }
}

/// CPU time of one further event, in a process that has answered some events already.
async fn per_event(stand_in: &StandIn, subject: &Subject, events: u32) -> Result<Option<Duration>> {
    if events == 0 {
        return Ok(None);
    }
    stand_in.set_delay(Duration::ZERO);
    let (function, _) = start(stand_in, subject, &[], None).await?;
    let send = async |events: u32| -> Result<()> {
        for _ in 0..events {
            invoke(&function, subject).await?;
            function.wait_until_idle().await?;
        }
        Ok(())
    };
    send(events / 10).await?;
    let before = usage::cpu(function.process_id()?)?;
    send(events).await?;
    Ok(Some(usage::cpu(function.process_id()?)?.saturating_sub(before) / events))
}

/// The calls that a new process makes for one event. Each call takes `delay`, so that rounds can be told apart.
///
/// # Errors
///
/// Fails if the subject does not start or answers with an error, or if a function of this repository makes other calls
/// than its case says, or makes them in more rounds.
pub async fn calls_of(stand_in: &StandIn, subject: &Subject, delay: Duration) -> Result<Vec<Call>> {
    stand_in.set_delay(delay);
    let _ = stand_in.take_calls();
    let _function = begin(subject, &[]).await?;
    let calls = stand_in.take_calls();
    check_calls(&calls, subject)?;
    let rounds = rounds(&calls);
    if subject.binary.is_some() && rounds != subject.case.rounds {
        bail!("{}: {rounds} rounds, but {} are enough", subject.name, subject.case.rounds);
    }
    Ok(calls)
}

fn check_calls(calls: &[Call], subject: &Subject) -> Result<()> {
    let mut made: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
    made.sort_unstable();
    let mut wanted: Vec<_> = subject.case.calls.to_vec();
    wanted.sort_unstable();
    if subject.binary.is_some() && made != wanted {
        bail!("{} called {made:?}, but should call {wanted:?}", subject.name);
    }
    Ok(())
}
