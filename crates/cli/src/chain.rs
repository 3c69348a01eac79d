//! A function that attach puts in the place of the team's own, and that calls it: `NEXT_FUNCTION`.

use crate::advice::told;
use crate::attachment::resolve;
use crate::cloud::Cloud;
use crate::finding::settings_of;
use crate::function_arn::{Function, FunctionArn};
use crate::invoke_permission::{self, Permission};
use crate::pool_settings::Description;
use crate::terminal::Refused;
use crate::trigger::Trigger;
use anyhow::{Context, Result, bail};
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::get_function_configuration::{
    GetFunctionConfigurationError, GetFunctionConfigurationOutput,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, LastUpdateStatus};
use cognito_core::failure::Kind;
use cognito_core::next_function::{DRY_RUN, FunctionName, NEXT_FUNCTION};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// What is remembered of a chain, so that detach can undo it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Chained {
    /// The ARN of the function that ours calls.
    pub(crate) next: String,
    /// Our function's `NEXT_FUNCTION` before; null if it was not set.
    pub(crate) former: Option<String>,
}

/// A chain that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    trigger: Trigger,
    /// Ours.
    function: FunctionArn,
    /// The team's, as the pool calls it now.
    next: FunctionArn,
    /// The role of ours, which is to be allowed to call the team's.
    role: String,
    former: Option<String>,
    /// Other pools that ours serves.
    others: BTreeSet<String>,
    /// Whether attach made the same chain for another pool, so that the last detach of the two undoes it.
    shared: bool,
}

/// How often a function's configuration is read until an update of it is done, and the pause between.
const READINGS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });

impl Chain {
    /// Finds out what a chain takes, and whether it can be made.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if ours is named by an alias, has another next function, or would be called back; or if a
    /// function is in another account. Also fails if Lambda does not answer.
    pub(crate) async fn plan(
        cloud: &Cloud,
        pool: &Description,
        trigger: Trigger,
        function: &FunctionArn,
        next: &str,
    ) -> Result<Self> {
        let next = FunctionArn::parse(next).with_context(|| format!("{next} is not the ARN of a function"))?;
        if [function, &next].iter().any(|one| one.account != pool.account()) {
            refuse!(
                "--chain sets up functions of the pool's account only. Set {NEXT_FUNCTION} of {function} to {next} \
                 yourself, allow the call in both accounts, and pass --replace"
            );
        }
        if let Some(alias) = &function.alias {
            refuse!(
                "{function} is an alias, and the settings of a published version never change. Name the function without \
                 the alias; or set {NEXT_FUNCTION} to {next}, publish a version, move {alias} to it, and pass --replace"
            );
        }
        resolve(cloud, pool, &Function::Arn(next.clone())).await?;
        let ours = configuration(cloud, function).await?;
        let former = next_of(&ours);
        if let Some(other) = former.as_deref().filter(|former| *former != next.as_str()) {
            refuse!(
                "{function} calls {other} already ({NEXT_FUNCTION}), and a function calls only one. Clear that setting first"
            );
        }
        let steps = follow(cloud, next.clone(), function).await;
        if steps.lead_back {
            refuse!("{next} leads back to {function}: they would call each other");
        }
        // Without its settings it is not known whether it calls ours.
        if let Some((step, answer)) = steps.read.into_iter().next() {
            answer.map_err(unreadable(&step))?;
        }
        let role = ours.role().context("Lambda does not say which role the function has")?.to_owned();
        let shared = former.is_some() && is_shared(cloud, pool, trigger, next.as_str(), &role).await;
        let others = invoke_permission::other_pools(&cloud.lambda(&function.region), function, pool).await;
        Ok(Self { trigger, function: function.clone(), next, role, former, others, shared })
    }

    /// The function that ours will call.
    pub(crate) fn next(&self) -> &str {
        self.next.as_str()
    }

    /// What to remember of it.
    pub(crate) fn record(&self) -> Chained {
        Chained { next: self.next.to_string(), former: self.former.clone().filter(|_| !self.shared) }
    }

