//! Runs two processes at once, in every order of their calls to the outside that makes a difference.
//!
//! Depth first, each schedule from the same beginning. Two calls that do not see each other's effects lead to the same end
//! in either order, so only one of the orders is explored: where a call meets an earlier one of the other process that it
//! depends on, the schedule in which it comes first is explored, too (Flanagan and Godefroid, "Dynamic partial-order
//! reduction for model checking software", 2005). Most faults show with few preemptions, so the number of preemptions can
//! be bounded; then a call is also tried at the last switch before (Coons, Musuvathi and McKinley, "Bounded partial-order
//! reduction", 2013). Without a bound, sleep sets leave out what was explored in another order. What one process asks for
//! at once, it gets in the order in which it asked.

use crate::gate::{Gate, Step};
use crate::house::House;
use account_api::Clock as _;
use account_api::mailer::memory::MemoryMailer;
use account_api::store::memory::MemoryStore;
use cognito_core::user_pool::memory::{MemoryPool, PoolKind};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Calls that change nothing.
const READS: [&str; 6] =
    ["GetItem", "AdminGetUser", "ListUsers", "AdminListGroupsForUser", "AdminGetUserAuthFactors", "DescribeUserPool"];

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The API's answer.
    Answered { status: u16, body: Value },
    /// A sign-in at Cognito led to the account with this `sub`, or nowhere.
    SignedIn(Option<String>),
}

impl End {
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. } | Self::SignedIn(Some(_)))
    }

    /// The accounts that are told to have become one: the one that is gone, and the one that has its identities.
    pub(crate) fn connected(&self) -> Option<(&str, &str)> {
        let Self::Answered { body, .. } = self else { return None };
        Some((body["goes"].as_str()?, body["stays"].as_str()?))
    }
}

pub(crate) type Running = Pin<Box<dyn Future<Output = End>>>;

/// A process and its way to the outside.
pub(crate) struct Process {
    pub(crate) gate: Gate,
    pub(crate) start: Box<dyn Fn() -> Running>,
}

/// What is outside of the processes, at one time.
struct Outside {
    pool: MemoryPool,
    store: MemoryStore,
    mailer: MemoryMailer,
    time: u64,
}

impl Outside {
    fn of(house: &House) -> Self {
        let (pool, time) = (MemoryPool::new(PoolKind::EmailUserNames, []), house.clock.now());
        let copy = Self { pool, store: MemoryStore::default(), mailer: MemoryMailer::default(), time };
        copy.pool.copy_from(&house.pool);
        copy.store.copy_from(&house.store);
        copy.mailer.copy_from(&house.mailer);
        copy
    }

    fn restore(&self, house: &House) {
        house.pool.copy_from(&self.pool);
        house.store.copy_from(&self.store);
        house.mailer.copy_from(&self.mailer);
        house.clock.set(self.time);
    }
}

/// This process ends after so many of its calls. That the last one happens and is never answered is the same.
#[derive(Clone, Copy, Debug)]
struct Cut {
    process: usize,
    after: usize,
}

/// One schedule.
pub(crate) struct Run {
    /// How the processes ended; `None` if it was cut off.
    pub(crate) ends: [Option<End>; 2],
    steps: Vec<(usize, Step)>,
    cut: Option<Cut>,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Step { operation, key }) in &self.steps {
            writeln!(f, "{n} {operation} {key}")?;
        }
        write!(f, "{:?}\n{:?}", self.cut, self.ends)
    }
}

/// How much was explored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// Schedules.
    pub(crate) schedules: u64,
    /// Different ends.
    pub(crate) ends: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.ends += other.ends;
    }
}

/// A point of the schedule at hand, before one of the two goes on.
struct Point {
    /// Who goes on.
    chosen: usize,
    /// Who could.
    able: BTreeSet<usize>,
    /// Who has to go on from here, in one schedule or another.
    wanted: BTreeSet<usize>,
    /// Who need not go on from here: that has been explored, here or in another order.
    asleep: BTreeSet<usize>,
}

/// Explores two processes.
pub(crate) struct Explorer<'a> {
    house: &'a House,
    processes: &'a [Process; 2],
    /// How often a process that could go on stands still for the other one, at most.
    preemptions: Option<usize>,
    begin: Outside,
    /// The ends that were looked at.
    known: HashSet<u64>,
    /// After how many of its calls a process had just changed something.
    changes: [BTreeSet<usize>; 2],
}

impl<'a> Explorer<'a> {
    pub(crate) fn new(house: &'a House, processes: &'a [Process; 2], preemptions: Option<usize>) -> Self {
        let begin = Outside::of(house);
        Self { house, processes, preemptions, begin, known: HashSet::new(), changes: Default::default() }
    }

