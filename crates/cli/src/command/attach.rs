//! `attach`

use crate::attachment::{Attached, Change, Current, Report, Request, Transaction, resolve};
use crate::chain::{self, Chain};
use crate::cloud::Cloud;
use crate::finding::settings_that_fit;
use crate::fragment::{Tool, fragment};
use crate::function_arn::{Function, FunctionArn};
use crate::invoke_permission::{self, Granted, Permission};
use crate::options::Global;
use crate::owner::Owner;
use crate::pool_settings::{self, Description};
use crate::terminal::{ExitStatus, stdout};
use crate::trigger::Trigger;
use anyhow::{Result, bail};
use clap::Args;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

/// Attach functions to the triggers of a user pool, and change nothing else
///
/// Cognito resets every setting that an update leaves out. So the command reads the whole pool, changes the triggers,
/// writes the whole pool back, reads it again and compares every setting. Before a function is attached, Cognito gets
/// permission to call it.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cognito-triggers attach --user-pool-id eu-central-1_AbCdEf123 \\
      --pre-sign-up account-triggers-PreSignUpFunction-Ab1Cd2Ef3Gh4 \\
      --inbound-federation my-inbound-function:live --dry-run

Name each function by its name, name:alias or ARN. The outputs of the template's stack list its functions.\n\n\
A trigger that already has a function is refused, unless this command attached that function. Pass --chain to keep it: \
the new function calls it. Or pass --replace. The record remembers what was replaced, so keep that file: detach needs it. The pool's former settings are saved beside it.")]
#[allow(clippy::struct_excessive_bools, reason = "as the command line has them")]
pub(crate) struct Attach {
    #[command(flatten)]
    pub(super) request: Request,
    #[command(flatten)]
    functions: Functions,
    /// Keep functions that are attached already: the new one takes the trigger and calls them
    #[arg(long, conflicts_with = "replace")]
    chain: bool,
    /// With --chain: send an event that means nothing through both functions before the pool calls them
    #[arg(long, requires = "chain")]
    test: bool,
    /// Replace functions that are attached already
    #[arg(long)]
    replace: bool,
    /// Attach although another tool owns the pool, whose next deployment may take the triggers off
    #[arg(long)]
    yes_i_own_it: bool,
    /// Change nothing, and write what this tool needs to attach the functions itself
    #[arg(long, value_name = "TOOL", conflicts_with_all = ["chain", "replace", "yes_i_own_it", "dry_run", "yes", "record"])]
    print: Option<Tool>,
}

