//! Cognito's permission to call a function: a statement of the function's resource policy.

use crate::advice::told;
use crate::cloud::Cloud;
use crate::function_arn::FunctionArn;
use crate::pool_settings::Description;
use crate::trigger::Trigger;
use anyhow::{Context, Result};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::add_permission::AddPermissionError;
use aws_sdk_lambda::operation::add_permission::builders::AddPermissionFluentBuilder;
use aws_sdk_lambda::operation::get_policy::GetPolicyError;
use aws_sdk_lambda::operation::remove_permission::RemovePermissionError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Who calls.
const COGNITO: &str = "cognito-idp.amazonaws.com";
/// What for.
const INVOKE: &str = "lambda:InvokeFunction";

/// A statement that was added to a function's resource policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Permission {
    /// The function's ARN.
    pub(crate) function: String,
    /// The statement's id.
    pub(crate) statement: String,
}

/// The id of the statement that lets a pool call a function for a trigger. The same every time, so that it is
/// found again; a function may serve several pools and triggers.
pub(crate) fn statement_id(pool: &str, trigger: Trigger) -> String {
    format!("cognito-triggers-{pool}-{}", trigger.member())
}

/// Whether a resource policy lets a pool call.
///
/// A statement counts if we understand all its conditions and they are met. Others do not count: adding a
/// needless statement does no harm, but a missing one keeps everybody out.
pub(crate) fn grants(policy: &Value, pool: &Description) -> bool {
    list(&policy["Statement"]).into_iter().any(|statement| {
        statement["Effect"] == "Allow"
            && (statement["Principal"] == "*" || texts(&statement["Principal"]["Service"]).contains(&COGNITO))
            && texts(&statement["Action"]).iter().any(|action| matches(&action.to_lowercase(), &INVOKE.to_lowercase()))
            && statement["Condition"].as_object().into_iter().flatten().all(|(operator, keys)| {
                let keys = keys.as_object().into_iter().flatten();
                keys.into_iter().all(|(key, values)| is_met(operator, key, &texts(values), pool))
            })
    })
}

fn is_met(operator: &str, key: &str, values: &[&str], pool: &Description) -> bool {
    let actual = match key.to_ascii_lowercase().as_str() {
        "aws:sourcearn" => pool.arn(),
        "aws:sourceaccount" => pool.account(),
        _ => return false,
    };
    match operator {
        "StringEquals" => values.contains(&actual),
        "ArnLike" | "ArnEquals" | "StringLike" => values.iter().any(|pattern| matches(pattern, actual)),
        _ => false,
    }
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).into_iter().filter_map(Value::as_str).collect()
}

/// IAM's wildcards: `*` for any characters, `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => matches(rest, text) || text.chars().next().is_some_and(|c| matches(pattern, &text[c.len_utf8()..])),
        _ => text.chars().next().is_some_and(|c| (first == '?' || first == c) && matches(rest, &text[c.len_utf8()..])),
    }
}

/// The resource policy of a function: null if it has none, `None` if we have no right to see.
///
/// # Errors
///
/// Fails if Lambda does not answer, or if its answer is not a policy.
async fn policy(lambda: &Client, function: &FunctionArn) -> Result<Option<Value>> {
    let request = lambda.get_policy().function_name(&function.name).set_qualifier(function.alias.clone());
    match request.send().await {
        Ok(answer) => {
            let policy = serde_json::from_str(answer.policy().unwrap_or_default());
            policy.map(Some).context("the function's resource policy is no JSON")
        }
        Err(error) if error.as_service_error().is_some_and(GetPolicyError::is_resource_not_found_exception) => {
            Ok(Some(Value::Null))
        }
        Err(error) if error.code().is_some_and(|code| code.contains("AccessDenied")) => Ok(None),
        Err(error) => {
            Err(told("GetPolicy")(error).context(format!("the resource policy of {function} cannot be read")))
        }
    }
}

/// Whether the function lets the pool call it; `None` if we have no right to see.
///
/// # Errors
///
/// Fails if Lambda does not answer, or if its answer is not a policy.
pub(crate) async fn is_granted(lambda: &Client, function: &FunctionArn, pool: &Description) -> Result<Option<bool>> {
    Ok(policy(lambda, function).await?.map(|policy| grants(&policy, pool)))
}

/// The other pools that a function serves, as far as its policy names them and we may see it.
pub(crate) async fn other_pools(lambda: &Client, function: &FunctionArn, pool: &Description) -> BTreeSet<String> {
    let policy = policy(lambda, function).await.ok().flatten().unwrap_or_default();
    pools(&policy).into_iter().filter(|id| id != pool.id()).collect()
}

/// The ids of the pools that a policy names.
fn pools(policy: &Value) -> BTreeSet<String> {
    let conditions = list(&policy["Statement"]).into_iter().filter_map(|statement| statement["Condition"].as_object());
    let keys = conditions.flat_map(|operators| operators.values().filter_map(Value::as_object)).flatten();
    let arns = keys.filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn")).flat_map(|(_, arns)| texts(arns));
    arns.filter_map(|arn| arn.split_once(":userpool/")).map(|(_, id)| id.to_owned()).collect()
}