    /// Explores every order. `check` sees each different end, and may change what is outside.
    pub(crate) async fn orders(&mut self, check: &mut impl AsyncFnMut(&Run)) -> Count {
        self.explore(None, check).await
    }

    /// The same, but one of the two is cut off after any call that changed something. What was explored by
    /// [`Self::orders`] tells after which.
    pub(crate) async fn orders_cut_off(&mut self, check: &mut impl AsyncFnMut(&Run)) -> Count {
        let mut count = Count::default();
        for process in 0..2 {
            for after in self.changes[process].clone() {
                count += self.explore(Some(Cut { process, after }), check).await;
            }
        }
        count
    }

    async fn explore(&mut self, cut: Option<Cut>, check: &mut impl AsyncFnMut(&Run)) -> Count {
        let (mut path, mut count) = (Vec::new(), Count::default());
        loop {
            self.begin.restore(self.house);
            let run = Schedule::new(self, cut).run(&mut path).await;
            count.schedules += 1;
            if let Some(run) = run {
                self.note_changes(&run);
                if self.known.insert(self.end(&run)) {
                    count.ends += 1;
                    check(&run).await;
                }
            }
            while let Some(mut point) = path.pop() {
                point.asleep.insert(point.chosen);
                if let Some(next) = point.wanted.difference(&point.asleep).next() {
                    point.chosen = *next;
                    path.push(point);
                    if self.preemptions.is_none_or(|most| preemptions(&path) <= most) {
                        break;
                    }
                }
            }
            if path.is_empty() {
                self.begin.restore(self.house);
                return count;
            }
        }
    }

    fn note_changes(&mut self, run: &Run) {
        let mut made = [0; 2];
        for (n, step) in &run.steps {
            made[*n] += 1;
            if !READS.contains(&step.operation) {
                self.changes[*n].insert(made[*n]);
            }
        }
    }

    /// What is left, without what is random in it.
    fn end(&self, run: &Run) -> u64 {
        let mut accounts = self.house.pool.accounts();
        for account in &mut accounts {
            if account.password.as_ref().is_some_and(|password| password.len() == 99) {
                account.password = Some("random".to_owned());
            }
        }
        let mut mails: Vec<_> =
            self.house.mailer.sent().into_iter().map(|mail| (mail.to, mail.letter.subject)).collect();
        mails.sort();
        let outside = (format!("{accounts:?}"), without_codes(&self.house.store.text()), mails, self.house.clock.now());
        let mut hasher = DefaultHasher::new();
        (outside, format!("{:?}", run.ends)).hash(&mut hasher);
        hasher.finish()
    }
}

/// How often a process that could go on stood still for the other one.
fn preemptions(path: &[Point]) -> usize {
    path.windows(2).filter(|two| two[0].chosen != two[1].chosen && two[1].able.contains(&two[0].chosen)).count()
}

struct Schedule<'a> {
    processes: &'a [Process; 2],
    is_bounded: bool,
    running: [Option<Running>; 2],
    /// How many calls each has made.
    made: [usize; 2],
    run: Run,
    /// For each step so far, and for each process, how many steps of each process came before it for sure.
    clocks: Vec<[usize; 2]>,
    last: [[usize; 2]; 2],
}

impl<'a> Schedule<'a> {
    fn new(of: &Explorer<'a>, cut: Option<Cut>) -> Self {
        of.processes.iter().for_each(|process| process.gate.close());
        let running = [0, 1].map(|n| Some((of.processes[n].start)()));
        let run = Run { ends: [None, None], steps: Vec::new(), cut };
        let (clocks, last) = (Vec::new(), [[0; 2]; 2]);
        let is_bounded = of.preemptions.is_some();
        Self { processes: of.processes, is_bounded, running, made: [0; 2], run, clocks, last }
    }

    /// Runs until both have ended. `None` if that leads nowhere new.
    async fn run(mut self, path: &mut Vec<Point>) -> Option<Run> {
        for n in 0..2 {
            self.goes_on(n).await;
        }
        let mut asleep = BTreeSet::new();
        for depth in 0.. {
            let next = [0, 1].map(|n| self.next(n));
            let able: BTreeSet<usize> = (0..2).filter(|n| next[*n].is_some()).collect();
            for (n, (_, step)) in (0..2).filter_map(|n| Some((n, next[n].as_ref()?))) {
                self.want_before(n, step, path);
            }
            if depth == path.len() {
                let awake: Vec<usize> = able.difference(&asleep).copied().collect();
                let goes_on = path.last().map(|point| point.chosen).filter(|last| awake.contains(last));
                let Some(chosen) = goes_on.or_else(|| awake.first().copied()) else { break };
                path.push(Point { chosen, able, wanted: [chosen].into(), asleep: asleep.clone() });
            }
            let point = &path[depth];
            let (chosen, (number, step)) = (point.chosen, next[point.chosen].clone()?);
            let other = 1 - chosen;
            let is_free = |step: &Step, other: &(usize, Step)| !depends(step, &other.1);
            let stays_asleep =
                point.asleep.contains(&other) && next[other].as_ref().is_some_and(|other| is_free(&step, other));
            asleep = if stays_asleep && !self.is_bounded { [other].into() } else { BTreeSet::new() };
            self.make(chosen, number, step).await;
        }
        self.processes.iter().for_each(|process| process.gate.open());
        // Somebody could go on, and that was explored in another order.
        (0..2).all(|n| self.running[n].is_none()).then_some(self.run)
    }

