//! Setting and clearing triggers without changing anything else, with a way back.

#[cfg(test)]
pub(crate) mod fake_aws;
mod record;
mod request;
mod snapshot;
mod transaction;
mod update;

pub(crate) use record::{Attached, Record};
pub(crate) use request::{Current, Request};
pub(crate) use snapshot::Snapshot;
pub(crate) use transaction::Transaction;

use crate::advice::told;
use crate::cloud::Cloud;
use crate::function_arn::{Function, FunctionArn};
use crate::invoke_permission::Permission;
use crate::pool_settings::Description;
use crate::terminal::{Refused, Table, Tabular, Versioned};
use crate::trigger::Trigger;
use anyhow::{Context, Result};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;

/// One trigger, before and after.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Change {
    /// The trigger.
    #[serde(serialize_with = "by_name")]
    #[schemars(with = "String")]
    pub(crate) trigger: Trigger,
    /// The function that is attached, null if none is.
    pub(crate) before: Option<String>,
    /// The function that will be attached, null if none will be.
    pub(crate) after: Option<String>,
    /// What happens to Cognito's permission to call.
    pub(crate) permission: String,
    /// The function that the attached one calls as well, null if attach sets up none.
    pub(crate) next_function: Option<String>,
    /// The trigger's value in `LambdaConfig` before the change.
    #[serde(skip)]
    pub(crate) old: Option<Value>,
    /// The value after the change.
    #[serde(skip)]
    pub(crate) new: Option<Value>,
}

fn by_name<S: serde::Serializer>(trigger: &Trigger, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(trigger)
}

/// What a command says it did, or would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {
    /// The pool.
    pub(crate) user_pool_id: String,
    /// Whether the changes were made; false for a dry run, or if there was nothing to change.
    pub(crate) applied: bool,
    /// Every trigger that was asked for.
    pub(crate) changes: Vec<Change>,
    /// The permissions that are removed, or would be, because no trigger of the pool has the function any more.
    pub(crate) permissions_removed: Vec<Permission>,
    /// The file that remembers what was replaced.
    pub(crate) record: PathBuf,
    /// The files that hold the pool's settings from before; none if nothing was changed.
    pub(crate) saved: Vec<PathBuf>,
}

/// What became of one pool of several.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Outcome {
    /// The pool.
    pub(crate) user_pool_id: String,
    /// What was done, or would be; null if it failed.
    pub(crate) report: Option<Report>,
    /// Why it failed; null if it did not.
    pub(crate) error: Option<String>,
}

/// What a command says of several pools.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Outcomes {
    /// One for each pool, in the order in which they were named.
    pub(crate) pools: Vec<Outcome>,
}

/// What a command writes: of one pool its report, of several what became of each.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what is written")]
pub(crate) enum Written {
    One(Versioned<Report>),
    Several(Versioned<Outcomes>),
}

/// The pool after the changes.
pub(crate) fn changed(pool: &Description, changes: &[Change]) -> Description {
    let mut pool = pool.clone();
    for change in changes {
        pool.0["LambdaConfig"][change.trigger.member()] = change.new.clone().unwrap_or_default();
    }
    pool
}

impl Tabular for Outcomes {
    fn table(&self) -> Table {
        let rows = self.pools.iter().map(|Outcome { user_pool_id, report, error }| {
            let (outcome, triggers) = match report {
                Some(report) => {
                    let names: Vec<_> = report.changes.iter().map(|change| change.trigger.to_string()).collect();
                    (if report.applied { "changed" } else { "not changed" }, names.join(", "))
                }
                None => ("failed", error.clone().unwrap_or_default()),
            };
            [user_pool_id.clone(), outcome.to_owned(), triggers]
        });
        Table::new(["pool", "outcome", "triggers"]).with(rows)
    }
}

impl Tabular for Report {
    fn table(&self) -> Table {
        let same = !self.applied && self.changes.iter().all(|change| change.before == change.after);
        // Two columns that say the same would look like a change.
        let states: &[_] = match (self.applied, same) {
            (true, _) => &["was", "now"],
            (false, false) => &["is", "would be"],
            (false, true) => &["is"],
        };
        let calls =
            if self.changes.iter().any(|change| change.next_function.is_some()) { &["and calls"][..] } else { &[] };
        let columns = ["trigger"].iter().chain(states).chain(&["permission to call"]).chain(calls);
        let rows = self.changes.iter().map(|change| {
            let [before, after, next] = [&change.before, &change.after, &change.next_function]
                .map(|function| function.clone().unwrap_or_else(|| "–".to_owned()));
            let functions = [before, after].into_iter().take(states.len());
            let name = std::iter::once(change.trigger.to_string());
            let next = [next].into_iter().take(calls.len());
            name.chain(functions).chain([change.permission.clone()]).chain(next)
        });
        Table::new(columns.copied()).with(rows)
    }
}

/// Finds out which function is meant, and that it exists.
///
/// A function of another account is not checked, because only that account can say whether it exists.
///
/// # Errors
///
/// Returns [`Refused`] if there is no such function. Also fails if Lambda does not answer.
pub(crate) async fn resolve(cloud: &Cloud, pool: &Description, function: &Function) -> Result<FunctionArn> {
    let (region, name, alias) = match function {
        Function::Arn(arn) if arn.account != pool.account() => return Ok(arn.clone()),
        Function::Arn(arn) => (arn.region.as_str(), &arn.name, &arn.alias),
        Function::Name { name, alias } => (pool.region(), name, alias),
    };
    let request = cloud.lambda(region).get_function_configuration().function_name(name).set_qualifier(alias.clone());
    let answer = request.send().await.map_err(|error| {
        let alias = alias.as_ref().map(|alias| format!(" with an alias {alias}")).unwrap_or_default();
        if error.as_service_error().is_some_and(GetFunctionConfigurationError::is_resource_not_found_exception) {
            anyhow::Error::from(Refused(format!("there is no function {name}{alias} in {region}")))
        } else {
            told("GetFunctionConfiguration")(error).context(format!("the function {name} cannot be looked up"))
        }
    })?;
    let arn = answer.function_arn().unwrap_or_default();
    let plain: Vec<&str> = arn.split(':').take(7).collect();
    let whole = plain.into_iter().chain(alias.as_deref()).collect::<Vec<_>>().join(":");
    FunctionArn::parse(&whole)
        .with_context(|| format!("Lambda answered with {arn:?}, which is not the ARN of a function"))
}

#[cfg(test)]
mod tests;
