//! What is measured, and what must be reached.

use anyhow::{Context, Result};
use hyper::body::Bytes;
use local_cloud::function::{BARE, BARE_LEAN};
use local_cloud::layout;
use serde_json::{Value, json};

/// The name of the bare function that everything is compared with.
pub const ECHO: &str = "echo";

/// One function doing one thing.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is called in table and file.
    pub name: &'static str,
    /// The function's name.
    pub function: &'static str,
    /// The first event.
    pub event: Value,
    /// The calls it must make.
    pub calls: &'static [&'static str],
    /// How many calls must wait for one before them.
    pub rounds: usize,
    /// What must be reached.
    pub bars: Bars,
    /// Whether a function of others that does the article's flow is measured with it too.
    pub for_peers: bool,
}

/// What must be reached. Ratios are to the bare function of the same run.
#[derive(Debug, Clone, Copy)]
pub struct Bars {
    /// CPU time from start to first answer, as a ratio.
    pub cpu: f64,
    /// Time from start to first answer, as a ratio.
    pub wall: f64,
    /// Peak memory in MiB.
    pub peak: f64,
    /// Zipped size in MiB.
    pub zip: f64,
    /// CPU time per further event.
    pub warm: Warm,
}

/// The bar of a further event's CPU time.
#[derive(Debug, Clone, Copy)]
pub enum Warm {
    /// Microseconds on the machine the bars were set on.
    Microseconds(f64),
    /// As a ratio.
    Ratio(f64),
    /// None: only figures of fewer calls have one.
    None,
}

const SDK: Bars = Bars { cpu: 1.8, wall: 1.6, peak: 6.5, zip: 2.0, warm: Warm::Microseconds(220.0) };
const SDK_FIVE: Bars = Bars { cpu: 2.2, wall: 2.1, warm: Warm::None, ..SDK };
const SDK_NONE: Bars = Bars { warm: Warm::Ratio(2.0), ..SDK };
const PLAIN: Bars = Bars { cpu: 1.4, wall: 1.3, peak: 4.5, zip: 0.8, warm: Warm::Ratio(2.0) };
const NO_BARS: Bars =
    Bars { cpu: f64::INFINITY, wall: f64::INFINITY, peak: f64::INFINITY, zip: f64::INFINITY, warm: Warm::None };

/// Every case, the bare function first.
///
/// # Errors
///
/// A sample event cannot be read.
pub fn all() -> Result<Vec<Case>> {
    let case = |name, function, event: &str, calls, rounds, bars| -> Result<Case> {
        Ok(Case { name, function, event: sample(event)?, calls, rounds, bars, for_peers: false })
    };
    let mut link = case(
        "pre-sign-up: link",
        "pre-sign-up",
        "pre-sign-up/google",
        &["ListUsers", "AdminLinkProviderForUser"],
        2,
        SDK,
    )?;
    link.event["request"]["userAttributes"]["email"] = json!("person-0@example.com");
    link.for_peers = true;
    let mut create = case(
        "pre-sign-up: create and link",
        "pre-sign-up",
        "pre-sign-up/google-new-person",
        &["ListUsers", "AdminCreateUser", "AdminAddUserToGroup", "AdminSetUserPassword", "AdminLinkProviderForUser"],
        4,
        SDK_FIVE,
    )?;
    create.for_peers = true;
    Ok(vec![
        case(ECHO, BARE, "pre-sign-up/google", &[], 0, NO_BARS)?,
        case("echo, lean", BARE_LEAN, "pre-sign-up/google", &[], 0, NO_BARS)?,
        link,
        create,
        case("pre-sign-up: nothing to do", "pre-sign-up", "pre-sign-up/admin-create", &[], 0, SDK_NONE)?,
        case(
            "post-confirmation: group",
            "post-confirmation",
            "post-confirmation/sign-up",
            &["AdminAddUserToGroup"],
            1,
            SDK,
        )?,
        case(
            "post-authentication: repair",
            "post-authentication",
            "post-authentication/facebook-unverified",
            &["AdminUpdateUserAttributes"],
            1,
            SDK,
        )?,
        case(
            "post-authentication: nothing to do",
            "post-authentication",
            "post-authentication/native",
            &[],
            0,
            SDK_NONE,
        )?,
        case("inbound-federation", "inbound-federation", "inbound-federation/google", &[], 0, PLAIN)?,
        case("custom-message", "custom-message", "custom-message/sign-up", &[], 0, PLAIN)?,
    ])
}

impl Case {
    /// Whether this is one of the bare functions, which do nothing.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        [BARE, BARE_LEAN].contains(&self.function)
    }

    /// The event as it is sent.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        Bytes::from(self.event.to_string())
    }
}

fn sample(name: &str) -> Result<Value> {
    let path = layout::events().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use local_cloud::function;

    #[test]
    fn every_function_is_measured_beside_the_bare_one() {
        let cases = all().unwrap();
        assert_eq!(cases[0].name, ECHO);
        for function in function::TRIGGERS {
            assert!(cases.iter().any(|case| case.function == function), "{function}");
        }
    }
}
