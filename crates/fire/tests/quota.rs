//! Launch days with few people and a clock that jumps.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use std::time::Duration;

use fire::cognito::Category;
use fire::function::{Article, Engine, Queue};
use fire::launch::{Launch, Outcome};
use fire::virtually;

fn engine(launch: Launch) -> Outcome {
    virtually(launch, |cognito| Engine::new(cognito, Some(Queue::default()))).unwrap()
}

fn launch(people: u32, seconds: u64, known_percent: u32) -> Launch {
    Launch { people, within: Duration::from_secs(seconds), known_percent, confirms: false, seed: 1 }
}

#[test]
fn on_a_normal_day_everybody_signs_in_at_the_first_press() {
    let outcome = engine(launch(100, 60, 50));
    assert_eq!((outcome.at_press[0], outcome.second_accounts, outcome.incomplete), (100, 0, 0), "{outcome:?}");
    assert_eq!(outcome.invocations, 100);
}

/// Twice as many come as Cognito lets in, and half of them cost two updates.
#[test]
fn on_launch_day_nobody_gets_two_accounts_or_presses_three_times_and_nearly_everybody_once() {
    let launch = launch(400, 8, 50);
    let outcome = engine(launch);
    outcome.check(launch, true).unwrap();
    assert!(outcome.at_press[0] >= 380 && outcome.waited.0 > 0, "{outcome:?}");
    // Each group once, although it waited.
    assert!(outcome.tallies[&Category::UserUpdate].answered <= 640, "{outcome:?}");
}

/// AWS does not say whether it is called for a sign-in that was linked. Each person costs an update more then.
#[test]
fn what_post_confirmation_writes_takes_no_link_from_anybody() {
    let launch = Launch { confirms: true, ..launch(400, 8, 50) };
    let outcome = engine(launch);
    outcome.check(launch, true).unwrap();
    assert!(outcome.at_press[0] >= 360 && outcome.waited.0 > 300, "{outcome:?}");
}

#[test]
fn without_a_queue_people_press_again_and_nobody_gets_two_accounts_or_half_an_account() {
    let launch = launch(300, 4, 0);
    let outcome = virtually(launch, |cognito| Engine::new(cognito, None)).unwrap();
    outcome.check(launch, false).unwrap();
    assert!(outcome.at_press[0] < 300 && outcome.waited.0 == 0, "{outcome:?}");
    // With a queue this would not do. The functions wait at random: in ten launches it was 64 to 78 people.
    let why = outcome.check(launch, true).unwrap_err().to_string();
    assert!(outcome.beyond_two_presses() > 0 && why.contains("two presses"), "{why}: {outcome:?}");
}

/// What the stand-in shows must be able to go wrong.
#[test]
fn the_articles_function_leaves_people_outside_the_group() {
    let outcome = virtually(launch(200, 4, 50), |cognito| Ok(Article::new(cognito))).unwrap();
    assert!(outcome.incomplete > 0 && outcome.at_press[0] < 200, "{outcome:?}");
}