/// Which function for which trigger.
#[derive(Debug, Args)]
#[group(id = "functions", required = true, multiple = true)]
struct Functions {
    /// Called on every sign-in from a provider, before the profile is written
    #[arg(long, value_name = "FUNCTION", value_parser = Function::parse)]
    inbound_federation: Option<Function>,
    /// Called before a profile is created; links people to the account they have
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
        if let Some(tool) = self.print {
            let request = self.request.only("--print")?;
            let cloud = Cloud::load(global, request.user_pool_id()).await?;
            stdout().write_all(self.fragment(&request, &cloud, tool).await?.as_bytes())?;
            return Ok(ExitStatus::Done);
        }
        self.request.run(global, async |request, cloud| self.on(request, cloud).await).await
    }

    pub(super) async fn on(&self, request: &Request, cloud: &Cloud) -> Result<Report> {
        let current = request.current(cloud).await?;
        let plan = self.plan(cloud, &current).await?;
        self.look_at_sender(&current.pool);
        let chains = self.chains(cloud, &current, &plan).await?;
        let mut report = current.report(plan.iter().map(|(change, _)| change.clone()).collect());
        for (trigger, chain) in &chains {
            chain.announce();
            for change in report.changes.iter_mut().filter(|change| change.trigger == *trigger) {
                change.next_function = Some(chain.next().to_owned());
            }
        }
        let idle = report.permissions_removed.is_empty()
            && report.changes.iter().all(|change| change.old == change.new && change.permission != TO_BE_ADDED);
        if self.test {
            test_kept(cloud, &current, &plan, &chains).await?;
        }
        if !idle {
            self.respect_owner(request, cloud, &current.pool).await?;
        }
        if let Some(mut transaction) = request.begin(cloud, &current, &report, idle).await? {
            let steps = Steps { plan: &plan, chains: &chains, test: self.test };
            carry_out(cloud, &steps, &mut transaction, &mut report).await?;
            report.saved = transaction.snapshot.files;
        }
        if report.applied || idle {
            if plan.iter().any(|(change, _)| change.trigger == Trigger::PreSignUp) {
                say!("For this pool, pre-sign-up needs {}. doctor checks it.", settings_that_fit(&current.pool));
            }
            keep(&current.pool);
        }
        Ok(report)
    }

    /// The lines with which another tool attaches the functions. Says what else is to be known of them.
    async fn fragment(&self, request: &Request, cloud: &Cloud, tool: Tool) -> Result<String> {
        let pool = pool_settings::describe(cloud, request.user_pool_id()).await?;
        self.look_at_sender(&pool);
        let mut functions = Vec::new();
        for (trigger, function) in self.functions.chosen() {
            let function = resolve(cloud, &pool, function).await?;
            if function.account != pool.account() {
                by_hand(&pool, &function, trigger);
            }
            if let Some(other) = trigger.function(pool.lambda_config()).filter(|arn| *arn != function.as_str()) {
                note!("the pool's {trigger} calls {other} now; with these lines it calls {function} instead");
            }
            if !tool.keeps(trigger) {
                note!("this tool does not keep {trigger}: attach it after every deployment, or do without it");
            }
            functions.push((trigger, function));
        }
        let others = pool.lambda_config().as_object().into_iter().flatten().map(|(member, _)| member.as_str());
        let others: Vec<_> = others.filter(|member| functions.iter().all(|(own, _)| own.member() != *member)).collect();
        if !others.is_empty() {
            note!("the pool has these triggers as well; keep their lines: {}", others.join(", "));
        }
        // Only for the pool's name in the template: without it, the lines are right but for that word.
        let owner = Owner::of(cloud, &pool).await.ok().flatten();
        say!("Nothing was changed. Add the lines to your files and deploy; {} says more.", tool.page());
        say!("{}", Remember(pool.id()));
        Ok(fragment(tool, &pool, owner.as_ref().and_then(Owner::resource), &functions))
    }

    /// Refuses to change a pool that another tool owns, unless the operator says that they own it. A dry run only says
    /// so.
    async fn respect_owner(&self, request: &Request, cloud: &Cloud, pool: &Description) -> Result<()> {
        if self.yes_i_own_it {
            return Ok(());
        }
        let owner = match Owner::of(cloud, pool).await {
            Ok(Some(owner)) => owner,
            Ok(None) => return Ok(()),
            Err(why) => {
                note!(
                    "CloudFormation does not say whether a stack owns the pool ({why}). Allow \
                     cloudformation:DescribeStackResources to find out"
                );
                return Ok(());
            }
        };
        let why = format!("{owner} owns the pool. {}", owner.next_deployment());
        if request.is_dry_run() {
            note!("{why}");
            return Ok(());
        }
        refuse!(
            "{why}. Nothing was changed. Attach the functions there: --print writes the lines, and {} says how. Or pass \
             --yes-i-own-it to attach them all the same",
            owner.page()
        )
    }

    /// Says so where Cognito would answer with an error instead of sending a code. It is not refused: a pool that sends
    /// text messages only may have this trigger.
    fn look_at_sender(&self, pool: &Description) {
        if self.functions.custom_message.is_some() && !pool.sends_through_ses() {
            note!(
                "the pool does not send through SES, and Cognito accepts custom e-mails only from there: people would get an \
                 error instead of a code. Set up SES first, unless the pool sends text messages only"
            );
        }
    }

    /// What would change, and the function each trigger is to have.
    async fn plan(&self, cloud: &Cloud, Current { pool, record, .. }: &Current) -> Result<Vec<(Change, FunctionArn)>> {
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
                next_function: None,
                old: pool.lambda_config().get(trigger.member()).cloned(),
                new: Some(trigger.value(function.as_str())),
            };
            plan.push((change, function));
        }
        if !theirs.is_empty() && !self.replace && !self.chain {
            refuse!(
                "this command did not attach the function that is there: {}. A trigger calls only one function. Pass \
                 --chain to keep it: the new function calls it (docs/NEXT_FUNCTION.md). Or pass --replace to replace it; \
                 detach puts it back",
                theirs.join(", ")
            );
        }
        Ok(plan)
    }

    /// The chains that `--chain` makes: one for each trigger that has somebody else's function.
    async fn chains(&self, cloud: &Cloud, current: &Current, plan: &[(Change, FunctionArn)]) -> Result<Chains> {
        let mut chains = Chains::new();
        for (change, function) in plan {
            let known = current.record.of(change.trigger);
            if let Some(chained) = known.and_then(|known| known.chained.as_ref())
                && change.after.as_ref() != known.map(|known| &known.function)
            {
                refuse!(
                    "{} calls {} for you. Detach it first; then attach {function} with --chain",
                    change.trigger,
                    chained.next
                );
            }
            let ours = |arn: &str| arn == function.as_str() || known.is_some_and(|known| known.is_ours(arn));
            if let Some(theirs) = change.before.as_deref().filter(|before| self.chain && !ours(before)) {
                let chain = Chain::plan(cloud, &current.pool, change.trigger, function, theirs).await?;
                chains.insert(change.trigger, chain);
            }
        }
        Ok(chains)
    }
}

