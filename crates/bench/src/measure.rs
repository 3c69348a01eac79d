//! Runs the cases in turns and takes the medians.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hyper::body::Bytes;

use super::case::Case;
use super::cpu::Limit;
use super::lambda::{Process, Program, Start};
use super::report::{Row, median};
use super::stand_in::{Call, StandIn, rounds};
use super::{size, usage};

/// How long calls take where rounds are told apart: long against what a function does between two of one round.
const ROUND: Duration = Duration::from_millis(20);

/// Into how many blocks the further events of a process are divided.
const BLOCKS: usize = 20;

/// One program on one case.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What is started.
    pub program: Program,
    /// What it is to do.
    pub case: Case,
    /// Its file, where it has one that is deployed as it is.
    pub binary: Option<PathBuf>,
    /// Whether it is one of ours, whose calls are held against the case's.
    pub own: bool,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Starts of each subject.
    pub starts: usize,
    /// Further events to each subject in one process.
    pub events: usize,
    /// How long each call to Cognito takes.
    pub delay: Duration,
}

/// Measures every subject, start by start in turns, so that whatever else the machine does hits all alike.
///
/// # Errors
///
/// A function fails or makes other calls than its case says.
pub async fn all(
    stand_in: &StandIn,
    subjects: &[Subject],
    effort: Effort,
    share: Option<(&Limit, u64)>,
    progress: impl Fn(usize),
) -> Result<Vec<Row>> {
    stand_in.set_delay(effort.delay);
    stand_in.set_people(1);
    let mut starts: Vec<Vec<Start>> = vec![Vec::new(); subjects.len()];
    let mut rows = Vec::new();
    for turn in 0..effort.starts {
        for (subject, starts) in subjects.iter().zip(&mut starts) {
            starts.push(start(stand_in, subject, share).await?);
        }
        progress(turn + 1);
    }
    let mut warm = warm(stand_in, subjects, effort.events).await?.into_iter();
    for (subject, starts) in subjects.iter().zip(&starts) {
        let mut row = Row::new(&subject.program.name, starts, subject.case.bars);
        if let Some(binary) = &subject.binary {
            row.zipped = Some(size::zipped(binary)?);
        }
        row.warm = warm.next();
        let calls = calls_of(stand_in, subject, ROUND).await?;
        (row.calls, row.rounds) = (calls.len(), rounds(&calls));
        rows.push(row);
    }
    Ok(rows)
}

async fn start(stand_in: &StandIn, subject: &Subject, share: Option<(&Limit, u64)>) -> Result<Start> {
    let begin = Process::start(&subject.program, subject.case.payload(), share);
    let ((_process, start), _) = with_calls(stand_in, subject, begin).await?;
    Ok(start)
}

/// What `begin` gives, which starts a process for the subject and ends with its first answer, and the calls it made: those
/// of the case and no others. A call that was repeated, or not made, would be another start.
pub(super) async fn with_calls<T>(
    stand_in: &StandIn,
    subject: &Subject,
    begin: impl Future<Output = Result<T>>,
) -> Result<(T, Vec<Call>)> {
    let _ = stand_in.take_calls();
    let begun = begin.await?;
    let calls = stand_in.take_calls();
    check_calls(&calls, subject)?;
    Ok((begun, calls))
}

/// CPU time per further event of each subject, in a process that has answered some already: in turns too, a block of
/// events at a time, and the median of the blocks. None for no events.
async fn warm(stand_in: &StandIn, subjects: &[Subject], events: usize) -> Result<Vec<Duration>> {
    if events == 0 {
        return Ok(Vec::new());
    }
    let block = events.div_ceil(BLOCKS);
    stand_in.set_delay(Duration::ZERO);
    let mut processes = Vec::new();
    for subject in subjects {
        let (mut process, _) = Process::start(&subject.program, subject.case.payload(), None).await?;
        send(stand_in, subject, &mut process, block).await?;
        processes.push((process, Vec::new()));
    }
    for _ in 0..BLOCKS {
        for (subject, (process, costs)) in subjects.iter().zip(&mut processes) {
            // Wakes the processor up and brings the process back into its caches.
            send(stand_in, subject, process, 2).await?;
            let before = usage::cpu(process.id())?;
            send(stand_in, subject, process, block).await?;
            let spent = usage::cpu(process.id())?.saturating_sub(before);
            costs.push(spent / u32::try_from(block).context("too many events")?);
        }
    }
    Ok(processes.into_iter().map(|(_, costs)| median(costs)).collect())
}