    /// Says what will change, one line for each change.
    pub(crate) fn announce(&self) {
        let Self { function, next, role, former, .. } = self;
        let former = former.as_deref().unwrap_or("not set");
        say!("Settings of {function}: {NEXT_FUNCTION} is {former}, and will be {next}. All others stay");
        say!("Permissions of {next}: {role} may call it from then on");
        if self.former.is_none() && !self.others.is_empty() {
            let others: Vec<_> = self.others.iter().map(String::as_str).collect();
            say!("{function} also serves {}: {next} gets the events of these pools, too", others.join(", "));
        }
    }

    /// Lets ours call the team's, tells it to, and makes sure that it starts.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if our function does not start with the setting. Fails if Lambda refuses or does not answer.
    pub(crate) async fn make(&self, cloud: &Cloud, pool: &Description) -> Result<()> {
        let permission = permission(pool, self.trigger, self.next());
        invoke_permission::grant_to_role(cloud, &self.next, &permission.statement, &self.role).await?;
        set(cloud, &self.function, Some(self.next())).await?;
        self.must_start(cloud).await
    }

    /// Undoes [`Chain::make`].
    ///
    /// # Errors
    ///
    /// Fails if Lambda refuses or does not answer.
    pub(crate) async fn unmake(&self, cloud: &Cloud, pool: &Description) -> Result<()> {
        undo(cloud, pool, self.trigger, &self.function, &self.record()).await?;
        Ok(())
    }

    /// Our function ends at start if it was not built to call another one, and then Cognito refuses everybody. It answers
    /// what is no event by saying so, and does nothing.
    async fn must_start(&self, cloud: &Cloud) -> Result<()> {
        let answer = match invoke(cloud, &self.function, &json!({})).await {
            Ok(answer) => answer,
            Err(why) if [Trigger::InboundFederation, Trigger::CustomMessage].contains(&self.trigger) => {
                let why = why.context(format!(
                    "whether {} starts with {NEXT_FUNCTION} could not be tried, which needs lambda:InvokeFunction on it; it \
                     may be built without it (docs/NEXT_FUNCTION.md)",
                    self.function
                ));
                return Err(why);
            }
            Err(why) => {
                note!(
                    "whether {} starts could not be tried, which needs lambda:InvokeFunction on it: {why:#}",
                    self.function
                );
                return Ok(());
            }
        };
        if answer["errorType"] == Kind::NOT_A_COGNITO_EVENT.code {
            return Ok(());
        }
        refuse!(
            "{} does not start with {NEXT_FUNCTION} ({}). inbound-federation and custom-message must be built with \
             --features next-function; docs/NEXT_FUNCTION.md says how. Its log says more",
            self.function,
            what(&answer)
        )
    }

    /// Sends an event of a source that does not exist through both functions.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if it does not come back. Fails if Lambda does not answer.
    pub(crate) async fn test(&self, cloud: &Cloud, pool: &Description) -> Result<()> {
        test(cloud, pool, self.trigger, &self.function, self.next()).await
    }
}

/// Does the same for a chain that is there already.
///
/// # Errors
///
/// Returns [`Refused`] if the event does not come back. Fails if Lambda does not answer.
pub(crate) async fn test(
    cloud: &Cloud,
    pool: &Description,
    trigger: Trigger,
    function: &FunctionArn,
    next: &str,
) -> Result<()> {
    let event = dry_event(trigger, pool);
    let answer = invoke(cloud, function, &event).await.context("the dry event could not be sent")?;
    if answer["triggerSource"] == event["triggerSource"] && answer["request"] == event["request"] {
        say!("A dry event went through {function} and {next} and came back");
        return Ok(());
    }
    refuse!("a dry event did not come back from {function} and {next}: {}. Their logs say more", what(&answer))
}

