//! Launch days with few people and a clock that jumps.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use std::time::Duration;

use fire::function::{Article, Engine, Queue};
use fire::launch::{Launch, Outcome};
use fire::virtually;

fn engine(launch: Launch) -> Outcome {
    virtually(launch, |cognito| Engine::new(cognito, Some(Queue::default()))).unwrap()
}

fn launch(people: u32, seconds: u64, known_percent: u32) -> Launch {
    Launch { people, within: Duration::from_secs(seconds), known_percent, seed: 1 }
}

#[test]
fn on_a_normal_day_everybody_signs_in_at_the_first_press() {
    let outcome = engine(launch(100, 60, 50));
    assert_eq!((outcome.at_press[0], outcome.second_accounts, outcome.incomplete), (100, 0, 0), "{outcome:?}");
    assert_eq!(outcome.invocations, 100);
}

#[test]
fn on_launch_day_nobody_gets_two_accounts_or_half_an_account() {
    let outcome = engine(launch(600, 12, 50));
    assert_eq!((outcome.second_accounts, outcome.incomplete), (0, 0), "{outcome:?}");
}

/// What the stand-in shows must be able to go wrong.
#[test]
fn the_articles_function_leaves_people_outside_the_group() {
    let outcome = virtually(launch(600, 12, 50), |cognito| Ok(Article::new(cognito))).unwrap();
    assert!(outcome.incomplete > 0 && outcome.at_press[0] < 600, "{outcome:?}");
}
