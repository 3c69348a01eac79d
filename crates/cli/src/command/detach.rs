//! `detach`

use crate::attachment::{
    Attached, Begun, Change, Failure, Permission, Record, Report, apply, changed, resolve, undone, withdraw_unused,
};
use crate::cloud::Cloud;
use crate::function_arn::{Function, FunctionArn};
use crate::invoke_permission;
use crate::options::{Global, user_pool_id};
use crate::pool_settings::{self, Description};
use crate::terminal::{self, Consent, ExitStatus, Output, Refused, confirm};
use crate::trigger::Trigger;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Take functions off the triggers of a user pool, and put back what attach displaced
///
/// Nothing else of the pool changes; see attach. Cognito's permission to call a function goes when the last trigger
/// that has the function is detached, if attach had added it. Detach before a function is deleted: a pool whose
/// trigger is gone refuses every sign-in that would call it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cognito-triggers detach --user-pool-id eu-central-1_AbCdEf123 --all --dry-run
  cognito-triggers detach --user-pool-id eu-central-1_AbCdEf123 --custom-message --leave-empty

What was displaced is in the record that attach wrote. Without that record, as with a pool that the template \
made, or if the displaced function is gone, --leave-empty clears the triggers that are named.")]
pub(crate) struct Detach {
    /// The user pool
    #[arg(long, value_name = "ID", value_parser = user_pool_id)]
    user_pool_id: String,
    #[command(flatten)]
    triggers: Triggers,
    /// Clear the triggers instead of putting back what attach displaced
    #[arg(long)]
    leave_empty: bool,
    /// Also take off functions that somebody else has attached since
    #[arg(long)]
    replace: bool,
    /// What attach remembered [default: cognito-triggers-<ID>.json in the current folder]
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

/// Which triggers.
#[derive(Debug, Args)]
#[group(id = "triggers", required = true, multiple = true)]
#[allow(clippy::struct_excessive_bools, reason = "one per trigger, as the command line has them")]
struct Triggers {
    /// Every trigger in the record
    #[arg(long)]
    all: bool,
    /// The inbound federation trigger
    #[arg(long)]
    inbound_federation: bool,
    /// The pre sign-up trigger
    #[arg(long)]
    pre_sign_up: bool,
    /// The post confirmation trigger
    #[arg(long)]
    post_confirmation: bool,
    /// The post authentication trigger
    #[arg(long)]
    post_authentication: bool,
    /// The custom message trigger
    #[arg(long)]
    custom_message: bool,
}

impl Triggers {
    fn chosen(&self, record: &Record) -> Vec<Trigger> {
        let recorded = record.triggers();
        let is_chosen = |trigger: &Trigger| {
            (self.all && recorded.contains(trigger))
                || match trigger {
                    Trigger::InboundFederation => self.inbound_federation,
                    Trigger::PreSignUp => self.pre_sign_up,
                    Trigger::PostConfirmation => self.post_confirmation,
                    Trigger::PostAuthentication => self.post_authentication,
                    Trigger::CustomMessage => self.custom_message,
                }
        };
        Trigger::ALL.into_iter().filter(is_chosen).collect()
    }
}

impl Detach {
    pub(super) async fn run(self, global: &Global) -> Result<ExitStatus> {
        let cloud = Cloud::load(global, Some(&self.user_pool_id)).await;
        self.on(&cloud, global.output()).await?;
        Ok(ExitStatus::Done)
    }

    pub(super) async fn on(&self, cloud: &Cloud, output: Output) -> Result<Report> {
        let cognito = cloud.cognito();
        let pool = pool_settings::describe(&cognito, &self.user_pool_id).await?;
        let path = self.record.clone().unwrap_or_else(|| Record::default_path(&self.user_pool_id));
        let record = Record::load(&path, &self.user_pool_id)?;
        let changes = self.plan(cloud, &pool, &record, &path).await?;
        let mut report = Report {
            user_pool_id: self.user_pool_id.clone(),
            applied: false,
            permissions_removed: record.unused(&changed(&pool, &changes)),
            changes,
            record: path,
            saved: Vec::new(),
        };
        if self.consent.dry_run {
            output.data(&report)?;
            say!("Nothing was changed: this was a dry run.");
            return Ok(report);
        }
        if !self.consent.yes {
            terminal::show(&report);
        }
        report.announce_permissions();
        confirm(&format!("Change the user pool {}?", self.user_pool_id), self.consent.yes)?;
        let mut begun = Begun::begin(&cognito, &report.record, &record, &report.changes).await?;
        carry_out(cloud, &mut begun, &mut report).await?;
        report.saved = begun.kept.files;
        output.data(&report)?;
        Ok(report)
    }

    /// What would change.
    async fn plan(&self, cloud: &Cloud, pool: &Description, record: &Record, path: &Path) -> Result<Vec<Change>> {
        let chosen = self.triggers.chosen(record);
        // Permissions without a trigger are what a run left behind that was cut off.
        if chosen.is_empty() && record.permissions.is_empty() {
            return Err(Refused(nothing_recorded("any trigger", path)).into());
        }
        let mut changes = Vec::new();
        for trigger in chosen {
            let change = self.change(trigger, pool, record.of(trigger), path)?;
            refuse_a_function_that_is_gone(cloud, pool, &change).await?;
            changes.push(change);
        }
        let after = changed(pool, &changes);
        for change in &mut changes {
            expectation(change, record, &after).clone_into(&mut change.permission);
        }
        Ok(changes)
    }

