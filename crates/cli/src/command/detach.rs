//! `detach`

use crate::arguments::{Global, user_pool_id};
use crate::attachment::{Attached, Change, Record, Report, apply, keep_settings, resolve};
use crate::cloud::Cloud;
use crate::consent::Consent;
use crate::exit::{ExitStatus, Refusal};
use crate::function_arn::{Function, FunctionArn};
use crate::invoke_permission;
use crate::output::{Output, drawn};
use crate::pool_settings::{self, Description};
use crate::trigger::Trigger;
use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Take functions off the triggers of a user pool, and put back what attach displaced
///
/// Nothing else of the pool changes; see attach. Cognito's permission to call a function goes when the function is
/// detached, if attach had added it. Detach before a function is deleted: a pool whose trigger is gone
/// refuses every sign-in that would call it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cognito-triggers detach --user-pool-id eu-central-1_AbCdEf123 --all --dry-run
  cognito-triggers detach --user-pool-id eu-central-1_AbCdEf123 --custom-message --leave-empty

What was displaced is in the record that attach wrote. Without that record, or if the displaced function \
is gone, --leave-empty clears the trigger.")]
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
        let output = Output::new(global.output.unwrap_or_default());
        let cognito = cloud.cognito();
        let pool = pool_settings::describe(&cognito, &self.user_pool_id).await?;
        let path = self.record.clone().unwrap_or_else(|| Record::default_path(&self.user_pool_id));
        let mut record = Record::load(&path, &self.user_pool_id)?;
        let mut changes = Vec::new();
        let chosen = self.triggers.chosen(&record);
        if chosen.is_empty() {
            return Err(Refusal(nothing_recorded("any trigger", &path)).into());
        }
        for trigger in chosen {
            let change = self.change(trigger, &pool, record.of(trigger), &path)?;
            refuse_a_function_that_is_gone(&cloud, &pool, &change).await?;
            changes.push(change);
        }
        let mut report = Report {
            user_pool_id: self.user_pool_id.clone(),
            applied: false,
            changes,
            record: path,
            saved: Vec::new(),
        };
        if self.consent.dry_run {
            output.data(&report)?;
            eprintln!("Nothing was changed: this was a dry run.");
            return Ok(ExitStatus::Done);
        }
        if !self.consent.yes {
            eprintln!("{}", drawn(&report, &console::Term::stderr()));
        }
        self.consent.ask(&format!("Change the user pool {}?", self.user_pool_id))?;
        report.saved = keep_settings(&report.record, &pool)?;
        for file in &report.saved {
            eprintln!("The pool's settings from before are in {}", file.display());
        }
        carry_out(&cloud, &pool, &mut record, &mut report).await?;
        output.data(&report)?;
        Ok(ExitStatus::Done)
    }

    fn change(&self, trigger: Trigger, pool: &Description, known: Option<&Attached>, path: &Path) -> Result<Change> {
        let old = pool.lambda_config().get(trigger.member()).cloned();
        let before = trigger.function(pool.lambda_config()).map(str::to_owned);
        let displaced = known.and_then(|known| known.displaced.clone());
        let is_ours = known.is_some_and(|known| before.as_deref() == Some(&known.function));
        // As after an attach that was cut off before the pool was changed.
        let is_back = known.is_some() && old == displaced;
        if known.is_none() && !self.leave_empty {
            return Err(Refusal(nothing_recorded(&trigger.to_string(), path)).into());
        }
        if let (Some(known), Some(before)) = (known, &before)
            && !(is_ours || is_back || self.replace)
        {
            return Err(Refusal(format!(
                "the trigger {trigger} has {before}, which somebody has attached since {}: pass --replace to take it off all the same",
                known.function
            ))
            .into());
        }
        let new = if self.leave_empty { None } else { displaced };
        let config = json!({ trigger.member(): new });
        let permission = match known {
            Some(Attached { permission: None, .. }) => "stays: attach did not add it",
            _ => "to be removed, if attach added it",
        };
        let after = trigger.function(&config).map(str::to_owned);
        Ok(Change { trigger, before, after, permission: permission.to_owned(), old, new })
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
    let found = resolve(cloud, pool, &Function::Arn(function.clone())).await;
    match found {
        Err(error) if error.is::<Refusal>() => Err(Refusal(format!(
            "{function}, which attach displaced from {}, is gone: pass --leave-empty to clear the trigger",
            change.trigger
        ))
        .into()),
        found => found.map(drop),
    }
}

async fn carry_out(cloud: &Cloud, pool: &Description, record: &mut Record, report: &mut Report) -> Result<()> {
    let changes: Vec<_> = report.changes.iter().filter(|change| change.old != change.new).cloned().collect();
    if !changes.is_empty() {
        apply(&cloud.cognito(), pool, &changes).await?;
    }
    report.applied = true;
    // The permission goes last: until the trigger is off, Cognito needs it.
    for change in &mut report.changes {
        let known = record.of(change.trigger);
        let attached = known.map(|known| known.function.clone()).or_else(|| change.before.clone());
        let statement = match known {
            Some(known) => known.permission.clone(),
            None => Some(invoke_permission::statement_id(pool.id(), change.trigger)),
        };
        let function = attached.as_deref().and_then(FunctionArn::parse).filter(|arn| arn.account == pool.account());
        if let (Some(function), Some(statement)) = (function, statement) {
            invoke_permission::withdraw(&cloud.lambda(&function.region), &function, &statement)
                .await
                .context("the trigger is detached, but what is no longer needed is still there")?;
            "removed, if attach added it".clone_into(&mut change.permission);
        }
        record.set(change.trigger, None);
        record.save(&report.record)?;
    }
    Ok(())
}