/// What became of a permission.
#[derive(Debug)]
pub(crate) enum Granted {
    /// A statement was added.
    Added,
    /// Another statement lets the pool call.
    ThereAlready,
    /// A statement with the same id exists, and we have no right to read it.
    Unseen,
    /// A statement with the same id exists, and does not let the pool call.
    Conflicting,
    /// Lambda did not say whether a statement was added.
    Unknown(anyhow::Error),
}

/// Lets the pool call the function for a trigger.
///
/// # Errors
///
/// Fails if the policy cannot be read, or if Lambda refuses. No statement was added.
pub(crate) async fn grant(
    lambda: &Client,
    function: &FunctionArn,
    trigger: Trigger,
    pool: &Description,
) -> Result<Granted> {
    let granted = is_granted(lambda, function, pool).await?;
    if granted == Some(true) {
        return Ok(Granted::ThereAlready);
    }
    let id = statement_id(pool.id(), trigger);
    let request = addition(lambda, function, &id).principal(COGNITO);
    let request = request.source_arn(pool.arn()).source_account(pool.account());
    let Err(error) = request.send().await else { return Ok(Granted::Added) };
    let is_refused = matches!(&error, SdkError::ServiceError(answer) if answer.raw().status().is_client_error());
    if error.as_service_error().is_some_and(AddPermissionError::is_resource_conflict_exception) {
        return Ok(if granted.is_none() { Granted::Unseen } else { Granted::Conflicting });
    }
    let error = told("AddPermission")(error).context(format!("{function} cannot be opened to the pool"));
    if is_refused { Err(error) } else { Ok(Granted::Unknown(error)) }
}

/// Adds a statement that lets somebody call a function.
fn addition(lambda: &Client, function: &FunctionArn, statement: &str) -> AddPermissionFluentBuilder {
    let request = lambda.add_permission().function_name(&function.name).set_qualifier(function.alias.clone());
    request.statement_id(statement).action(INVOKE)
}

/// Lets a role call a function, in the account of both. The function's own policy says so, and no policy of the role needs
/// to. A statement of this id that is there already is ours, and is written anew: it may name the role that our function
/// had before.
///
/// # Errors
///
/// Fails if Lambda refuses.
pub(crate) async fn grant_to_role(cloud: &Cloud, function: &FunctionArn, statement: &str, role: &str) -> Result<()> {
    let request = addition(&cloud.lambda(&function.region), function, statement).principal(role);
    let refused = |error: SdkError<AddPermissionError, HttpResponse>| {
        told("AddPermission")(error).context(format!("{function} cannot be opened to {role}"))
    };
    let Err(error) = request.clone().send().await else { return Ok(()) };
    if !error.as_service_error().is_some_and(AddPermissionError::is_resource_conflict_exception) {
        return Err(refused(error));
    }
    withdraw(cloud, &Permission { function: function.to_string(), statement: statement.to_owned() }).await?;
    request.send().await.map_err(refused)?;
    Ok(())
}

/// Whether a function's own policy lets a role call it; `None` if we have no right to see.
///
/// # Errors
///
/// Fails if the policy cannot be read.
pub(crate) async fn is_granted_to_role(lambda: &Client, function: &FunctionArn, role: &str) -> Result<Option<bool>> {
    let Some(policy) = policy(lambda, function).await? else { return Ok(None) };
    let lets = |statement: &Value| {
        let principal = &statement["Principal"];
        statement["Effect"] == "Allow"
            && (principal == role || texts(&principal["AWS"]).contains(&role))
            && texts(&statement["Action"]).iter().any(|action| matches(&action.to_lowercase(), &INVOKE.to_lowercase()))
            && statement["Condition"].as_object().is_none_or(serde_json::Map::is_empty)
    };
    Ok(Some(list(&policy["Statement"]).into_iter().any(lets)))
}

/// Whether the function's policy lets a role call it for another pool as well, in a statement whose id ends with `ending` as
/// this one does. `false` if we have no right to see, and then it says so.
pub(crate) async fn is_granted_for_another_pool(cloud: &Cloud, own: &Permission, ending: &str, role: &str) -> bool {
    let Some(function) = FunctionArn::parse(&own.function) else { return false };
    let Ok(Some(policy)) = policy(&cloud.lambda(&function.region), &function).await else {
        say!("Without lambda:GetPolicy, nobody sees whether another pool has {function} called in this way, too.");
        return false;
    };
    has_other(&policy, &own.statement, ending, role)
}

fn has_other(policy: &Value, own: &str, ending: &str, role: &str) -> bool {
    list(&policy["Statement"]).into_iter().any(|statement| {
        let id = statement["Sid"].as_str().unwrap_or_default();
        id != own
            && id.starts_with("cognito-triggers-")
            && id.ends_with(ending)
            && texts(&statement["Principal"]["AWS"]).contains(&role)
    })
}

