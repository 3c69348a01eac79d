//! What is measured: one function with one event, and the calls to Cognito that this takes.

use anyhow::Result;
use local_cloud::event::sample;
use local_cloud::function::{ACCOUNT_API, BARE};
use serde_json::{Value, json};

use crate::stand_in::KNOWN_EMAIL;

/// One function with one event.
#[derive(Debug, Clone)]
pub struct Case {
    /// The name in tables and files.
    pub name: &'static str,
    /// The function's name.
    pub function: &'static str,
    /// The event that it is invoked with.
    pub event: Value,
    /// The calls that it must make, in any order.
    pub calls: &'static [&'static str],
    /// How many of the calls must wait for an earlier one.
    pub rounds: usize,
    /// Settings that the other cases do without.
    pub settings: &'static [(&'static str, &'static str)],
}

/// The team's own function, which the stand-in answers for.
const CHAIN: &[(&str, &str)] = &[("NEXT_FUNCTION", "theirs")];

/// Name, function, sample event, calls and rounds of each case, the bare function first.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str], usize);
const CASES: [Row; 9] = [
    (BARE, BARE, "pre-sign-up/google", &[], 0),
    ("pre-sign-up: link", "pre-sign-up", "pre-sign-up/google", &["ListUsers", "AdminLinkProviderForUser"], 2),
    (
        "pre-sign-up: create and link",
        "pre-sign-up",
        "pre-sign-up/google-new-person",
        &["ListUsers", "AdminCreateUser", "AdminAddUserToGroup", "AdminSetUserPassword", "AdminLinkProviderForUser"],
        4,
    ),
    ("pre-sign-up: nothing to do", "pre-sign-up", "pre-sign-up/admin-create", &[], 0),
    ("post-confirmation: group", "post-confirmation", "post-confirmation/sign-up", &["AdminAddUserToGroup"], 1),
    (
        "post-authentication: repair",
        "post-authentication",
        "post-authentication/facebook-unverified",
        &["ListUsers", "AdminUpdateUserAttributes"],
        2,
    ),
    ("post-authentication: nothing to do", "post-authentication", "post-authentication/native", &[], 0),
    ("inbound-federation", "inbound-federation", "inbound-federation/google", &[], 0),
    ("custom-message", "custom-message", "custom-message/sign-up", &[], 0),
];

/// The cases with [`CHAIN`].
const CHAINED: [Row; 2] = [
    (
        "pre-sign-up: link, with a next function",
        "pre-sign-up",
        "pre-sign-up/google",
        &["Invoke", "ListUsers", "AdminLinkProviderForUser"],
        3,
    ),
    (
        "post-confirmation: group, with a next function",
        "post-confirmation",
        "post-confirmation/sign-up",
        &["AdminAddUserToGroup", "Invoke"],
        2,
    ),
];

/// What the account API needs, with pages.
const API: &[(&str, &str)] = &[
    ("USER_POOL_ID", "eu-central-1_EXAMPLE01"),
    ("TABLE_NAME", "state"),
    ("CODE_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:code"),
    ("EMAIL_FROM", "Example <no-reply@example.com>"),
    ("PAGES_CLIENT_ID", "1example23456789"),
];

/// The cases with [`API`]. It reads its secret at the start.
const OF_THE_API: [Row; 2] = [
    ("account-api: a call", ACCOUNT_API, "account-api/email-change", &["GetSecretValue", "GetItem"], 2),
    (PAGE, ACCOUNT_API, "account-api/email-change", &["GetSecretValue"], 1),
];

/// The case whose event asks for a page.
const PAGE: &str = "account-api: a page";

/// Every case, the bare function first.
///
/// # Errors
///
/// Fails if a sample event cannot be read.
pub fn all() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let rows = CASES.map(|row| (row, &[][..])).into_iter();
    let rows = rows.chain(CHAINED.map(|row| (row, CHAIN))).chain(OF_THE_API.map(|row| (row, API)));
    for ((name, function, event, calls, rounds), settings) in rows {
        let mut case = Case { name, function, event: sample(event)?, calls, rounds, settings };
        if case.links() && !calls.contains(&"AdminCreateUser") {
            case.event["request"]["userAttributes"]["email"] = json!(KNOWN_EMAIL);
        }
        if name == PAGE {
            case.event["rawPath"] = json!("/account");
            case.event["requestContext"]["http"]["path"] = json!("/account");
            case.event["headers"]["accept-encoding"] = json!("gzip");
        }
        cases.push(case);
    }
    Ok(cases)
}

impl Case {
    /// Whether the case links a person. Functions in other languages are measured with these cases.
    #[must_use]
    pub fn links(&self) -> bool {
        self.calls.contains(&"AdminLinkProviderForUser")
    }

    /// Whether this is the bare function, which does nothing.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.function == BARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use local_cloud::function;

    #[test]
    fn every_function_is_measured_beside_the_bare_one() {
        let cases = all().unwrap();
        assert!(cases[0].is_bare());
        for function in function::ALL {
            assert!(cases.iter().any(|case| case.function == function), "{function}");
        }
    }
}
