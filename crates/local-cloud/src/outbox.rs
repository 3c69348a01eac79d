//! The mails that a local cloud would have sent.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::http::Http;

/// The first six digits of a text without other digits or letters beside them.
#[must_use]
pub fn code_in(text: &str) -> Option<&str> {
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).find(is_code)
}

/// The last message to an address, as MiniStack stores it: with `Subject`, `BodyText` and `BodyHtml`.
///
/// # Errors
///
/// Fails if no message went to the address, or if the local cloud cannot be reached.
pub async fn last_mail(endpoint: &str, to: &str) -> Result<Value> {
    let outbox = Http::default().get(&format!("{endpoint}/_ministack/ses/messages")).await?.json()?;
    let accounts = outbox["messages"].as_object().context("the outbox has an unknown form")?;
    let mut mails = accounts.values().filter_map(Value::as_array).flatten();
    let went_there = |mail: &&Value| mail["To"].as_array().is_some_and(|all| all.iter().any(|one| one == to));
    mails.rfind(went_there).cloned().with_context(|| format!("no message went to {to}"))
}
