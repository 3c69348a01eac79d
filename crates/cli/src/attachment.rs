//! Triggers set and cleared, nothing else changed, and the way back kept.

mod record;

pub(crate) use record::{Attached, Record, keep_settings};

use crate::cloud::Cloud;
use crate::exit::Refusal;
use crate::function_arn::{Function, FunctionArn};
use crate::output::Table;
use crate::pool_settings::{self, Description, Difference, Triggers, differences, update_input};
use crate::trigger::Trigger;
use anyhow::{Context, Result, bail};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_lambda::error::SdkError;
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// How often a change is tried while somebody else keeps changing the pool.
const ATTEMPTS: u32 = 6;

/// The wait before the second attempt; each later one is twice as long, 8 s in all.
const PAUSE: Duration = Duration::from_millis(250);

/// One trigger, before and after.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    /// The trigger.
    #[serde(serialize_with = "by_name")]
    pub(crate) trigger: Trigger,
    /// The function that is attached, null if none is.
    pub(crate) before: Option<String>,
    /// The function that will be, null if none will.
    pub(crate) after: Option<String>,
    /// What happens to Cognito's permission to call.
    pub(crate) permission: String,
    /// What stands in `LambdaConfig` before.
    #[serde(skip)]
    pub(crate) old: Option<Value>,
    /// What stands there after.
    #[serde(skip)]
    pub(crate) new: Option<Value>,
}

fn by_name<S: serde::Serializer>(trigger: &Trigger, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(trigger)
}

/// What a command says it did, or would do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The pool.
    pub(crate) user_pool_id: String,
    /// Whether the changes were made; false for a dry run, or if there was nothing to change.
    pub(crate) applied: bool,
    /// Every trigger that was asked for.
    pub(crate) changes: Vec<Change>,
    /// The file that remembers what was displaced.
    pub(crate) record: PathBuf,
    /// The files that hold the pool's settings from before; none if nothing was changed.
    pub(crate) saved: Vec<PathBuf>,
}

impl Table for Report {
    fn table(&self) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        let after = if self.applied { "now" } else { "would be" };
        table.set_header(["trigger", if self.applied { "was" } else { "is" }, after, "permission to call"]);
        for change in &self.changes {
            let shown = |function: &Option<String>| function.clone().unwrap_or_else(|| "–".to_owned());
            let name = change.trigger.to_string();
            table.add_row([name, shown(&change.before), shown(&change.after), change.permission.clone()]);
        }
        table
    }
}

/// Finds out which function is meant, and that it is there.
///
/// A function of another account is taken as it is: nobody but that account can say whether it exists.
///
/// # Errors
///
/// A [`Refusal`] if there is no such function; otherwise Lambda does not answer.
pub(crate) async fn resolve(cloud: &Cloud, pool: &Description, function: &Function) -> Result<FunctionArn> {
    let (region, name, alias) = match function {
        Function::Arn(arn) if arn.account != pool.account() => return Ok(arn.clone()),
        Function::Arn(arn) => (arn.region.as_str(), &arn.name, &arn.alias),
        Function::Name { name, alias } => (pool.region(), name, alias),
    };
    let request = cloud.lambda(region).get_function_configuration().function_name(name).set_qualifier(alias.clone());
    let answer = request.send().await.map_err(SdkError::into_service_error);
    let answer = answer.map_err(|error| {
        let alias = alias.as_ref().map(|alias| format!(" with an alias {alias}")).unwrap_or_default();
        if error.is_resource_not_found_exception() {
            anyhow::Error::from(Refusal(format!("there is no function {name}{alias} in {region}")))
        } else {
            anyhow::Error::from(error).context(format!("the function {name} cannot be looked up"))
        }
    })?;
    let arn = answer.function_arn().unwrap_or_default();
    let plain: Vec<&str> = arn.split(':').take(7).collect();
    let whole = plain.into_iter().chain(alias.as_deref()).collect::<Vec<_>>().join(":");
    FunctionArn::parse(&whole).with_context(|| format!("Lambda answered with {arn:?}, which is no ARN of a function"))
}

/// Writes the changed triggers, and proves that nothing else became different.
///
/// # Errors
///
/// A [`Refusal`] if an update might lose a setting, or if somebody changed one of the triggers meanwhile; otherwise
/// Cognito refuses, or something else is different afterwards: then every difference is named.
pub(crate) async fn apply(cognito: &Client, pool: &Description, changes: &[Change]) -> Result<()> {
    apply_pausing(cognito, pool, changes, PAUSE).await
}

async fn apply_pausing(cognito: &Client, pool: &Description, changes: &[Change], pause: Duration) -> Result<()> {
    let triggers: Triggers = changes.iter().map(|change| (change.trigger, change.new.clone())).collect();
    let mut pool = pool.clone();
    let mut attempt = 1;
    loop {
        let input = update_input(&pool, &triggers).map_err(|error| Refusal(error.to_string()))?;
        match pool_settings::update(cognito, &input).await {
            Ok(()) => break,
            Err(error) if pool_settings::is_concurrent_modification(&error) && attempt < ATTEMPTS => {
                tokio::time::sleep(pause * 2_u32.pow(attempt - 1)).await;
                attempt += 1;
                let fresh = pool_settings::describe(cognito, pool.id()).await?;
                refuse_if_moved(&fresh, changes)?;
                pool = fresh;
            }
            Err(error) => return Err(error.into_service_error()).context("the user pool cannot be updated"),
        }
    }
    let after = pool_settings::describe(cognito, pool.id()).await?;
    let unexpected = unexpected(&pool, &after, changes);
    if unexpected.is_empty() { Ok(()) } else { bail!("{}", complaint(&unexpected)) }
}

fn refuse_if_moved(pool: &Description, changes: &[Change]) -> Result<(), Refusal> {
    let moved = changes.iter().find(|change| pool.lambda_config().get(change.trigger.member()) != change.old.as_ref());
    let moved =
        moved.map(|change| format!("somebody else changed the trigger {} meanwhile: start again", change.trigger));
    moved.map_or(Ok(()), |text| Err(Refusal(text)))
}

/// Every setting that is not as it was or, for the triggers to change, not as it should be.
fn unexpected(before: &Description, after: &Description, changes: &[Change]) -> Vec<Difference> {
    let mut expected = before.clone();
    for change in changes {
        expected.0["LambdaConfig"][change.trigger.member()] = change.new.clone().unwrap_or_default();
    }
    differences(&expected, after)
}

fn complaint(unexpected: &[Difference]) -> String {
    let mut text = "the pool was updated, and these settings are not as they should be:".to_owned();
    for Difference { setting, before, after } in unexpected {
        text = format!("{text}\n  {setting}: {before} became {after}");
    }
    text + "\nThe settings from before are in the files named above; write them back with\n  \
         aws cognito-idp update-user-pool --cli-input-json file://<the file ending in .restore.json>"
}

#[cfg(test)]
#[path = "attachment/tests.rs"]
mod tests;
