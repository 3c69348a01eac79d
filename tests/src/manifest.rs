//! `deploy/manifest.json`: what each function may do with which settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

/// What every template grants; `tests/files/install.rs` holds them against it.
const MANIFEST: &str = include_str!("../../deploy/manifest.json");

/// An IAM action, and what it is allowed on: `pool`, `table`, `retry-queue`, …
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The action, such as `cognito-idp:ListUsers`.
    pub action: String,
    /// The name that the manifest has for the resource.
    pub on: String,
}

impl Right {
    /// The action on the resource.
    #[must_use]
    pub fn new(action: impl Into<String>, on: impl Into<String>) -> Self {
        Self { action: action.into(), on: on.into() }
    }

    /// The operation alone, as it is named in logs.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.action.split_once(':').map_or(&self.action, |(_, operation)| operation)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.on)
    }
}

/// The settings of a function, by the variable's name.
pub type Settings = BTreeMap<String, String>;

/// The whole manifest.
///
/// # Errors
///
/// It is not JSON.
pub fn read() -> Result<Value> {
    serde_json::from_str(MANIFEST).context("deploy/manifest.json is not JSON")
}

/// The rights of a function: its entry in the manifest in, each right with its cases out. A right without cases always
/// holds.
pub fn rights(facts: &Value) -> impl Iterator<Item = (Right, Option<&Vec<Value>>)> {
    facts["rights"].as_array().into_iter().flatten().map(|right| {
        let text = |name: &str| right[name].as_str();
        (Right::new(text("action").unwrap_or_default(), text("on").unwrap_or("pool")), right["when"].as_array())
    })
}

/// Whether a case holds with these settings: each of its settings has one of the values. An empty value is that of a
/// setting that is not set, and `*` is any other.
#[must_use]
pub fn holds(case: &Value, settings: &Settings) -> bool {
    case.as_object().into_iter().flatten().all(|(name, values)| {
        let value = settings.get(name).map_or("", String::as_str);
        let has = |wanted: &str| values.as_array().into_iter().flatten().any(|one| one == wanted);
        if has("*") { !value.is_empty() } else { has(value) }
    })
}

/// The rights that the manifest gives a function with these settings.
#[must_use]
pub fn granted(facts: &Value, settings: &Settings) -> BTreeSet<Right> {
    let fits = |cases: Option<&Vec<Value>>| cases.is_none_or(|cases| cases.iter().any(|case| holds(case, settings)));
    rights(facts).filter(|(_, cases)| fits(*cases)).map(|(right, _)| right).collect()
}
