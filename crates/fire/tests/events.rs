//! Some hostile events. `cargo xtask fire events --count 1000000` sends more.

#![allow(clippy::unwrap_used, reason = "a case that does not hold must fail the test")]

use std::path::Path;

use fire::events::{Target, send, send_bytes, worst};

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

/// `fuzz/` is a workspace of its own, which CI does not build.
#[test]
fn the_targets_of_cargo_fuzz_send_to_each_function_what_is_sent_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for target in Target::ALL {
        let name = target.name();
        assert!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"")), "{name}");
        let file = folder.join(format!("fuzz_targets/{}.rs", name.replace('-', "_")));
        let source = std::fs::read_to_string(file).unwrap();
        assert!(source.contains(&format!("send_bytes(Target::named(\"{name}\"), event)")), "{source}");
        assert_eq!(Target::named(name), target);
        for sent in ["", "{}", "[1", "\u{0}"] {
            send_bytes(target, sent.as_bytes()).unwrap();
        }
    }
}
