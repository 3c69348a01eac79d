//! Some hostile events. `cargo xtask fire events --count 1000000` sends more.

#![allow(clippy::unwrap_used, reason = "a case that does not hold must fail the test")]

use fire::events::{Target, send, worst};

/// Some calls of an account that is linked, created, replaced, or taken from whoever planted it.
const LINKS: [&str; 5] = [
    "AdminCreateUser",
    "AdminLinkProviderForUser",
    "AdminDeleteUser",
    "AdminUserGlobalSignOut",
    "AdminUpdateUserAttributes",
];

#[test]
fn whatever_is_sent_the_answer_is_the_event_or_a_documented_error_and_nothing_personal_is_logged() {
    for target in Target::ALL {
        let answers = send(target, 0..250, 1).unwrap();
        // Enough of them reach the function's work.
        let (said, calls): (&[&str], &[&str]) = match target.name() {
            "pre-sign-up" => (&["unproven_email"], &LINKS),
            "post-confirmation" => {
                (&["answered"], &["AdminAddUserToGroup", "AdminUpdateUserAttributes", "AdminUserGlobalSignOut"])
            }
            "post-authentication" => (&["answered"], &["AdminUpdateUserAttributes"]),
            "account-api" => (&["200", "202", "204"], &[]),
            _ => (&["answered with a decision"], &[]),
        };
        assert!(said.iter().all(|said| answers.said.contains_key(*said)), "{target:?}: {answers:?}");
        assert!(calls.iter().all(|call| answers.carried_out.contains_key(*call)), "{target:?}: {answers:?}");
    }
}

#[test]
fn each_slow_input_reaches_the_work_of_its_function() {
    worst::each_form_is_read().unwrap();
}
