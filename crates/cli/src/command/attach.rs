//! `attach`

use crate::attachment::{
    Attached, Begun, Change, Failure, Permission, Record, Report, apply, changed, resolve, undone, withdraw_unused,
};
use crate::cloud::Cloud;
use crate::function_arn::{Function, FunctionArn};
use crate::invoke_permission::{self, Granted};
use crate::options::{Global, user_pool_id};
use crate::pool_settings::{self, Description};
use crate::terminal::{self, Consent, ExitStatus, Output, Refused, confirm};
use crate::trigger::Trigger;
use anyhow::{Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};

/// Attach functions to triggers of a user pool, and change nothing else of it
///
/// Cognito resets every setting that an update leaves out, so the whole pool is read, the triggers are changed, and
/// the whole pool is written back; afterwards it is read again and compared, setting by setting. Cognito gets
/// permission to call each function before the function is attached.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cognito-triggers attach --user-pool-id eu-central-1_AbCdEf123 \\
      --pre-sign-up account-triggers-PreSignUpFunction-Ab1Cd2Ef3Gh4 \\
      --inbound-federation my-inbound-function:live --dry-run

Each function is given by name, name:alias or ARN; those of the template are outputs of its stack. A trigger \
that has a function already is refused without --replace, unless that function was attached by this command. What is displaced is written to the \
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
        self.on(&cloud, global.output()).await?;
        Ok(ExitStatus::Done)
    }

    pub(super) async fn on(&self, cloud: &Cloud, output: Output) -> Result<Report> {
        let cognito = cloud.cognito();
        let pool = pool_settings::describe(&cognito, &self.user_pool_id).await?;
        let path = self.record.clone().unwrap_or_else(|| Record::default_path(&self.user_pool_id));
        let record = Record::load(&path, &self.user_pool_id)?;
        let plan = self.plan(cloud, &pool, &record).await?;
        let changes: Vec<_> = plan.iter().map(|(change, _)| change.clone()).collect();
        let mut report = Report {
            user_pool_id: self.user_pool_id.clone(),
            applied: false,
            permissions_removed: record.unused(&changed(&pool, &changes)),
            changes,
            record: path,
            saved: Vec::new(),
        };
        let idle = report.permissions_removed.is_empty()
            && report.changes.iter().all(|change| change.old == change.new && change.permission != TO_BE_ADDED);
        if self.consent.dry_run || idle {
            output.data(&report)?;
            say!("{}", if idle { "Nothing to change." } else { "Nothing was changed: this was a dry run." });
            return Ok(report);
        }
        if !self.consent.yes {
            terminal::show(&report);
        }
        report.announce_permissions();
        confirm(&format!("Change the user pool {}?", self.user_pool_id), self.consent.yes)?;
        let mut begun = Begun::begin(&cognito, &report.record, &record, &report.changes).await?;
        carry_out(cloud, &plan, &mut begun, &mut report).await?;
        report.saved = begun.kept.files;
        output.data(&report)?;
        Ok(report)
    }

    /// What would change, and the function each trigger is to have.
    async fn plan(&self, cloud: &Cloud, pool: &Description, record: &Record) -> Result<Vec<(Change, FunctionArn)>> {
        let mut plan = Vec::new();
        let mut theirs = Vec::new();
        for (trigger, function) in self.functions.chosen() {
            let function = resolve(cloud, pool, function).await?;
            let before = trigger.function(pool.lambda_config()).map(str::to_owned);
            let is_ours =
                |arn: &str| arn == function.as_str() || record.of(trigger).is_some_and(|known| known.is_ours(arn));
            if let Some(before) = before.as_deref().filter(|before| !is_ours(before)) {
                theirs.push(format!("{trigger} has {before}"));
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
            return Err(Refused(format!(
                "a function that this command did not attach is in the way: {}. A trigger calls only one function. Pass \
                 --replace to take its place; detach puts it back",
                theirs.join(", ")
            ))
            .into());
        }
        Ok(plan)
    }
}

