//! Which attributes may be copied.

use crate::registry::PoolFacts;
use anyhow::{Context, Result};

/// Says which attributes may be copied, and names one that may not.
///
/// # Errors
///
/// The name of an attribute that the pool does not have, does not let change, or that says who somebody is.
pub(crate) fn copyable(names: &[String], pool: &PoolFacts) -> Result<()> {
    for name in names {
        if NEVER_COPIED.contains(&name.as_str()) {
            anyhow::bail!("{name} is not copied: it says who somebody is, or how to reach them, without proof");
        }
        pool.mutable_attributes
            .contains(name)
            .then_some(())
            .with_context(|| format!("{name} is not an attribute of the pool that can be changed"))?;
    }
    Ok(())
}

/// Attributes that prove something, that people sign in with, or that Cognito sets.
const NEVER_COPIED: [&str; 9] = [
    "sub",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "preferred_username",
    "identities",
    "updated_at",
    "username",
];
