//! Events as Cognito would send them for people in a local pool.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::layout;
use crate::user_pool::{Profile, UserPool};

/// Reads a sample event, as in `sample("pre-sign-up/google")`.
///
/// # Errors
///
/// Fails if there is no such file, or if it is not JSON.
pub fn sample(name: &str) -> Result<Value> {
    let path = layout::events().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// Reads a sample event and puts the given pool's id into it.
///
/// # Errors
///
/// Fails for the same reasons as [`sample`].
pub fn load(name: &str, pool: &UserPool) -> Result<Value> {
    let mut event = sample(name)?;
    event["userPoolId"] = json!(pool.id());
    Ok(event)
}

/// Rewrites a sample event so that it is about a profile as it is in the pool now.
#[must_use]
pub fn about(mut event: Value, profile: &Profile) -> Value {
    event["userName"] = json!(profile.username);
    event["request"]["userAttributes"] = json!(profile.attributes);
    event["request"]["userAttributes"]["cognito:user_status"] = json!(profile.status);
    event
}