/// Tries the chains that are there already.
async fn test_kept(cloud: &Cloud, current: &Current, plan: &[(Change, FunctionArn)], new: &Chains) -> Result<()> {
    for (change, function) in plan.iter().filter(|(change, _)| !new.contains_key(&change.trigger)) {
        if let Some(chained) = current.record.of(change.trigger).and_then(|known| known.chained.as_ref()) {
            chain::test(cloud, &current.pool, change.trigger, function, &chained.next).await?;
        }
    }
    Ok(())
}

type Chains = BTreeMap<Trigger, Chain>;

/// What is to be done.
struct Steps<'a> {
    plan: &'a [(Change, FunctionArn)],
    chains: &'a Chains,
    /// Whether the chains are tried before the pool calls them.
    test: bool,
}

async fn carry_out(cloud: &Cloud, steps: &Steps<'_>, transaction: &mut Transaction, report: &mut Report) -> Result<()> {
    let mut added = Vec::new();
    let prepared = prepare(cloud, steps, transaction, &mut report.changes, &mut added).await;
    let pool = transaction.update(cloud, &report.changes, prepared, &added).await?;
    report.applied = true;
    for change in &report.changes {
        transaction.record.settle(change.trigger);
    }
    transaction.save_record()?;
    report.permissions_removed = transaction.withdraw_unused(cloud, &pool).await?;
    Ok(())
}

/// Writes the record and lets the pool call the functions. Puts every permission that was, or may have been, added into
/// `added`.
async fn prepare(
    cloud: &Cloud,
    steps: &Steps<'_>,
    transaction: &mut Transaction,
    shown: &mut [Change],
    added: &mut Vec<Permission>,
) -> Result<()> {
    for ((change, function), shown) in steps.plan.iter().zip(shown) {
        let chain = steps.chains.get(&change.trigger);
        if change.old != change.new {
            let mut entry = remembered(change, function, transaction.record.of(change.trigger));
            if let Some(chain) = chain {
                let mut chained = chain.record();
                // A run that was cut off may have set it already; detach is to put back what was there before that one.
                let earlier = transaction.record.of(change.trigger).and_then(|known| known.chained.as_ref());
                if let Some(earlier) = earlier.filter(|earlier| earlier.next == chained.next) {
                    chained.former.clone_from(&earlier.former);
                }
                entry.chained = Some(chained);
            }
            transaction.record.set(change.trigger, Some(entry));
            // Written before anything is changed, so that a run that is cut off can be undone.
            transaction.save_record()?;
        }
        if change.permission == TO_BE_ADDED {
            let outcome = grant(cloud, function, change.trigger, transaction, added).await?;
            outcome.clone_into(&mut shown.permission);
        }
        if let Some(chain) = chain {
            transaction.chains.push(chain.clone());
            chain.make(cloud, &transaction.snapshot.pool).await?;
            if steps.test {
                chain.test(cloud, &transaction.snapshot.pool).await?;
            }
        }
    }
    Ok(())
}