/// The event of `--test`. Its source is none of Cognito's, so functions that look at it do nothing.
fn dry_event(trigger: Trigger, pool: &Description) -> Value {
    json!({
        "version": "1",
        "triggerSource": format!("{DRY_RUN}{}", trigger.member()),
        "region": pool.region(),
        "userPoolId": pool.id(),
        "userName": "cognito-triggers-dry-run",
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "CLIENT_ID_NOT_APPLICABLE" },
        "request": { "userAttributes": { "email": "dry-run@example.com" }, "clientMetadata": { "dry_run": "true" } },
        "response": {},
    })
}

/// An answer in a few words. The text of an error is not ours, and is not repeated.
fn what(answer: &Value) -> String {
    answer["errorType"].as_str().map_or_else(|| "it answers something else".to_owned(), |code| format!("error {code}"))
}

/// Undoes what is remembered of a chain: the setting, unless somebody has changed it since or another pool needs it, and the
/// permission. Returns whether the functions no longer belong together.
///
/// # Errors
///
/// Fails if Lambda refuses or does not answer, except if our function is gone.
pub(crate) async fn undo(
    cloud: &Cloud,
    pool: &Description,
    trigger: Trigger,
    function: &FunctionArn,
    chained: &Chained,
) -> Result<bool> {
    let mut apart = true;
    match configuration(cloud, function).await {
        Ok(found)
            if settings_of(&found).get(NEXT_FUNCTION) == Some(&chained.next)
                && chained.former.as_ref() != Some(&chained.next) =>
        {
            // Without it, the other pool's sign-ups would go past the team's function.
            if is_shared(cloud, pool, trigger, &chained.next, found.role().unwrap_or_default()).await {
                note!("{function} goes on calling {} for another pool, until that one is detached too", chained.next);
                apart = false;
            } else {
                set(cloud, function, chained.former.as_deref()).await?;
            }
        }
        Ok(_) => {}
        Err(error) if error.is::<Refused>() => note!("{function} does not exist any more"),
        Err(error) => return Err(error),
    }
    invoke_permission::withdraw(cloud, &permission(pool, trigger, &chained.next)).await?;
    Ok(apart)
}

/// The function that another one calls, as its settings name it.
pub(crate) fn next_of(found: &GetFunctionConfigurationOutput) -> Option<String> {
    settings_of(found).remove(NEXT_FUNCTION).filter(|name| !name.is_empty())
}

/// The functions that call each other by `NEXT_FUNCTION`.
pub(crate) struct Steps {
    /// Each with what Lambda says about it. After one that cannot be read there is none.
    pub(crate) read: Vec<(FunctionArn, ConfigurationAnswer)>,
    /// Whether one of them calls the function that was asked about.
    pub(crate) lead_back: bool,
}

type ConfigurationAnswer = Result<GetFunctionConfigurationOutput, SdkError<GetFunctionConfigurationError>>;

/// The most functions that are followed.
const MOST_STEPS: usize = 5;

/// Follows `NEXT_FUNCTION` from `first` on, until it leads to `ours` or ends.
pub(crate) async fn follow(cloud: &Cloud, first: FunctionArn, ours: &FunctionArn) -> Steps {
    let mut steps = Steps { read: Vec::new(), lead_back: false };
    let mut next = Some(first);
    while let Some(step) = next.take().filter(|_| steps.read.len() < MOST_STEPS) {
        steps.lead_back = (&step.name, &step.region, &step.account) == (&ours.name, &ours.region, &ours.account);
        if steps.lead_back {
            break;
        }
        let answer = read_configuration(cloud, &step).await;
        next = answer.as_ref().ok().and_then(next_of).and_then(|name| beside(&step, &name));
        steps.read.push((step, answer));
    }
    steps
}

/// The function that a name means in the settings of another one; a bare name means one of the same account and Region.
pub(crate) fn beside(function: &FunctionArn, name: &str) -> Option<FunctionArn> {
    let named = FunctionName::parse(name)?;
    if named.region().is_some() {
        return FunctionArn::parse(name);
    }
    let mut parts: Vec<&str> = function.as_str().split(':').take(6).collect();
    parts.push(named.function());
    parts.extend(named.qualifier());
    FunctionArn::parse(&parts.join(":"))
}

