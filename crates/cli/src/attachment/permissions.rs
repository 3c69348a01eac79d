//! The permissions to call that were added and are no longer needed.

use super::{Change, Record};
use crate::cloud::Cloud;
use crate::function_arn::FunctionArn;
use crate::invoke_permission;
use crate::pool_settings::Description;
use anyhow::{Context, Error, Result, anyhow};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A statement that was added to a function's resource policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Permission {
    /// The function's ARN.
    pub(crate) function: String,
    /// The statement's id.
    pub(crate) statement: String,
}

/// The pool as it is to be after the changes.
pub(crate) fn changed(pool: &Description, changes: &[Change]) -> Description {
    let mut pool = pool.clone();
    for change in changes {
        pool.0["LambdaConfig"][change.trigger.member()] = change.new.clone().unwrap_or_default();
    }
    pool
}

/// Takes away every recorded permission whose function the pool does not call any more. Each is forgotten once it
/// is gone, so that a later run takes away what this one could not. Returns those that were there.
///
/// # Errors
///
/// Lambda refuses; the record cannot be written.
pub(crate) async fn withdraw_unused(
    cloud: &Cloud,
    record: &mut Record,
    path: &Path,
    pool: &Description,
) -> Result<Vec<Permission>> {
    let mut withdrawn = Vec::new();
    for permission in record.unused(pool) {
        let was_there = withdraw(cloud, &permission).await.with_context(|| {
            format!(
                "the triggers are as they should be, but a permission that is no longer needed is still there; {} \
                 remembers it: run the same command again",
                path.display()
            )
        })?;
        record.permissions.remove(&permission);
        record.save(path)?;
        if was_there {
            withdrawn.push(permission);
        }
    }
    Ok(withdrawn)
}

/// Takes a permission away; returns whether it was there.
///
/// # Errors
///
/// Lambda refuses, or the record names something that is no function.
pub(crate) async fn withdraw(cloud: &Cloud, permission: &Permission) -> Result<bool> {
    let Permission { function, statement } = permission;
    let function = FunctionArn::parse(function).with_context(|| format!("{function} is no ARN of a function"))?;
    invoke_permission::withdraw(&cloud.lambda(&function.region), &function, statement).await
}

/// Takes back what was done before the pool was to be updated, where the update did not happen. Returns what to end
/// with: why it did not happen and, if something could not be taken back, that as well; then it is no refusal.
pub(crate) async fn undone(cloud: &Cloud, former: Record, added: &[Permission], path: &Path, why: Error) -> Error {
    let mut record = former;
    let mut left = Vec::new();
    for permission in added {
        if let Err(error) = withdraw(cloud, permission).await {
            record.permissions.insert(permission.clone());
            left.push(format!("{error:#}"));
        }
    }
    if let Err(error) = record.save(path) {
        left.push(format!("{error:#}"));
    }
    if left.is_empty() {
        return why;
    }
    anyhow!("{why:#}. The pool is as it was, but not everything could be taken back: {}", left.join("; "))
}
