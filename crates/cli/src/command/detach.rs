//! `detach`

use crate::attachment::{Attached, Change, Current, Record, Report, Request, Transaction, changed, resolve};
use crate::chain;
use crate::cloud::Cloud;
use crate::function_arn::{Function, FunctionArn};
use crate::invoke_permission::{self, Permission};
use crate::options::Global;
use crate::owner::Owner;
use crate::pool_settings::Description;
use crate::terminal::{ExitStatus, Refused};
use crate::trigger::Trigger;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::path::Path;

/// Remove functions from the triggers of a user pool, and put back what attach replaced
///
/// Nothing else in the pool changes. When no trigger has the function any more, Cognito's permission to call it is
/// removed, if attach added it. Detach before you delete a function: if a trigger's function does not exist, Cognito
/// refuses every sign-in that would call it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cognito-triggers detach --user-pool-id eu-central-1_AbCdEf123 --all --dry-run
  cognito-triggers detach --user-pool-id eu-central-1_AbCdEf123 --custom-message --leave-empty

The record that attach wrote remembers what was replaced. If there is no record, because the template created the \
pool, or if the former function is gone, clear the triggers with --leave-empty.")]
pub(crate) struct Detach {
    #[command(flatten)]
    pub(super) request: Request,
    #[command(flatten)]
    triggers: Triggers,
    /// Clear the triggers instead of putting back what attach replaced
    #[arg(long)]
    leave_empty: bool,
    /// Also remove functions that somebody else attached later
    #[arg(long)]
    replace: bool,
    /// Put back this function of another account, if attach replaced it; may be repeated
    #[arg(long, value_name = "ARN")]
    put_back: Vec<String>,
}

/// Which triggers.
#[derive(Debug, Args)]
#[group(id = "triggers", required = true, multiple = true)]
#[allow(clippy::struct_excessive_bools, reason = "one per trigger, as the command line has them")]
struct Triggers {
    /// All triggers in the record
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
        self.request.run(global, async |request, cloud| self.on(request, cloud).await).await
    }

    pub(super) async fn on(&self, request: &Request, cloud: &Cloud) -> Result<Report> {
        let current = request.current(cloud).await?;
        let mut report = current.report(self.plan(cloud, &current).await?);
        // Detaching may be urgent, so what CloudFormation does not say keeps nobody waiting.
        if let Ok(Some(owner)) = Owner::of(cloud, &current.pool).await {
            note!(
                "{owner} owns the pool. {}. Take these functions out there, too, or they come back",
                owner.next_deployment()
            );
        }
        if let Some(mut transaction) = request.begin(cloud, &current, &report, false).await? {
            carry_out(cloud, &mut transaction, &mut report).await?;
            report.saved = transaction.snapshot.files;
        }
        Ok(report)
    }

    /// What would change.
    async fn plan(&self, cloud: &Cloud, Current { pool, record, path }: &Current) -> Result<Vec<Change>> {
        let chosen = self.triggers.chosen(record);
        // A run that was cut off left permissions without a trigger.
        if chosen.is_empty() && record.permissions.is_empty() {
            refuse!("{}", nothing_recorded("any trigger", path));
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
        // This happens after an attach that was cut off before it changed the pool.
        let is_back = known.is_some() && old == displaced;
        if known.is_none() && !self.leave_empty {
            refuse!("{}", nothing_recorded(&trigger.to_string(), path));
        }
        if let (Some(known), Some(before)) = (known, &before)
            && !(is_ours || is_back || self.replace)
        {
            refuse!(
                "the trigger {trigger} has {before}, which somebody attached after {}. Pass --replace to remove it anyway",
                known.function
            );
        }
        let new = if self.leave_empty { None } else { displaced };
        let config = json!({ trigger.member(): new });
        let after = trigger.function(&config).map(str::to_owned);
        // The pool would send every sign-in to that account, so a file alone must not decide it.
        if let Some(function) = after.as_deref().filter(|_| old != new).and_then(FunctionArn::parse)
            && function.account != pool.account()
            && !self.put_back.iter().any(|named| named == function.as_str())
        {
            refuse!(
                "{function}, which {} says attach replaced on {trigger}, belongs to another account. Pass --put-back \
                 {function} if that is right, or --leave-empty to clear the trigger",
                path.display()
            );
        }
        Ok(Change { trigger, before, after, permission: String::new(), next_function: None, old, new })
    }
}

