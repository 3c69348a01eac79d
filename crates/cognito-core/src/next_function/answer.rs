//! Reads what the team's function returned.

use super::merge::Theirs;
use crate::event::{Event, Members};
use crate::failure::Words;
use serde_json::Value;
use std::error::Error;

/// What Lambda returns for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// What the function returned.
    Answer(Vec<u8>),
    /// The error that it ended with, as Lambda describes it.
    Error(Vec<u8>),
}

/// Why there is no answer. The texts hold nothing of what the function returned.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It did not answer in time.
    #[error("the next function did not answer within {milliseconds} ms")]
    Late {
        /// The time that it had.
        milliseconds: u128,
    },
    /// Lambda could not be reached.
    #[error("the next function could not be asked")]
    NotAsked(#[source] Box<dyn Error + Send + Sync>),
    /// Lambda did not call it.
    #[error("Lambda did not call the next function: status {status} {code}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// AWS's code, such as `ResourceNotFoundException`.
        code: String,
    },
    /// It threw an error.
    #[error("the next function threw {error_type}")]
    Threw {
        /// The error's type.
        error_type: String,
    },
    /// It ended without deciding anything.
    #[error("the next function broke off: {error_type}")]
    BrokeOff {
        /// Lambda's word for it, such as `Sandbox.Timedout`.
        error_type: String,
    },
    /// What it returned is too large.
    #[error("the next function returned more than {most} bytes")]
    TooLarge {
        /// The most that is read.
        most: u64,
    },
    /// It returned nothing, or something that is not an object with members that appear once.
    #[error("the next function did not return an event")]
    NoEvent,
    /// It returned another event than it got.
    #[error("the next function returned another event: {member} is not what it got")]
    OtherEvent {
        /// The member that differs.
        member: &'static str,
    },
    /// Its `response` is not an object.
    #[error("the next function returned a response that is no object")]
    Response,
    /// The functions call each other.
    #[error("the next function leads back to this one")]
    Loop,
}

/// The members that every event has and that must come back, because they say whose event it is.
const IDENTIFYING: [&str; 2] = ["triggerSource", "userPoolId"];
/// The other members of an event. They may be left out, because some libraries do.
const OTHERS: [&str; 5] = ["version", "region", "userName", "callerContext", "request"];

/// What the function says in answer to this event.
///
/// It must return the event that it got, changed in `response` only. Libraries that map events to types of their own leave
/// out what they do not know, and write empty values for what is not there; that is no change.
pub(super) fn read(event: &Event, returned: &[u8]) -> Result<Theirs, Broken> {
    let returned: Members =
        std::str::from_utf8(returned).ok().and_then(|text| serde_json::from_str(text).ok()).ok_or(Broken::NoEvent)?;
    let sent = event.members();
    for member in IDENTIFYING {
        if returned.read::<Value>(member) != sent.read(member) {
            return Err(Broken::OtherEvent { member });
        }
    }
    for member in OTHERS {
        let (got, back) = (sent.read::<Value>(member), returned.read::<Value>(member));
        if back.is_some_and(|back| !repeats(got.as_ref(), &back)) {
            return Err(Broken::OtherEvent { member });
        }
    }
    let response = returned.response().map_err(|_| Broken::Response)?;
    Ok(Theirs::new(&event.response(), &response))
}

/// Whether a value says nothing else than the one that was sent.
fn repeats(sent: Option<&Value>, back: &Value) -> bool {
    match (sent, back) {
        (Some(Value::Object(sent)), Value::Object(back)) => {
            back.iter().all(|(name, value)| repeats(sent.get(name), value))
        }
        (_, Value::Null) => true,
        (None | Some(Value::Null), back) => is_empty(back),
        // JavaScript has one kind of number, and writes 1.0 as 1.
        (Some(Value::Number(sent)), Value::Number(back)) => sent == back || sent.as_f64() == back.as_f64(),
        (Some(sent), back) => sent == back,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// The errors that Lambda itself reports: the function's code did not decide anything.
const OF_LAMBDA: [&str; 5] = ["Runtime.", "Sandbox.", "Extension.", "Function.", "Lambda."];

/// What runtimes other than Lambda's own, and emulators, call an error that the function's code threw.
const OF_THE_HANDLER: &str = "Runtime.HandlerError";

/// The type and text of the error that the function threw.
///
/// # Errors
///
/// Returns [`Broken::BrokeOff`] if the function did not throw it: it ran out of time or memory, or does not start.
pub(super) fn thrown(error: &[u8]) -> Result<(String, Words), Broken> {
    let error: Value = serde_json::from_slice(error).unwrap_or_default();
    // It may be anything, and it is logged.
    let fits = |name: &&str| {
        name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._<>:$".contains(&byte))
    };
    let named = error["errorType"].as_str().filter(|name| !name.is_empty());
    let error_type = named.filter(fits).unwrap_or("an error").to_owned();
    let decided =
        named.is_some_and(|name| name == OF_THE_HANDLER || !OF_LAMBDA.iter().any(|prefix| name.starts_with(prefix)));
    match error["errorMessage"].as_str() {
        Some(words) if decided => Ok((error_type, Words::new(words))),
        _ => Err(Broken::BrokeOff { error_type }),
    }
}