async fn carry_out(
    cloud: &Cloud,
    plan: &[(Change, FunctionArn)],
    begun: &mut Begun,
    report: &mut Report,
) -> Result<()> {
    let former = begun.record.clone();
    let changes: Vec<_> = report.changes.iter().filter(|change| change.old != change.new).cloned().collect();
    let mut added = Vec::new();
    let outcome = match prepare(cloud, plan, begun, report, &mut added).await {
        Ok(()) if changes.is_empty() => Ok(begun.kept.pool.clone()),
        Ok(()) => apply(&cloud.cognito(), &mut begun.kept, &changes).await,
        Err(error) => Err(Failure::Unchanged(error)),
    };
    let after = match outcome {
        Err(Failure::Unchanged(why)) => return Err(undone(cloud, former, &added, &report.record, why).await),
        outcome => outcome?,
    };
    report.applied = true;
    for change in &report.changes {
        begun.record.settle(change.trigger);
    }
    begun.record.save(&report.record)?;
    report.permissions_removed = withdraw_unused(cloud, &mut begun.record, &report.record, &after).await?;
    Ok(())
}

/// Writes the record and opens the functions to the pool. What was added, or may have been, is put into `added`.
async fn prepare(
    cloud: &Cloud,
    plan: &[(Change, FunctionArn)],
    begun: &mut Begun,
    report: &mut Report,
    added: &mut Vec<Permission>,
) -> Result<()> {
    for ((change, function), shown) in plan.iter().zip(&mut report.changes) {
        if change.old != change.new {
            let entry = remembered(change, function, begun.record.of(change.trigger));
            begun.record.set(change.trigger, Some(entry));
            // Written before anything happens: whatever is cut off, the way back is on disk.
            begun.record.save(&report.record)?;
        }
        if change.permission == TO_BE_ADDED {
            let outcome = open(cloud, function, change.trigger, begun, &report.record, added).await?;
            outcome.clone_into(&mut shown.permission);
        }
    }
    Ok(())
}

const TO_BE_ADDED: &str = "to be added";
const ADDED: &str = "added";
const THERE_ALREADY: &str = "there already";

/// What is, or has to be, done about the permission; says by which command where it is not ours to do.
async fn permission(cloud: &Cloud, pool: &Description, function: &FunctionArn, trigger: Trigger) -> Result<String> {
    if function.account != pool.account() {
        let command = invoke_permission::command(function, trigger, pool);
        say!("{function} belongs to another account. Run there, before people sign in:");
        say!("  {command}");
        return Ok("by hand, in the function's account".to_owned());
    }
    let granted = invoke_permission::is_granted(&cloud.lambda(&function.region), function, pool).await?;
    Ok(if granted == Some(true) { THERE_ALREADY } else { TO_BE_ADDED }.to_owned())
}

/// Lets the pool call a function; returns what is to be said about it.
async fn open(
    cloud: &Cloud,
    function: &FunctionArn,
    trigger: Trigger,
    begun: &mut Begun,
    path: &Path,
    added: &mut Vec<Permission>,
) -> Result<&'static str> {
    let (pool, record) = (&begun.kept.pool, &mut begun.record);
    let permission =
        Permission { function: function.to_string(), statement: invoke_permission::statement_id(pool.id(), trigger) };
    // Written down first: a statement that nobody remembers would stay for good.
    let is_new = record.permissions.insert(permission.clone());
    record.save(path)?;
    match invoke_permission::grant(&cloud.lambda(&function.region), function, trigger, pool).await? {
        Granted::Added => {
            added.push(permission);
            Ok(ADDED)
        }
        Granted::Unknown(error) => {
            added.push(permission);
            Err(error)
        }
        Granted::Unseen => Ok(THERE_ALREADY),
        Granted::ThereAlready => {
            if is_new {
                record.permissions.remove(&permission);
                record.save(path)?;
            }
            Ok(THERE_ALREADY)
        }
        Granted::Occupied => bail!(
            "{function} has a statement {} that does not let this pool call it: remove that statement first",
            permission.statement
        ),
    }
}

/// What to remember of a trigger.
fn remembered(change: &Change, function: &FunctionArn, known: Option<&Attached>) -> Attached {
    let before = change.before.as_deref();
    // What stood there before our former function is what detach has to put back, not our former function.
    let former = known.filter(|known| before.is_some_and(|before| known.is_ours(before)));
    let displaced = former.map_or_else(|| change.old.clone(), |former| former.displaced.clone());
    let replaces = former.and(before).filter(|before| *before != function.as_str());
    Attached::new(function.to_string(), displaced, replaces.map(str::to_owned))
}