/// The statement that lets our function call the team's.
fn permission(pool: &Description, trigger: Trigger, next: &str) -> Permission {
    let statement = format!("{}-next", invoke_permission::statement_id(pool.id(), trigger));
    Permission { function: next.to_owned(), statement }
}

/// Whether attach made the same chain for another pool, too.
async fn is_shared(cloud: &Cloud, pool: &Description, trigger: Trigger, next: &str, role: &str) -> bool {
    let ending = format!("-{}-next", trigger.member());
    invoke_permission::is_granted_for_another_pool(cloud, &permission(pool, trigger, next), &ending, role).await
}

async fn configuration(cloud: &Cloud, function: &FunctionArn) -> Result<GetFunctionConfigurationOutput> {
    read_configuration(cloud, function).await.map_err(unreadable(function))
}

/// By its whole ARN, because a step of a chain may be in another account.
async fn read_configuration(cloud: &Cloud, function: &FunctionArn) -> ConfigurationAnswer {
    cloud.lambda(&function.region).get_function_configuration().function_name(function.as_str()).send().await
}

fn unreadable(function: &FunctionArn) -> impl FnOnce(SdkError<GetFunctionConfigurationError>) -> anyhow::Error {
    move |error| {
        let gone = error.as_service_error().is_some_and(GetFunctionConfigurationError::is_resource_not_found_exception);
        if gone {
            return Refused(format!("there is no function {function}")).into();
        }
        told("GetFunctionConfiguration")(error).context(format!("the settings of {function} cannot be read"))
    }
}

/// Sets `NEXT_FUNCTION`, or removes it, keeps every other variable, and waits until the function has it.
async fn set(cloud: &Cloud, function: &FunctionArn, value: Option<&str>) -> Result<()> {
    let found = configuration(cloud, function).await?;
    if found.environment().is_some_and(|environment| environment.error().is_some()) {
        bail!("the settings of {function} are encrypted, and you may not read them: allow kms:Decrypt on its key");
    }
    let mut variables: HashMap<_, _> = settings_of(&found).into_iter().collect();
    let former = match value {
        Some(value) => variables.insert(NEXT_FUNCTION.to_owned(), value.to_owned()),
        None => variables.remove(NEXT_FUNCTION),
    };
    if former.as_deref() == value {
        return Ok(());
    }
    let environment = Environment::builder().set_variables(Some(variables)).build();
    let lambda = cloud.lambda(&function.region);
    let request = lambda.update_function_configuration().function_name(&function.name).environment(environment);
    // Refused if somebody has changed the function since it was read.
    let request = request.set_revision_id(found.revision_id().map(str::to_owned));
    request.send().await.map_err(|error| {
        told("UpdateFunctionConfiguration")(error).context(format!("the settings of {function} cannot be changed"))
    })?;
    for _ in 0..READINGS {
        match configuration(cloud, function).await?.last_update_status() {
            Some(LastUpdateStatus::InProgress) => tokio::time::sleep(PAUSE).await,
            Some(LastUpdateStatus::Failed) => bail!("Lambda did not take the new settings of {function}"),
            _ => return Ok(()),
        }
    }
    bail!("Lambda still works on the new settings of {function}. Run the command again")
}

/// What a function answers: its error as Lambda describes it, where it ends with one.
async fn invoke(cloud: &Cloud, function: &FunctionArn, event: &Value) -> Result<Value> {
    let request = cloud.lambda(&function.region).invoke().function_name(&function.name);
    let answer = request.payload(Blob::new(event.to_string())).send().await.map_err(told("InvokeFunction"))?;
    Ok(serde_json::from_slice(answer.payload().map(Blob::as_ref).unwrap_or_default()).unwrap_or_default())
}
