//! Explores schedules: which waiting call is made next, and what becomes of it.
//!
//! Depth first, each schedule from a fresh pool. An invocation is a function of the replies it
//! got, so a point in a schedule is known by the pool and by what each invocation has seen; a
//! point that was reached before is not explored again, which loses no interleaving.

use crate::gate::{Fate, Gate};
use cognito_core::user_pool::memory::MemoryPool;
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

pub type Invocation = Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// Starts one invocation on a gate.
pub type Start<'a> = &'a dyn Fn(Gate, usize) -> Invocation;

/// A call of an invocation that does not go well.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub invocation: usize,
    /// How many calls of the invocation go well before.
    pub after: usize,
    pub fate: Fate,
}

/// How the next call is chosen.
pub enum Choice<'a> {
    /// By this path, and the first where it ends; records how many there were.
    Path(&'a mut Vec<(usize, usize)>, &'a mut HashSet<u64>),
    /// At random.
    Random(&'a mut dyn FnMut(usize) -> usize),
}

/// One schedule's end.
pub struct Run {
    /// The invocations' results; `None` if it crashed.
    pub results: Vec<Option<Result<(), String>>>,
    /// Whether the rest was explored before.
    pub known: bool,
}

/// Runs `count` invocations at once until all have ended.
pub fn run(pool: &MemoryPool, count: usize, start: Start<'_>, faults: &[Fault], mut choice: Choice<'_>) -> Run {
    let gates: Vec<Gate> = (0..count).map(|_| Gate::new(pool)).collect();
    let mut tasks: Vec<Option<Invocation>> =
        gates.iter().enumerate().map(|(n, gate)| Some(start(gate.clone(), n))).collect();
    let mut results = vec![None; count];
    let mut depth = 0;
    loop {
        poll_all(&mut tasks, &mut results);
        let waiting: Vec<(usize, usize)> = (0..count)
            .filter(|n| tasks[*n].is_some())
            .flat_map(|n| gates[n].waiting().into_iter().map(move |call| (n, call)))
            .collect();
        if waiting.is_empty() {
            assert!(tasks.iter().all(Option::is_none), "an invocation waits for nothing");
            return Run { results, known: false };
        }
        let chosen = match &mut choice {
            Choice::Random(pick) => pick(waiting.len()),
            Choice::Path(path, seen) => {
                if depth == path.len() {
                    if !seen.insert(point(pool, &gates, &results)) {
                        return Run { results, known: true };
                    }
                    path.push((0, waiting.len()));
                }
                path[depth].0
            }
        };
        depth += 1;
        let (n, call) = waiting[chosen];
        let fault = faults.iter().find(|fault| fault.invocation == n && fault.after == gates[n].granted());
        let fate = fault.map_or(Fate::Happens, |fault| fault.fate);
        gates[n].grant(call, fate);
        if matches!(fate, Fate::CrashBefore | Fate::CrashAfter) {
            // The call is on its way when the process ends; polling once lets it happen or not.
            poll_all(&mut tasks[n..=n], &mut results[n..=n]);
            (tasks[n], results[n]) = (None, None);
        }
    }
}

/// Explores every schedule of `count` invocations with these faults; `check` sees each end.
/// Returns how many schedules there were.
pub fn explore(
    fresh: &dyn Fn() -> MemoryPool,
    count: usize,
    start: Start<'_>,
    faults: &[Fault],
    check: &mut dyn FnMut(&MemoryPool, &Run),
) -> u64 {
    let (mut path, mut seen, mut schedules) = (Vec::new(), HashSet::new(), 0);
    loop {
        let pool = fresh();
        let run = run(&pool, count, start, faults, Choice::Path(&mut path, &mut seen));
        schedules += 1;
        if !run.known {
            check(&pool, &run);
        }
        while path.last().is_some_and(|(chosen, options)| chosen + 1 == *options) {
            path.pop();
        }
        match path.last_mut() {
            Some((chosen, _)) => *chosen += 1,
            None => return schedules,
        }
    }
}

fn poll_all(tasks: &mut [Option<Invocation>], results: &mut [Option<Result<(), String>>]) {
    let mut context = Context::from_waker(Waker::noop());
    for (task, result) in tasks.iter_mut().zip(results) {
        // Twice, because one part of an invocation may wait for another that is polled after it.
        for _ in 0..2 {
            if let Some(running) = task
                && let Poll::Ready(ended) = running.as_mut().poll(&mut context)
            {
                (*task, *result) = (None, Some(ended));
            }
        }
    }
}

fn point(pool: &MemoryPool, gates: &[Gate], results: &[Option<Result<(), String>>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    digest(pool).hash(&mut hasher);
    for gate in gates {
        (gate.seen(), gate.waiting()).hash(&mut hasher);
    }
    results.hash(&mut hasher);
    hasher.finish()
}

/// The pool's state, with what is random in it left out.
pub fn digest(pool: &MemoryPool) -> u64 {
    let mut hasher = DefaultHasher::new();
    for account in pool.accounts() {
        let password =
            account.password.as_deref().map(|password| if password.len() == 99 { "random" } else { password });
        let identities: Vec<_> = account.identities.iter().map(|known| (&known.provider, &known.value)).collect();
        let state = (&account.sub, account.status, account.enabled, &account.email, account.email_verified, password);
        let ways_in = (identities, &account.groups, &account.sessions, &account.phone, account.phone_verified);
        (state, ways_in, account.second_factor, &account.pending_email).hash(&mut hasher);
    }
    hasher.finish()
}
