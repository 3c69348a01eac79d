//! One `response` from what ours says and what theirs says.

use super::OVERRULED;
use crate::event::Members;
use serde_json::{Map, Value};

/// What both functions say, by the member of `response`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// As ours leaves it, with what Cognito sent for the members that ours does not set.
    pub ours: Map<String, Value>,
    /// What theirs says. A member that it left as it got it, or as null, is not there: it said nothing about it.
    pub theirs: Map<String, Value>,
}

/// Merges two answers: theirs counts for every member that it says something about, unless `overrule` has another value
/// for it; everything else is as ours leaves it. Members that nobody here knows keep the text that came.
pub(super) fn merged(
    ours: &Members,
    theirs: &Theirs,
    overrule: impl FnOnce(&Answers) -> Map<String, Value>,
) -> Members {
    let answers = Answers { ours: read(ours), theirs: read(&theirs.0) };
    let overruled = overrule(&answers);
    let mut response = ours.clone();
    for (name, raw) in theirs.0.iter().filter(|(name, _)| !overruled.contains_key(*name)) {
        response.set(name, raw.to_owned());
    }
    for (name, value) in &overruled {
        // A `Value` has string keys only, so it always serialises.
        if let Ok(raw) = serde_json::value::to_raw_value(value) {
            response.set(name, raw);
        }
    }
    let names: Vec<_> = overruled.iter().filter(|(name, value)| answers.theirs.get(*name) != Some(value)).collect();
    if !names.is_empty() {
        let members = names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        tracing::warn!(error_code = OVERRULED, members, "not all that the next function said counts");
    }
    response
}

/// The members of a response that the other function says something about.
#[derive(Clone, Default)]
pub(super) struct Theirs(Members);

impl Theirs {
    /// What `came` back says that `sent` did not say already.
    pub(super) fn new(sent: &Members, came: &Members) -> Self {
        let mut said = Members::default();
        for (name, raw) in came.iter() {
            let value: Option<Value> = came.read(name);
            if value.as_ref().is_some_and(|value| !value.is_null()) && value != sent.read(name) {
                said.set(name, raw.to_owned());
            }
        }
        Self(said)
    }
}

fn read(members: &Members) -> Map<String, Value> {
    members.iter().filter_map(|(name, _)| Some((name.to_owned(), members.read(name)?))).collect()
}
