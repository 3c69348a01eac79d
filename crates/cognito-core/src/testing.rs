//! Helpers that the tests of several crates share.

use crate::event::Event;
use crate::failure::{Failure, Kind};
use crate::trigger::{Choose, Clock, TIME_LIMIT, answer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

/// A page of the manual. It is read when a test asks, because it does not come with the crate from crates.io.
#[expect(clippy::panic, reason = "a test names its own page")]
fn page(name: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// A lookup of settings that has these, and of two with one name the first.
pub fn lookup<'a>(settings: impl AsRef<[(&'a str, &'a str)]> + 'a) -> impl Fn(&str) -> Option<String> + 'a {
    move |asked| settings.as_ref().iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
}

/// The folder of sample events.
#[must_use]
pub fn events_dir() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events"))
}

/// A sample event by its path below `events/`, without `.json`.
///
/// # Panics
///
/// If there is no such file.
#[must_use]
#[expect(clippy::panic, reason = "a test names its own fixture")]
pub fn sample(name: &str) -> String {
    let path = events_dir().join(format!("{name}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Every sample event in a folder of `events/`, with its name.
///
/// # Panics
///
/// If there is no such folder, or it is empty.
#[must_use]
#[expect(clippy::expect_used, reason = "a test names its own fixtures")]
pub fn samples(folder: &str) -> Vec<(String, String)> {
    let files = std::fs::read_dir(events_dir().join(folder)).expect("a folder of samples");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("a name in Unicode"));
    let names = names.map(|file| format!("{folder}/{}", file.trim_end_matches(".json")));
    let samples: Vec<_> = names.map(|name| (name.clone(), sample(&name))).collect();
    assert!(!samples.is_empty(), "there is no sample in {folder}");
    samples
}

/// A sample event changed by `edit`.
///
/// # Panics
///
/// If there is no such file, or it is not JSON.
#[must_use]
#[expect(clippy::expect_used, reason = "a test names its own fixture")]
pub fn edited(name: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut event = serde_json::from_str(&sample(name)).expect("a sample is JSON");
    edit(&mut event);
    event.to_string()
}

/// Answers an event as the runtime does. The error is `errorType` and `errorMessage`.
///
/// # Errors
///
/// Returns the failure's code and public text.
///
/// # Panics
///
/// If the text is not JSON.
#[expect(clippy::expect_used, reason = "a test brings its own JSON")]
pub async fn answer_to(trigger: &impl Choose, event: &str) -> Result<Value, (&'static str, &'static str)> {
    match raw_answer_to(trigger, event).await {
        Ok(raw) => Ok(serde_json::from_str(raw.get()).expect("an answer is JSON")),
        Err(failure) => Err((failure.kind().code, failure.kind().message)),
    }
}

/// The same with the answer as it is written, and the failure itself.
///
/// # Errors
///
/// Returns the failure.
///
/// # Panics
///
/// If the text is not JSON.
#[expect(clippy::expect_used, reason = "a test brings its own JSON")]
pub async fn raw_answer_to(trigger: &impl Choose, event: &str) -> Result<Box<RawValue>, Failure> {
    let payload = RawValue::from_string(event.to_owned()).expect("an event is JSON");
    answer(trigger, &payload, Clock::starting_now(TIME_LIMIT)).await
}

/// Whether `answer` is the event with at most `response` changed.
#[must_use]
pub fn only_response_changed(event: &str, answer: &Value) -> bool {
    let without = |value: &Value| {
        let mut value = value.clone();
        value.as_object_mut().map(|members| members.remove("response"));
        value
    };
    serde_json::from_str::<Value>(event).is_ok_and(|event| without(&event) == without(answer))
        && Event::parse(event).is_ok()
}

/// The variables that the table in `docs/SETTINGS.md` lists for a function, sorted.
///
/// # Panics
///
/// Outside of the repository.
#[must_use]
pub fn documented_settings(function: &str) -> Vec<String> {
    let is_variable = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let settings = page("SETTINGS.md");
    let rows = settings.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let of_function = rows.filter(|(name, rest)| {
        let functions = rest.split_once(" |").map_or("", |(functions, _)| functions);
        is_variable(name) && functions.split(", ").any(|listed| listed == function)
    });
    sorted(&of_function.map(|(name, _)| name).collect::<Vec<_>>())
}

/// Names in the order of the alphabet.
#[must_use]
pub fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    names.sort();
    names
}

/// Whether `docs/OUTCOMES.md` lists the code together with the public text.
///
/// # Panics
///
/// Outside of the repository.
#[must_use]
pub fn is_documented(kind: Kind) -> bool {
    let (code, text) = (format!("| `{}` | ", kind.code), format!(" | {} |", kind.message));
    page("OUTCOMES.md").lines().any(|line| line.starts_with(&code) && line.ends_with(&text))
}

/// Everything that the code under test logs, at every level.
#[derive(Clone, Default)]
pub struct CapturedLog(Arc<Mutex<Vec<u8>>>);

impl CapturedLog {
    /// Runs `work` and captures what it logs, at every level, as the runtime would write it.
    pub async fn of<T>(work: impl Future<Output = T>) -> (T, String) {
        use tracing::instrument::WithSubscriber;
        let log = Self::default();
        // If a process has only one subscriber, `tracing` asks the first thread that reaches a log line whether anybody
        // listens. That may be the thread of another test, where nobody does.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
        let subscriber =
            tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
        let result = work.with_subscriber(subscriber).await;
        (result, log.text())
    }

    /// Takes the log so far out.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The log so far.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for CapturedLog {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Every string in a sample event that says something about a person: attribute values, user name, tokens. A log must
/// contain none of them.
///
/// # Panics
///
/// If the text is not JSON.
#[must_use]
#[expect(clippy::expect_used, reason = "a test names its own fixture")]
pub fn personal_data(event: &str) -> Vec<String> {
    /// Values that are the same for everybody. Numbers of seconds may also be part of a log's times.
    const HARMLESS: [&str; 9] = [
        "true",
        "false",
        "CONFIRMED",
        "UNCONFIRMED",
        "EXTERNAL_PROVIDER",
        "FORCE_CHANGE_PASSWORD",
        "Bearer",
        "3599",
        "3600",
    ];
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) if text.len() > 3 && !HARMLESS.contains(&text.as_str()) => found.push(text.clone()),
            Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
            Value::Object(map) => {
                map.iter().filter(|(name, _)| *name != "sub").for_each(|(_, value)| collect(value, found));
            }
            _ => {}
        }
    }
    let event: Value = serde_json::from_str(event).expect("a sample is JSON");
    let mut found = Vec::new();
    for map in ["userAttributes", "attributes", "clientMetadata", "validationData"] {
        collect(&event["request"][map], &mut found);
    }
    // A subject is personal data with and without its provider's name.
    if let Some((_, subject)) = event["userName"].as_str().and_then(|name| name.split_once('_')) {
        found.push(subject.to_owned());
    }
    found
}
