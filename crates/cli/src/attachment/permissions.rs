//! The permissions that were added.

use crate::cloud::Cloud;
use crate::function_arn::FunctionArn;
use crate::invoke_permission;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A statement that was added to a function's resource policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Permission {
    /// The function's ARN.
    pub(crate) function: String,
    /// The statement's id.
    pub(crate) statement: String,
}

/// Removes a permission; returns whether it existed.
///
/// # Errors
///
/// Lambda refuses, or the record names something that is no function.
pub(super) async fn withdraw(cloud: &Cloud, permission: &Permission) -> Result<bool> {
    let Permission { function, statement } = permission;
    let function = FunctionArn::parse(function).with_context(|| format!("{function} is not the ARN of a function"))?;
    invoke_permission::withdraw(&cloud.lambda(&function.region), &function, statement).await
}