    /// Where an earlier step of the other process does not have to come first, this one shall come first, too.
    fn want_before(&self, n: usize, step: &Step, path: &mut [Point]) {
        let is_race = |(at, (by, earlier)): &(usize, &(usize, Step))| {
            *by != n && depends(earlier, step) && self.clocks[*at][*by] > self.last[n][*by]
        };
        if let Some((at, _)) = self.run.steps.iter().enumerate().rev().find(is_race) {
            path[at].wanted.insert(n);
            let is_switch = |at: &usize| *at == 0 || path[at - 1].chosen != path[*at].chosen;
            if let Some(switch) =
                (0..=at).rev().find(is_switch).filter(|at| self.is_bounded && path[*at].able.contains(&n))
            {
                path[switch].wanted.insert(n);
            }
        }
    }

    /// The call that a process makes next.
    fn next(&self, n: usize) -> Option<(usize, Step)> {
        self.running[n].as_ref().and_then(|_| self.processes[n].gate.waiting().into_iter().next())
    }

    async fn make(&mut self, n: usize, number: usize, step: Step) {
        let mut clock = self.last[n];
        for ((_, earlier), known) in self.run.steps.iter().zip(&self.clocks) {
            if depends(earlier, &step) {
                clock = [clock[0].max(known[0]), clock[1].max(known[1])];
            }
        }
        self.made[n] += 1;
        clock[n] = self.made[n];
        self.last[n] = clock;
        self.clocks.push(clock);
        self.run.steps.push((n, step));
        self.processes[n].gate.let_through(number);
        self.goes_on(n).await;
    }

    /// Lets a process go on until it makes a call or ends.
    async fn goes_on(&mut self, n: usize) {
        let mut context = Context::from_waker(Waker::noop());
        // What it calls may let others run once before it answers, and a process may sleep for seconds.
        for polls in 0.. {
            let Some(running) = &mut self.running[n] else { return };
            if let Poll::Ready(end) = running.as_mut().poll(&mut context) {
                (self.running[n], self.run.ends[n]) = (None, Some(end));
            } else if self.processes[n].gate.is_anybody_waiting() {
                break;
            } else if polls > 4 {
                assert!(polls < 100, "a process waits for nothing");
                tokio::time::advance(Duration::from_millis(250)).await;
                tokio::task::yield_now().await;
            }
        }
        if self.run.cut.is_some_and(|cut| cut.process == n && cut.after == self.made[n]) {
            self.running[n] = None;
        }
    }
}

/// Whether the order of two calls of two processes makes a difference.
fn depends(one: &Step, other: &Step) -> bool {
    let is_read = |step: &Step| READS.contains(&step.operation);
    let is_of_table = |step: &Step| ["GetItem", "PutItem"].contains(&step.operation);
    // Mails arrive in any order, and the ceilings are out of reach here.
    let is_free = |step: &Step| ["SendEmail", "UpdateItem"].contains(&step.operation);
    if is_free(one) || is_free(other) || (is_read(one) && is_read(other)) {
        return false;
    }
    if is_of_table(one) || is_of_table(other) {
        return is_of_table(one) && is_of_table(other) && one.key == other.key;
    }
    // A change of one profile may free or take an identity or an address. The end of its sessions does neither.
    let is_local = |step: &Step| is_read(step) || step.operation == "AdminUserGlobalSignOut";
    let is_same = one.key == other.key || one.key.is_empty() || other.key.is_empty();
    is_same || !(is_local(one) || is_local(other))
}

/// Documents without the digests of codes, which are random.
fn without_codes(body: &str) -> String {
    let mut rest = body;
    let mut kept = String::with_capacity(body.len());
    while let Some((before, after)) = rest.split_once("\"code\":\"") {
        kept += before;
        rest = after.split_once('"').map_or("", |(_, after)| after);
    }
    kept + rest
}
