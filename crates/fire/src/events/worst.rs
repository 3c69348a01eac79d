//! The inputs that take the longest: how the time grows with the size, up to what Lambda lets through.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::api::Api;
use super::{Target, World};

/// The largest event that Lambda hands to a function, in bytes.
const LARGEST: usize = 6 * 1024 * 1024;

/// By what factor twice as much may take longer. It is four where the time grows with the square of the size.
const LONGEST: f64 = 3.5;

/// What takes less, in milliseconds, says nothing about the factor.
const TOO_SHORT: f64 = 20.0;

/// A form that grows: its name, and the document of so many bytes at least, made from an event.
type Form = (&'static str, fn(Value, usize) -> String);

/// Events of the triggers.
const EVENTS: &[Form] = &[
    ("one long address", |event, size| with(event, "email", &format!("{}@example.com", "a".repeat(size)))),
    ("one long name", |event, size| with(event, "given_name", &"\u{301}".repeat(size / 2))),
    ("underscores as the user name", |mut event, size| {
        event["userName"] = json!("_".repeat(size));
        event.to_string()
    }),
    ("many attributes", |mut event, size| {
        for number in 0..size / 60 {
            event["request"]["userAttributes"][format!("custom:attribute-{number:020}")] =
                json!("a value of some length");
        }
        event.to_string()
    }),
    ("many identities", |event, size| {
        let one = "{\"userId\":\"9\",\"providerName\":\"Facebook\",\"primary\":\"false\"}";
        with(event, "identities", &format!("[{}]", vec![one; size / one.len()].join(",")))
    }),
    ("deep nesting", |event, size| {
        let text = event.to_string();
        text.replacen('{', &format!("{{\"deep\":{},", nested(size)), 1)
    }),
    ("a text of escapes", |event, size| {
        event.to_string().replacen("\"userName\":\"", &format!("\"userName\":\"{}", "\\u00e9".repeat(size / 6)), 1)
    }),
];

/// Requests to the account API, as events of API Gateway.
const REQUESTS: &[Form] = &[
    ("one long address", |event, size| {
        body(event, &json!({ "new_email": format!("{}@example.com", "a".repeat(size)) }).to_string())
    }),
    ("an address of combining marks", |event, size| {
        body(event, &json!({ "new_email": format!("{}@example.com", "\u{301}".repeat(size / 2)) }).to_string())
    }),
    ("many members", |event, size| {
        let members: serde_json::Map<_, _> =
            (0..size / 60).map(|number| (format!("member-{number:030}"), json!("some value"))).collect();
        body(event, &Value::Object(members).to_string())
    }),
    // Each quote and each escape gets a backslash more in the event.
    ("deep nesting", |event, size| body(event, &format!("{{\"new_email\":{}}}", nested(size)))),
    ("a text of escapes", |event, size| body(event, &format!("{{\"new_email\":\"{}\"}}", "\\u00e9".repeat(size / 7)))),
    ("a long query", |mut event, size| {
        event["rawQueryString"] = json!(format!("code={}", "%41".repeat(size / 3)));
        event.to_string()
    }),
    ("many headers", |mut event, size| {
        for number in 0..size / 60 {
            event["headers"][format!("x-header-{number:030}")] = json!("some value");
        }
        event.to_string()
    }),
    ("many cookies", |mut event, size| {
        event["cookies"] = (0..size / 60).map(|number| json!(format!("cookie-{number:035}=some value"))).collect();
        event.to_string()
    }),
];

fn with(mut event: Value, attribute: &str, value: &str) -> String {
    event["request"]["userAttributes"][attribute] = json!(value);
    event.to_string()
}

fn body(mut event: Value, body: &str) -> String {
    event["body"] = json!(body);
    event.to_string()
}

fn nested(size: usize) -> String {
    format!("{}{}", "[".repeat(size / 2), "]".repeat(size / 2))
}

/// How long each function and the account API take for each form at a quarter, a half and all of the largest event, in
/// milliseconds, and by what factor the last doubling made it longer. `told` gets each row.
///
/// # Errors
///
/// Fails if an answer is not one that may be given, or if the time grows much faster than the size.
pub fn measure(told: impl Fn(&[String])) -> Result<()> {
    told(&["function", "form", "1.5 MB", "3 MB", "6 MB", "twice as much takes", "answer"].map(str::to_owned));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    for target in Target::ALL {
        let world = World::new(target)?;
        let (sample, forms) = match &world {
            World::Triggers(triggers) => (triggers.sample().unwrap_or_default(), EVENTS),
            World::Api(_) => (Api::sample(), REQUESTS),
        };
        for (name, form) in forms {
            let mut took = Vec::new();
            let mut said = String::new();
            for size in [LARGEST / 4, LARGEST / 2, LARGEST - 8192] {
                let text = form(sample.clone(), size);
                let start = Instant::now();
                said = runtime.block_on(world.answer(text.as_bytes()))?;
                took.push(start.elapsed().as_secs_f64() * 1000.0);
            }
            let ratio = took[2] / took[1].max(0.001);
            ensure!(took[2] < TOO_SHORT || ratio < LONGEST, "{target:?}, {name}: {took:?} ms");
            let cells = took.iter().map(|took| format!("{took:.0} ms"));
            let first = [target.name(), name].map(str::to_owned).into_iter();
            told(&first.chain(cells).chain([format!("{ratio:.1} times"), said]).collect::<Vec<_>>());
        }
    }
    Ok(())
}