    fn change(&self, trigger: Trigger, pool: &Description, known: Option<&Attached>, path: &Path) -> Result<Change> {
        let old = pool.lambda_config().get(trigger.member()).cloned();
        let before = trigger.function(pool.lambda_config()).map(str::to_owned);
        let displaced = known.and_then(|known| known.displaced.clone());
        let is_ours = known.zip(before.as_deref()).is_some_and(|(known, before)| known.is_ours(before));
        // As after an attach that was cut off before the pool was changed.
        let is_back = known.is_some() && old == displaced;
        if known.is_none() && !self.leave_empty {
            return Err(Refused(nothing_recorded(&trigger.to_string(), path)).into());
        }
        if let (Some(known), Some(before)) = (known, &before)
            && !(is_ours || is_back || self.replace)
        {
            return Err(Refused(format!(
                "the trigger {trigger} has {before}, which somebody has attached since {}: pass --replace to take it off all the same",
                known.function
            ))
            .into());
        }
        let new = if self.leave_empty { None } else { displaced };
        let config = json!({ trigger.member(): new });
        let after = trigger.function(&config).map(str::to_owned);
        Ok(Change { trigger, before, after, permission: String::new(), old, new })
    }
}

fn nothing_recorded(what: &str, path: &Path) -> String {
    format!(
        "{} does not say what attach displaced from {what}: attach was run in another folder, with another --record, \
         or not at all. Pass its record with --record FILE, or name the trigger with --leave-empty to clear it",
        path.display()
    )
}

async fn refuse_a_function_that_is_gone(cloud: &Cloud, pool: &Description, change: &Change) -> Result<()> {
    let Some(function) = change.after.as_deref().filter(|_| change.old != change.new).and_then(FunctionArn::parse)
    else {
        return Ok(());
    };
    match resolve(cloud, pool, &Function::Arn(function.clone())).await {
        Err(error) if error.is::<Refused>() => Err(Refused(format!(
            "{function}, which attach displaced from {}, is gone: pass --leave-empty to clear the trigger",
            change.trigger
        ))
        .into()),
        Err(error) => {
            // Detaching may be urgent, and a trigger that calls nothing is no better than one that may be gone.
            say!(
                "{function} is put back without having been checked to be there, which takes \
                 lambda:GetFunctionConfiguration on it: {error:#}. --leave-empty clears the trigger instead"
            );
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

const SHARED: &str = "stays: another trigger has the function";
const RECORDED: &str = "to be removed";
const GUESSED: &str = "to be removed, if attach added it";
const REMOVED: &str = "removed";
const NOT_OURS: &str = "stays: attach did not add it";

/// The function that a change takes off or, if somebody took it off before, took the place of.
fn taken_off<'a>(change: &'a Change, record: &'a Record) -> Option<&'a str> {
    record.of(change.trigger).map(|known| known.function.as_str()).or(change.before.as_deref())
}

fn is_recorded(record: &Record, function: &str) -> bool {
    record.permissions.iter().any(|permission| permission.function == function)
}

/// What is to happen to the permission, where `after` is the pool as it will be.
fn expectation(change: &Change, record: &Record, after: &Description) -> &'static str {
    match taken_off(change, record) {
        None => "–",
        Some(function) if after.calls(function) => SHARED,
        Some(function) if is_recorded(record, function) => RECORDED,
        _ if !guesses(change, record, after).is_empty() => GUESSED,
        Some(_) => NOT_OURS,
    }
}

/// The permissions that attach may have added to a function that the record does not know; it goes by the name of the
/// first trigger that was given the function.
fn guesses(change: &Change, record: &Record, after: &Description) -> Vec<Permission> {
    let unknown = change.before.as_deref().filter(|function| {
        record.of(change.trigger).is_none() && !is_recorded(record, function) && !after.calls(function)
    });
    let here = unknown.and_then(FunctionArn::parse).filter(|function| function.account == after.account());
    let statements = Trigger::ALL.map(|trigger| invoke_permission::statement_id(after.id(), trigger));
    here.into_iter()
        .flat_map(|function| {
            statements.clone().map(|statement| Permission { function: function.to_string(), statement })
        })
        .collect()
}

async fn carry_out(cloud: &Cloud, begun: &mut Begun, report: &mut Report) -> Result<()> {
    let former = begun.record.clone();
    let expected = changed(&begun.kept.pool, &report.changes);
    let guessed: Vec<_> = report.changes.iter().flat_map(|change| guesses(change, &former, &expected)).collect();
    if !guessed.is_empty() {
        // Written down first: what this run does not come to take away, a later one does.
        begun.record.permissions.extend(guessed);
        begun.record.save(&report.record)?;
    }
    let changes: Vec<_> = report.changes.iter().filter(|change| change.old != change.new).cloned().collect();
    let outcome = if changes.is_empty() {
        Ok(begun.kept.pool.clone())
    } else {
        apply(&cloud.cognito(), &mut begun.kept, &changes).await
    };
    let after = match outcome {
        Err(Failure::Unchanged(why)) => return Err(undone(cloud, former, &[], &report.record, why).await),
        outcome => outcome?,
    };
    report.applied = true;
    // Permissions go last: until the trigger is off, Cognito needs them.
    report.permissions_removed = withdraw_unused(cloud, &mut begun.record, &report.record, &after).await?;
    for change in &mut report.changes {
        let function = taken_off(change, &former);
        let is_removed = report.permissions_removed.iter().any(|removed| Some(removed.function.as_str()) == function);
        let outcome = match change.permission.as_str() {
            RECORDED | GUESSED if is_removed => REMOVED,
            RECORDED | GUESSED if function.is_some_and(|function| after.calls(function)) => SHARED,
            RECORDED | GUESSED => NOT_OURS,
            _ => continue,
        };
        outcome.clone_into(&mut change.permission);
    }
    for change in &report.changes {
        begun.record.set(change.trigger, None);
    }
    begun.record.save(&report.record)
}
