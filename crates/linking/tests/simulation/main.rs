//! Drives the real engine over the memory pool through every schedule it can meet.
//!
//! `cargo test -p cognito-account-linking --test simulation -- --nocapture` prints how many were explored.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, reason = "the modules of one test")]

mod explorer;
mod gate;
mod mutants;
mod scenario;

use cognito_core::user_pool::memory::{MemoryPool, Quirks};
use explorer::{Choice, Fault, Invocation, Run, explore, run};
use gate::{FAULTS, Gate};
use linking::LinkError;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use scenario::{End, Scenario, all, all_quirks};
use std::rc::Rc;
use std::thread;

/// An engine under test: settles the arrival of an identity, given by its federated user name.
type Engine = dyn Fn(Rc<Scenario>, Gate, &'static str) -> Invocation;

/// The same identity again, as Cognito repeats an invocation, and another one of the same person.
const ARRIVALS: [[&str; 3]; 2] = [["Google_1", "Google_1", "Google_1"], ["Google_1", "Okta_2", "Google_1"]];

/// The engine of the crate. A refusal shows its code, any other error its name.
fn real(scenario: Rc<Scenario>, gate: Gate, identity: &'static str) -> Invocation {
    Box::pin(async move { scenario.settle(&gate.pool(), identity, None).await.map_err(name) })
}

/// The same while Cognito throttles updates, with a queue.
fn busy(scenario: Rc<Scenario>, gate: Gate, identity: &'static str) -> Invocation {
    Box::pin(async move { scenario.settle(&gate.pool(), identity, Some(&gate)).await.map_err(name) })
}

#[expect(clippy::needless_pass_by_value, reason = "so that it fits `map_err`")]
fn name(error: LinkError) -> String {
    match error {
        LinkError::Refused(refusal) => refusal.kind().code.to_owned(),
        LinkError::Pool(_) | LinkError::Unsettled(_) => "try again".to_owned(),
    }
}

/// Repeats each arrival until it succeeds or is refused, as the person would, and looks at the pool.
/// An identity that is linked is never invoked for again: Cognito signs it in without asking.
fn violation(
    engine: &Engine,
    scenario: &Rc<Scenario>,
    pool: &MemoryPool,
    run: &Run,
    identities: &[&'static str],
    faults: &[Fault],
) -> Option<String> {
    let undisturbed = run.results.iter().all(Option::is_some) && faults.is_empty();
    let gave_up = |result: &Option<Result<(), String>>| match (result, scenario.end) {
        (Some(Err(code)), End::Refused(expected)) => code != expected,
        (Some(Err(_)), _) => true,
        _ => false,
    };
    if undisturbed && run.results.iter().any(gave_up) {
        return Some(format!("{}: an invocation gave up although nothing failed", scenario.name));
    }
    let mut results = Vec::new();
    for (result, identity) in run.results.iter().zip(identities) {
        let mut last = result.clone();
        for _ in 0..3 {
            let (provider, subject) = identity.split_once('_').expect("a user name");
            if !pool.owners_of(provider, subject).is_empty() {
                last = Some(Ok(()));
            }
            if last.is_some() && last != Some(Err("try again".into())) {
                break;
            }
            last = settled_alone(engine, scenario, pool, identity);
        }
        results.push(last.unwrap_or_else(|| Err("crashed".into())));
    }
    scenario.violation(pool, identities, &results)
}

/// One more invocation with nothing else going on.
fn settled_alone(
    engine: &Engine,
    scenario: &Rc<Scenario>,
    pool: &MemoryPool,
    identity: &'static str,
) -> Option<Result<(), String>> {
    let start = |gate, _| engine(Rc::clone(scenario), gate, identity);
    run(pool, 1, &start, &[], Choice::Random(&mut |_| 0)).results.remove(0)
}

/// Explores every schedule of the arrivals under the faults. Returns the number of schedules and
/// the first violation.
fn explored(
    engine: &Engine,
    scenario: &Scenario,
    identities: &[&'static str],
    faults: &[Fault],
) -> (u64, Option<String>) {
    let scenario = Rc::new(scenario.clone());
    let start = |gate, n: usize| engine(Rc::clone(&scenario), gate, identities[n]);
    let mut found = None;
    let schedules = explore(&|| scenario.pool(), identities.len(), &start, faults, &mut |pool, run| {
        if found.is_none() {
            found = violation(engine, &scenario, pool, run, identities, faults);
        }
    });
    (schedules, found.map(|what| format!("{what}\nwith {faults:?} and {:?}", scenario.quirks)))
}

/// Explores them all, and none ends in a violation. Returns how many there were.
#[track_caller]
fn settled(engine: &Engine, scenario: &Scenario, identities: &[&'static str], faults: &[Fault]) -> u64 {
    let (schedules, violation) = explored(engine, scenario, identities, faults);
    assert_eq!(violation, None);
    schedules
}

/// Every place where one invocation can be hit: more than any scenario has calls.
fn single_faults(invocation: usize) -> impl Iterator<Item = Fault> {
    (0..16).flat_map(move |after| FAULTS.map(|fate| Fault { invocation, after, fate }))
}

#[test]
fn whatever_call_fails_or_is_cut_off_the_next_invocation_settles() {
    let mut schedules = 0;
    for scenario in all() {
        for quirks in all_quirks() {
            let scenario = scenario.with_quirks(quirks);
            for fault in single_faults(0) {
                schedules += settled(&real, &scenario, &["Google_1"], &[fault]);
            }
        }
    }
    println!("explored {schedules} schedules of one invocation with one fault");
    assert!(schedules > 10_000, "{schedules}");
}

/// The membership is durable before the link, whatever is cut off.
#[test]
fn a_group_that_waits_in_a_queue_changes_nothing_of_that() {
    let mut schedules = 0;
    for scenario in all() {
        for fault in single_faults(0) {
            schedules += settled(&busy, &scenario, &["Google_1"], &[fault]);
        }
        schedules += settled(&busy, &scenario, &ARRIVALS[1][..2], &[]);
    }
    println!("explored {schedules} schedules with a queue");
    assert!(schedules > 5_000, "{schedules}");
}

#[test]
fn every_interleaving_of_two_invocations_settles() {
    let schedules = |arrivals: [&'static str; 3]| {
        let mut schedules = 0;
        for scenario in all() {
            // A list that lags by a change depends on how the pool came to its state, so that points are
            // not the same; the sample below has it.
            for quirks in all_quirks().into_iter().filter(|quirks| quirks.list_lag != 1) {
                schedules += settled(&real, &scenario.with_quirks(quirks), &arrivals[..2], &[]);
            }
        }
        schedules
    };
    // The longest test of all, so each arrival has a thread.
    let schedules: u64 = thread::scope(|scope| {
        let explored = ARRIVALS.map(|arrivals| scope.spawn(move || schedules(arrivals)));
        explored.map(|thread| thread.join().expect("no violation")).iter().sum()
    });
    println!("explored {schedules} schedules of two invocations at once");
    assert!(schedules > 50_000, "{schedules}");
}

#[test]
fn a_large_sample_of_three_invocations_with_faults_settles() {
    const SAMPLES: u32 = 400;
    let mut random = StdRng::seed_from_u64(20);
    let mut schedules = 0;
    for scenario in all() {
        for quirks in all_quirks() {
            let scenario = Rc::new(scenario.with_quirks(quirks));
            for sample in 0..SAMPLES {
                let identities = ARRIVALS[usize::from(sample % 2 == 1)];
                let faults: Vec<Fault> = (0..random.random_range(0..3))
                    .map(|_| Fault {
                        invocation: random.random_range(0..3),
                        after: random.random_range(0..10),
                        fate: FAULTS[random.random_range(0..FAULTS.len())],
                    })
                    .collect();
                let start = |gate, n: usize| real(Rc::clone(&scenario), gate, identities[n]);
                let pool = scenario.pool();
                let run = run(&pool, 3, &start, &faults, Choice::Random(&mut |n| random.random_range(0..n)));
                assert_eq!(
                    violation(&real, &scenario, &pool, &run, &identities, &faults),
                    None,
                    "with {faults:?} and {quirks:?}"
                );
                schedules += 1;
            }
        }
    }
    println!("sampled {schedules} schedules of three invocations at once");
}

/// A link takes two rounds (list, link), a creation four (list, create, password and group, link).
#[test]
fn rounds_are_as_few_as_can_be() {
    for (name, rounds) in [("confirmed and verified", 2), ("nobody", 4), ("unproven", 1)] {
        let scenario = Rc::new(all().into_iter().find(|scenario| scenario.name == name).unwrap());
        let pool = scenario.pool();
        let gate = Gate::new(&pool);
        let mut invocation = real(Rc::clone(&scenario), gate.clone(), "Google_1");
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut counted = 0;
        while invocation.as_mut().poll(&mut context).is_pending() {
            counted += 1;
            gate.waiting().into_iter().for_each(|call| gate.grant(call, gate::Fate::Happens));
        }
        assert_eq!(counted, rounds, "{name}");
    }
}

/// With nothing odd about the pool, so that a mutant is caught for what it is.
fn plain(name: &str) -> Scenario {
    let scenario = all().into_iter().find(|scenario| scenario.name == name).expect("a scenario");
    scenario.with_quirks(Quirks::default())
}