const TO_BE_ADDED: &str = "to be added";
const ADDED: &str = "added";
const THERE_ALREADY: &str = "there already";

/// Names the command for a permission that only another account can give.
fn by_hand(pool: &Description, function: &FunctionArn, trigger: Trigger) {
    let command = invoke_permission::command(function, trigger, pool);
    say!("{function} belongs to another account. Run there, before people sign in:");
    say!("  {command}");
}

/// Says how the triggers stay attached.
fn keep(pool: &Description) {
    let page = Owner::tagged(pool).map_or("docs/install/README.md", |owner| owner.page());
    say!("A tool that updates the pool without naming these triggers takes them off ({page}).");
    say!("{}", Remember(pool.id()));
}

/// How to find out when a trigger is lost: a line of text.
struct Remember<'a>(&'a str);

impl fmt::Display for Remember<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pool = self.0;
        write!(
            formatter,
            "To notice it, keep the pool's LambdaConfig in a file of your repository, and run after every deployment: \
             cognito-triggers doctor --user-pool-id {pool} --expect lambda-config.json"
        )
    }
}

/// What happens to the permission. If only another account can add it, names the command for that.
async fn permission(cloud: &Cloud, pool: &Description, function: &FunctionArn, trigger: Trigger) -> Result<String> {
    if function.account != pool.account() {
        by_hand(pool, function, trigger);
        return Ok("by hand, in the function's account".to_owned());
    }
    let granted = invoke_permission::is_granted(&cloud.lambda(&function.region), function, pool).await?;
    if granted.is_none() {
        say!("Without lambda:GetPolicy, nobody sees whether the pool may call {function} already.");
    }
    Ok(if granted == Some(true) { THERE_ALREADY } else { TO_BE_ADDED }.to_owned())
}

/// Lets the pool call a function; returns what is to be said about it.
async fn grant(
    cloud: &Cloud,
    function: &FunctionArn,
    trigger: Trigger,
    transaction: &mut Transaction,
    added: &mut Vec<Permission>,
) -> Result<&'static str> {
    let statement = invoke_permission::statement_id(transaction.snapshot.pool.id(), trigger);
    let permission = Permission { function: function.to_string(), statement };
    // Recorded first: a statement that is in no record would never be removed.
    let is_new = transaction.record.permissions.insert(permission.clone());
    transaction.save_record()?;
    let lambda = cloud.lambda(&function.region);
    match invoke_permission::grant(&lambda, function, trigger, &transaction.snapshot.pool).await? {
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
                transaction.record.permissions.remove(&permission);
                transaction.save_record()?;
            }
            Ok(THERE_ALREADY)
        }
        Granted::Conflicting => bail!(
            "{function} has a policy statement {} that does not let this pool call it: remove that statement first",
            permission.statement
        ),
    }
}

/// What to remember of a trigger.
fn remembered(change: &Change, function: &FunctionArn, known: Option<&Attached>) -> Attached {
    let before = change.before.as_deref();
    // Detach must put back what was there before our earlier function, not our earlier function.
    let former = known.filter(|known| before.is_some_and(|before| known.is_ours(before)));
    let displaced = former.map_or_else(|| change.old.clone(), |former| former.displaced.clone());
    let replaces = former.and(before).filter(|before| *before != function.as_str());
    let chained = former.and_then(|former| former.chained.clone());
    Attached { function: function.to_string(), displaced, replaces: replaces.map(str::to_owned), chained }
}
