//! Some hostile events. `cargo xtask fire events --count 1000000` sends more.

#![allow(clippy::unwrap_used, reason = "a case that does not hold must fail the test")]

use fire::events::{Target, send, worst};

#[test]
fn whatever_is_sent_the_answer_is_the_event_or_a_documented_error_and_nothing_personal_is_logged() {
    for target in Target::ALL {
        let answers = send(target, 0..250, 1).unwrap();
        // Enough of them reach the function's work.
        assert!(answers.len() > 2, "{target:?}: {answers:?}");
    }
}

#[test]
fn each_slow_input_reaches_the_work_of_its_function() {
    worst::each_form_is_read().unwrap();
}