/// Sends the subject's event to its process several times, and counts the calls.
async fn send(stand_in: &StandIn, subject: &Subject, process: &mut Process, events: usize) -> Result<()> {
    let _ = stand_in.take_calls();
    let event = subject.case.payload();
    for _ in 0..events {
        process.invoke(event.clone()).await?;
    }
    let calls = stand_in.take_calls().len();
    if subject.own && calls != events * subject.case.calls.len() {
        bail!("{}: {calls} calls for {events} events", subject.program.name);
    }
    Ok(())
}

/// The calls of one event to a new process, each of which takes `delay`, so that rounds can be told apart.
///
/// # Errors
///
/// The function fails, makes other calls than its case says, or makes them in more rounds.
pub async fn calls_of(stand_in: &StandIn, subject: &Subject, delay: Duration) -> Result<Vec<Call>> {
    stand_in.set_delay(delay);
    let begin = Process::start(&subject.program, subject.case.payload(), None);
    let (_process, calls) = with_calls(stand_in, subject, begin).await?;
    let rounds = rounds(&calls);
    if subject.own && rounds != subject.case.rounds {
        bail!("{}: {rounds} rounds where {} are enough", subject.program.name, subject.case.rounds);
    }
    Ok(calls)
}

fn check_calls(calls: &[Call], subject: &Subject) -> Result<()> {
    let mut made: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
    made.sort_unstable();
    let mut wanted: Vec<_> = subject.case.calls.to_vec();
    wanted.sort_unstable();
    if subject.own && made != wanted {
        bail!("{} called {made:?} where it is to call {wanted:?}", subject.program.name);
    }
    Ok(())
}

/// Resident memory in KiB of one process after each tenth of `events` events.
///
/// # Errors
///
/// The function fails.
pub async fn soak(stand_in: &StandIn, subject: &Subject, events: usize, progress: impl Fn(usize)) -> Result<Vec<u64>> {
    stand_in.set_delay(Duration::ZERO);
    stand_in.set_people(1);
    let (mut process, _) = Process::start(&subject.program, subject.case.payload(), None).await?;
    let event = subject.case.payload();
    let mut memory = Vec::new();
    for tenth in 1..=10 {
        for _ in 0..events / 10 {
            process.invoke(event.clone()).await?;
        }
        let _ = stand_in.take_calls();
        memory.push(usage::resident_memory(process.id())?);
        progress(tenth);
    }
    Ok(memory)
}

/// CPU time per event against the number of people in the pool, each event about another one of them.
///
/// # Errors
///
/// The function fails.
pub async fn pool_sizes(
    stand_in: &StandIn,
    subject: &Subject,
    events: usize,
    sizes: &[u64],
) -> Result<Vec<(u64, Duration, usize)>> {
    stand_in.set_delay(Duration::ZERO);
    let mut costs = Vec::new();
    for &people in sizes {
        stand_in.set_people(people);
        let (mut process, _) = Process::start(&subject.program, about(subject, 0), None).await?;
        for number in 0..events / 10 {
            process.invoke(about(subject, number as u64 % people)).await?;
        }
        let _ = stand_in.take_calls();
        let before = usage::cpu(process.id())?;
        for number in 0..events {
            // Spread over the whole pool.
            process.invoke(about(subject, number as u64 * 7919 % people)).await?;
        }
        let spent = usage::cpu(process.id())?.saturating_sub(before);
        let calls = stand_in.take_calls().len() / events;
        costs.push((people, spent / u32::try_from(events).context("too many events")?, calls));
    }
    Ok(costs)
}

fn about(subject: &Subject, person: u64) -> Bytes {
    let mut event = subject.case.event.clone();
    event["request"]["userAttributes"]["email"] = format!("person-{person}@example.com").into();
    Bytes::from(event.to_string())
}
