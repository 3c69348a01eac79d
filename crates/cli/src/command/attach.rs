//! `attach`

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
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// Attach functions to triggers of a user pool, and change nothing else of it
///
/// Cognito resets every setting that an update leaves out, so the whole pool is read, the triggers are changed, and
/// the whole pool is written back; afterwards it is read again and compared, setting by setting. Cognito gets
/// permission to call each function before the function is attached.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cognito-triggers attach --user-pool-id eu-central-1_AbCdEf123 \\
      --pre-sign-up account-triggers-pre-sign-up \\
      --inbound-federation account-triggers-inbound:live --dry-run

Each function is given by name, name:alias or ARN. A trigger that has a function already is refused \
without --replace, unless that function was attached by this command. What is displaced is written to the \
record, so keep that file: detach puts it back. Beside the record lie the pool's settings from before.")]
pub(crate) struct Attach {
    /// The user pool
    #[arg(long, value_name = "ID", value_parser = user_pool_id)]
    user_pool_id: String,
    #[command(flatten)]
    functions: Functions,
    /// Displace functions that are attached already
    #[arg(long)]
    replace: bool,
    /// Where to remember what is displaced [default: cognito-triggers-<ID>.json in the current folder]
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

/// Which function for which trigger.
#[derive(Debug, Args)]
#[group(id = "functions", required = true, multiple = true)]
struct Functions {
    /// Called on every sign-in from a provider, before the profile is written
    #[arg(long, value_name = "FUNCTION", value_parser = Function::parse)]
    inbound_federation: Option<Function>,
    /// Called before a profile is made; links people to the account they have
    #[arg(long, value_name = "FUNCTION", value_parser = Function::parse)]
    pre_sign_up: Option<Function>,
    /// Called after a profile is confirmed
    #[arg(long, value_name = "FUNCTION", value_parser = Function::parse)]
    post_confirmation: Option<Function>,
    /// Called after a sign-in
    #[arg(long, value_name = "FUNCTION", value_parser = Function::parse)]
    post_authentication: Option<Function>,
    /// Called before Cognito sends a message; needs a pool that sends through SES
    #[arg(long, value_name = "FUNCTION", value_parser = Function::parse)]
    custom_message: Option<Function>,
}

impl Functions {
    fn chosen(&self) -> impl Iterator<Item = (Trigger, &Function)> {
        let of = |trigger| match trigger {
            Trigger::InboundFederation => self.inbound_federation.as_ref(),
            Trigger::PreSignUp => self.pre_sign_up.as_ref(),
            Trigger::PostConfirmation => self.post_confirmation.as_ref(),
            Trigger::PostAuthentication => self.post_authentication.as_ref(),
            Trigger::CustomMessage => self.custom_message.as_ref(),
        };
        Trigger::ALL.into_iter().filter_map(move |trigger| Some((trigger, of(trigger)?)))
    }
}

impl Attach {
    pub(super) async fn run(self, global: &Global) -> Result<ExitStatus> {
        let cloud = Cloud::load(global, Some(&self.user_pool_id)).await;
        let output = Output::new(global.output.unwrap_or_default());
        let cognito = cloud.cognito();
        let pool = pool_settings::describe(&cognito, &self.user_pool_id).await?;
        let path = self.record.clone().unwrap_or_else(|| Record::default_path(&self.user_pool_id));
        let record = Record::load(&path, &self.user_pool_id)?;
        let plan = self.plan(&cloud, &pool, &record).await?;
        let changes = plan.iter().map(|(change, _)| change.clone()).collect();
        let mut report = Report {
            user_pool_id: self.user_pool_id.clone(),
            applied: false,
            changes,
            record: path,
            saved: Vec::new(),
        };
        let idle = plan.iter().all(|(change, _)| change.old == change.new && change.permission != TO_BE_ADDED);
        if self.consent.dry_run || idle {
            output.data(&report)?;
            eprintln!("{}", if idle { "Nothing to change." } else { "Nothing was changed: this was a dry run." });
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
        self.carry_out(&cloud, &pool, plan, record, &mut report).await?;
        output.data(&report)?;
        Ok(ExitStatus::Done)
    }

    /// What would change, and the function each trigger is to have.
    async fn plan(&self, cloud: &Cloud, pool: &Description, record: &Record) -> Result<Vec<(Change, FunctionArn)>> {
        let mut plan = Vec::new();
        let mut theirs = Vec::new();
        for (trigger, function) in self.functions.chosen() {
            let function = resolve(cloud, pool, function).await?;
            let before = trigger.function(pool.lambda_config()).map(str::to_owned);
            let is_ours =
                |arn: &str| arn == function.as_str() || record.of(trigger).is_some_and(|known| known.function == arn);
            if let Some(before) = before.as_deref().filter(|before| !is_ours(before)) {
                theirs.push(format!("\n  {trigger}: {before}"));
            }
            let permission = permission(cloud, pool, &function, trigger).await?;
            let change = Change {
                trigger,
                before,
                after: Some(function.to_string()),
                permission,
                old: pool.lambda_config().get(trigger.member()).cloned(),
                new: Some(trigger.value(function.as_str())),
            };
            plan.push((change, function));
        }
        if !theirs.is_empty() && !self.replace {
            let theirs = theirs.concat();
            return Err(Refusal(format!(
                "these triggers have functions that this command did not attach:{theirs}\nA trigger calls one function \
                 only. Pass --replace to displace them; detach puts them back"
            ))
            .into());
        }
        Ok(plan)
    }

    async fn carry_out(
        &self,
        cloud: &Cloud,
        pool: &Description,
        plan: Vec<(Change, FunctionArn)>,
        mut record: Record,
        report: &mut Report,
    ) -> Result<()> {
        let mut withdrawn = Vec::new();
        for (at, (change, function)) in plan.iter().enumerate() {
            let known = record.of(change.trigger).cloned();
            if change.old != change.new {
                let (entry, left) = remembered(change, function, known.as_ref(), pool);
                withdrawn.extend(left);
                record.set(change.trigger, Some(entry));
                // Written before anything happens: whatever is cut off, the way back is on disk.
                record.save(&report.record)?;
            }
            if change.permission == TO_BE_ADDED {
                invoke_permission::grant(&cloud.lambda(&function.region), function, change.trigger, pool).await?;
                ADDED.clone_into(&mut report.changes[at].permission);
            }
        }
        let changes: Vec<_> = plan.iter().map(|(change, _)| change.clone()).filter(|c| c.old != c.new).collect();
        if !changes.is_empty() {
            apply(&cloud.cognito(), pool, &changes).await?;
        }
        report.applied = true;
        for (function, statement) in withdrawn {
            invoke_permission::withdraw(&cloud.lambda(&function.region), &function, &statement).await?;
        }
        Ok(())
    }
}

const TO_BE_ADDED: &str = "to be added";
const ADDED: &str = "added";

/// What is, or has to be, done about the permission; says by which command where it is not ours to do.
async fn permission(cloud: &Cloud, pool: &Description, function: &FunctionArn, trigger: Trigger) -> Result<String> {
    if function.account != pool.account() {
        let command = invoke_permission::command(function, trigger, pool);
        eprintln!("{function} belongs to another account. Run there, before people sign in:\n  {command}");
        return Ok("by hand, in the function's account".to_owned());
    }
    let granted = invoke_permission::is_granted(&cloud.lambda(&function.region), function, pool).await?;
    Ok(if granted == Some(true) { "there already" } else { TO_BE_ADDED }.to_owned())
}

/// What to remember of a trigger, and the permission of our former function, which it needs no more.
fn remembered(
    change: &Change,
    function: &FunctionArn,
    known: Option<&Attached>,
    pool: &Description,
) -> (Attached, Option<(FunctionArn, String)>) {
    let added = (change.permission == TO_BE_ADDED).then(|| invoke_permission::statement_id(pool.id(), change.trigger));
    let same = known.filter(|known| known.function == function.as_str());
    let permission = added.or_else(|| same.and_then(|known| known.permission.clone()));
    // What stood there before our former function is what detach has to put back, not our former function.
    let former = known.filter(|known| change.before.as_deref() == Some(&known.function));
    let displaced = former.map_or_else(|| change.old.clone(), |former| former.displaced.clone());
    let withdrawn = former.and_then(|former| Some((FunctionArn::parse(&former.function)?, former.permission.clone()?)));
    (Attached { function: function.to_string(), displaced, permission }, withdrawn)
}
