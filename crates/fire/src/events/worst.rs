//! The inputs that take the longest: how the time grows with the size, up to what Lambda lets through.

use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Target, World};

/// The largest event that Lambda hands to a function, in bytes.
const LARGEST: usize = 6 * 1024 * 1024;

/// A form that grows: its name, and the document of so many bytes at least.
type Form = (&'static str, fn(Value, usize) -> String);

const FORMS: [Form; 7] = [
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
        text.replacen('{', &format!("{{\"deep\":{}{},", "[".repeat(size / 2), "]".repeat(size / 2)), 1)
    }),
    ("a text of escapes", |event, size| {
        event.to_string().replacen("\"userName\":\"", &format!("\"userName\":\"{}", "\\u00e9".repeat(size / 6)), 1)
    }),
];

fn with(mut event: Value, attribute: &str, value: &str) -> String {
    event["request"]["userAttributes"][attribute] = json!(value);
    event.to_string()
}

/// How long each function takes for each form at a quarter, a half and all of the largest event, in milliseconds, and by
/// what factor the last doubling made it longer. `told` gets each row.
///
/// # Errors
///
/// Fails if an answer is not one that may be given.
pub fn measure(told: impl Fn(&[String])) -> Result<()> {
    told(&["function", "form", "1.5 MB", "3 MB", "6 MB", "twice as much takes", "answer"].map(str::to_owned));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    for target in Target::ALL {
        let world = World::new(target)?;
        let Some(sample) = world.sample() else { continue };
        for (name, form) in FORMS {
            let mut took = Vec::new();
            let mut said = String::new();
            for size in [LARGEST / 4, LARGEST / 2, LARGEST - 8192] {
                let text = form(sample.clone(), size);
                let start = Instant::now();
                said = runtime.block_on(world.answer(&text))?;
                took.push(start.elapsed().as_secs_f64() * 1000.0);
            }
            let ratio = took[2] / took[1].max(0.001);
            let cells = took.iter().map(|took| format!("{took:.0} ms"));
            let first = [format!("{target:?}"), name.to_owned()].into_iter();
            told(&first.chain(cells).chain([format!("{ratio:.1} times"), said]).collect::<Vec<_>>());
        }
    }
    Ok(())
}