/// Removes a permission, and returns whether it existed. A permission or function that does not exist is not an error.
///
/// # Errors
///
/// Fails if Lambda refuses, or if the permission does not name a function.
pub(crate) async fn withdraw(cloud: &Cloud, Permission { function, statement }: &Permission) -> Result<bool> {
    let function = FunctionArn::parse(function).with_context(|| format!("{function} is not the ARN of a function"))?;
    let lambda = cloud.lambda(&function.region);
    let request = lambda.remove_permission().function_name(&function.name).set_qualifier(function.alias.clone());
    match request.statement_id(statement).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(RemovePermissionError::is_resource_not_found_exception) => {
            Ok(false)
        }
        Err(error) => Err(told("RemovePermission")(error)
            .context(format!("the permission {statement} of {function} cannot be removed"))),
    }
}

/// The command for what we cannot do in another account.
pub(crate) fn command(function: &FunctionArn, trigger: Trigger, pool: &Description) -> String {
    let qualifier = function.alias.as_ref().map(|alias| format!(" --qualifier {alias}")).unwrap_or_default();
    format!(
        "aws lambda add-permission --region {} --function-name {}{qualifier} --statement-id {} \
         --action {INVOKE} --principal {COGNITO} --source-arn {} --source-account {}",
        function.region,
        function.name,
        statement_id(pool.id(), trigger),
        pool.arn(),
        pool.account(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pool() -> Description {
        Description(
            json!({ "Id": "eu-central-1_A", "Arn": "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_A" }),
        )
    }

    fn statement(condition: &Value) -> Value {
        json!({ "Statement": [{ "Effect": "Allow", "Principal": { "Service": COGNITO }, "Action": INVOKE,
            "Condition": condition }] })
    }

    #[test]
    fn a_statement_for_this_pool_or_for_all_pools_of_the_account_counts() {
        let arn = "arn:aws:cognito-idp:eu-central-1:1:userpool/";
        for condition in [
            json!({ "ArnLike": { "AWS:SourceArn": format!("{arn}eu-central-1_A") } }),
            json!({ "ArnLike": { "aws:SourceArn": format!("{arn}*") }, "StringEquals": { "AWS:SourceAccount": "1" } }),
            json!({ "ArnEquals": { "AWS:SourceArn": ["x", format!("{arn}eu-central-1_A")] } }),
            Value::Null,
        ] {
            assert!(grants(&statement(&condition), &pool()), "{condition}");
        }
    }

    #[test]
    fn a_statement_for_another_pool_account_or_caller_does_not_count() {
        for condition in [
            json!({ "ArnLike": { "AWS:SourceArn": "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_B" } }),
            json!({ "StringEquals": { "AWS:SourceAccount": "2" } }),
            json!({ "StringNotEquals": { "AWS:SourceAccount": "1" } }),
            json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } }),
        ] {
            assert!(!grants(&statement(&condition), &pool()), "{condition}");
        }
        let mut other = statement(&Value::Null);
        other["Statement"][0]["Principal"]["Service"] = json!("s3.amazonaws.com");
        assert!(!grants(&other, &pool()));
        let mut denied = statement(&Value::Null);
        denied["Statement"][0]["Effect"] = json!("Deny");
        assert!(!grants(&denied, &pool()));
    }

    #[test]
    fn a_policy_names_the_pools_that_a_function_serves() {
        let arn = "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_";
        let condition = json!({ "ArnLike": { "AWS:SourceArn": [format!("{arn}A"), "arn:aws:s3:::x"] },
            "StringEquals": { "aws:SourceAccount": "1" } });
        assert_eq!(pools(&statement(&condition)).into_iter().collect::<Vec<_>>(), ["eu-central-1_A"]);
        assert!(pools(&statement(&Value::Null)).is_empty() && pools(&Value::Null).is_empty());
    }

    #[test]
    fn a_role_that_calls_for_another_pool_has_a_statement_of_that_pool() {
        let of = |id: &str, role: &str| json!({ "Statement": [{ "Sid": id, "Principal": { "AWS": role } }] });
        let has = |policy: &Value| has_other(policy, "cognito-triggers-A-PreSignUp-next", "-PreSignUp-next", "r");
        assert!(has(&of("cognito-triggers-B-PreSignUp-next", "r")));
        assert!(
            !has(&of("cognito-triggers-A-PreSignUp-next", "r")) && !has(&of("cognito-triggers-B-PreSignUp-next", "s"))
        );
        assert!(!has(&of("cognito-triggers-A-CustomMessage-next", "r")) && !has(&of("cognito-triggers-next", "r")));
        assert!(!has(&json!({})));
    }

    #[test]
    fn wildcards_are_those_of_iam() {
        assert!(matches("lambda:*", "lambda:invokefunction") && matches("a?c*", "abcd") && matches("*", ""));
        assert!(!matches("a?c", "ac") && !matches("a", "ab") && !matches("", "a"));
    }
}