fn nothing_recorded(what: &str, path: &Path) -> String {
    format!(
        "{} does not say what attach replaced on {what}: attach ran in another folder, with another --record, or not at \
         all. Pass its record with --record FILE, or clear the trigger with its option and --leave-empty",
        path.display()
    )
}

async fn refuse_a_function_that_is_gone(cloud: &Cloud, pool: &Description, change: &Change) -> Result<()> {
    let Some(function) = change.after.as_deref().filter(|_| change.old != change.new).and_then(FunctionArn::parse)
    else {
        return Ok(());
    };
    match resolve(cloud, pool, &Function::Arn(function.clone())).await {
        Err(error) if error.is::<Refused>() => refuse!(
            "{function}, which attach replaced on {}, does not exist any more. Pass --leave-empty to clear the trigger",
            change.trigger
        ),
        Err(error) => {
            // Detaching may be urgent, so a missing permission does not stop it.
            note!(
                "{function} is put back, but whether it still exists could not be checked, which needs \
                 lambda:GetFunctionConfiguration on it: {error:#}. --leave-empty clears the trigger instead"
            );
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

const SHARED: &str = "stays: another trigger has the function";
const RECORDED: &str = "to be removed";
const UNRECORDED: &str = "to be removed, if attach added it";
const REMOVED: &str = "removed";
const NOT_OURS: &str = "stays: attach did not add it";

/// The function that attach recorded for the trigger, or else the one that is attached now.
fn detached<'a>(change: &'a Change, record: &'a Record) -> Option<&'a str> {
    record.of(change.trigger).map(|known| known.function.as_str()).or(change.before.as_deref())
}

fn is_recorded(record: &Record, function: &str) -> bool {
    record.permissions.iter().any(|permission| permission.function == function)
}

/// What happens to the permission. `after` is the pool after the change.
fn expectation(change: &Change, record: &Record, after: &Description) -> &'static str {
    match detached(change, record) {
        None => "–",
        Some(function) if after.calls(function) => SHARED,
        Some(function) if is_recorded(record, function) => RECORDED,
        _ if !unrecorded(change, record, after).is_empty() => UNRECORDED,
        Some(_) => NOT_OURS,
    }
}

/// The permissions that attach may have added to a function that the record does not know; it goes by the name of the
/// first trigger that was given the function.
fn unrecorded(change: &Change, record: &Record, after: &Description) -> Vec<Permission> {
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

async fn carry_out(cloud: &Cloud, transaction: &mut Transaction, report: &mut Report) -> Result<()> {
    let former = transaction.record.clone();
    let expected = changed(&transaction.snapshot.pool, &report.changes);
    let unrecorded: Vec<_> = report.changes.iter().flat_map(|change| unrecorded(change, &former, &expected)).collect();
    if !unrecorded.is_empty() {
        // Written down first: a later run removes what this one does not reach.
        transaction.record.permissions.extend(unrecorded);
        transaction.save_record()?;
    }
    let pool = transaction.update(cloud, &report.changes, Ok(()), &[]).await?;
    report.applied = true;
    // Only now nobody calls our function any more.
    for change in &report.changes {
        let Some(known) = former.of(change.trigger) else { continue };
        if let (Some(chained), Some(function)) = (&known.chained, FunctionArn::parse(&known.function)) {
            let apart = chain::undo(cloud, &pool, change.trigger, &function, chained).await.map_err(|error| {
                error.context("the triggers are as they should be, but a function still has NEXT_FUNCTION: run the same command again")
            })?;
            if apart {
                say!("{function} no longer calls {}", chained.next);
            }
        }
    }
    // Permissions go last: Cognito needs them until the trigger is cleared.
    report.permissions_removed = transaction.withdraw_unused(cloud, &pool).await?;
    for change in &mut report.changes {
        let function = detached(change, &former);
        let is_removed = report.permissions_removed.iter().any(|removed| Some(removed.function.as_str()) == function);
        let outcome = match change.permission.as_str() {
            RECORDED | UNRECORDED if is_removed => REMOVED,
            RECORDED | UNRECORDED if function.is_some_and(|function| pool.calls(function)) => SHARED,
            RECORDED | UNRECORDED => NOT_OURS,
            _ => continue,
        };
        outcome.clone_into(&mut change.permission);
    }
    for change in &report.changes {
        transaction.record.set(change.trigger, None);
    }
    transaction.save_record()
}
