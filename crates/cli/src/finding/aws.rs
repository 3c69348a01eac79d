//! The adapter to AWS: reads the facts. Nothing is changed.

mod person;

pub(crate) use person::{gather_for_person, suppressed};

use super::{
    AccountApi, Attached, Facts, Gap, Next, Provider, Quota, SendQuota, TextMessages, group, name_ids, rights,
};
use crate::advice::permission;
use crate::chain::{self, beside};
use crate::cloud::Cloud;
use crate::function_arn::FunctionArn;
use crate::invoke_permission;
use crate::owner::Owner;
use crate::pool_settings::Description;
use crate::trigger::Trigger;
use anyhow::Result;
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::types::IdentityProviderType;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use cognito_core::settings::Overrides;
use cognito_core::user_pool::{AppClient, AppClients};
use std::collections::{BTreeMap, BTreeSet};

/// Reads everything about a pool that the checks look at. What cannot be read becomes a gap.
pub(crate) async fn gather(cloud: &Cloud, pool: Description) -> Facts {
    let mut facts = Facts::of(pool);
    facts.owner = Owner::of(cloud, &facts.pool).await.map_err(|why| why.to_string()).transpose();
    facts.providers = providers(cloud, &mut facts).await;
    facts.clients = clients(cloud, &mut facts).await;
    for trigger in Trigger::ALL {
        function_of(cloud, &mut facts, trigger).await;
    }
    facts.groups = groups(cloud, &mut facts).await;
    mail(cloud, &mut facts).await;
    text_messages(cloud, &mut facts).await;
    quotas(cloud, &mut facts).await;
    facts
}

impl Facts {
    /// The answer, or `None` and a gap.
    fn known<T, E: ProvideErrorMetadata, R>(
        &mut self,
        what: &str,
        operation: &str,
        answer: Result<T, SdkError<E, R>>,
    ) -> Option<T> {
        answer.map_err(|error| self.miss(what, operation, reason(&error))).ok()
    }

    fn miss(&mut self, what: &str, operation: &str, reason: String) {
        self.gaps.push(Gap { what: what.to_owned(), permission: permission(operation).unwrap_or_default(), reason });
    }
}

/// Only the error's code: AWS's texts name the caller.
fn reason<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    let transport = if error.as_service_error().is_some() { "an answer without a code" } else { "no usable answer" };
    error.code().unwrap_or(transport).to_owned()
}

/// Whether AWS says that the thing does not exist.
fn does_not_exist<T, E: ProvideErrorMetadata, R>(answer: &Result<T, SdkError<E, R>>) -> bool {
    let code = answer.as_ref().err().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| ["ResourceNotFoundException", "NotFoundException"].contains(&code))
}

async fn providers(cloud: &Cloud, facts: &mut Facts) -> Option<Vec<Provider>> {
    let cognito = cloud.cognito();
    let what = "identity providers";
    let pages = cognito.list_identity_providers().user_pool_id(facts.pool.id()).into_paginator().items().send();
    let listed = facts.known(what, "ListIdentityProviders", pages.try_collect().await)?;
    let mut providers = Vec::new();
    for name in listed.iter().filter_map(|provider| provider.provider_name()) {
        let answer =
            cognito.describe_identity_provider().user_pool_id(facts.pool.id()).provider_name(name).send().await;
        let answer = facts.known(&format!("provider {name}"), "DescribeIdentityProvider", answer)?;
        providers.extend(answer.identity_provider().map(provider));
    }
    Some(providers)
}

fn provider(described: &IdentityProviderType) -> Provider {
    let mapping = described.attribute_mapping().into_iter().flatten();
    let detail = |name: &str| described.provider_details().and_then(|details| details.get(name));
    let endpoints = ["authorize_url", "token_url", "attributes_url", "jwks_uri"];
    Provider {
        name: described.provider_name().unwrap_or_default().to_owned(),
        kind: described.provider_type().map_or_else(String::new, |kind| kind.as_str().to_owned()),
        issuer: detail("oidc_issuer").cloned().unwrap_or_default(),
        scopes: detail("authorize_scopes").cloned().unwrap_or_default(),
        endpoints: endpoints.into_iter().filter_map(detail).cloned().collect(),
        mapping: mapping.map(|(attribute, claim)| (attribute.clone(), claim.clone())).collect(),
        transient_name_ids: detail("MetadataFile").is_some_and(|metadata| name_ids::are_transient(metadata)),
    }
}

async fn clients(cloud: &Cloud, facts: &mut Facts) -> Option<Vec<AppClient>> {
    let clients = cloud.user_pool(facts.pool.id()).app_clients().await;
    clients.map_err(|error| facts.miss("app clients", error.operation(), error.code().to_owned())).ok()
}

/// Looks at the function of a trigger, if there is one.
async fn function_of(cloud: &Cloud, facts: &mut Facts, trigger: Trigger) {
    if let Some(arn) = trigger.function(facts.pool.lambda_config()).map(str::to_owned) {
        let attached = attached(cloud, facts, trigger, arn).await;
        facts.functions.insert(trigger, attached);
    }
}

async fn attached(cloud: &Cloud, facts: &mut Facts, trigger: Trigger, arn: String) -> Attached {
    let mut attached = Attached { arn: arn.clone(), ..Attached::default() };
    let Some(function) = FunctionArn::parse(&arn) else {
        facts.miss(&trigger.to_string(), "GetFunctionConfiguration", format!("{arn} is not the ARN of a function"));
        return attached;
    };
    let lambda = cloud.lambda(&function.region);
    let what = format!("function of {trigger}");
    let request = lambda.get_function_configuration().function_name(arn).send().await;
    if does_not_exist(&request) {
        attached.exists = Some(false);
        return attached;
    }
    if let Some(found) = facts.known(&what, "GetFunctionConfiguration", request) {
        attached.exists = Some(true);
        attached.log_group = found.logging_config().and_then(|log| log.log_group()).map(str::to_owned);
        attached.settings = Some(settings_for(facts.pool.id(), settings_of(&found)));
        attached.lacking = lacking(cloud, facts, trigger, found.role(), &attached).await;
        attached.next = next(cloud, facts, &function, &found).await;
    }
    match invoke_permission::is_granted(&lambda, &function, &facts.pool).await {
        Ok(Some(granted)) => attached.callable = Some(granted),
        Ok(None) => facts.miss(&format!("permission to call the {what}"), "GetPolicy", "AccessDenied".into()),
        Err(error) => facts.miss(&format!("permission to call the {what}"), "GetPolicy", format!("{error:#}")),
    }
    attached
}

/// The function that ours calls, if there is one.
async fn next(
    cloud: &Cloud,
    facts: &mut Facts,
    ours: &FunctionArn,
    found: &GetFunctionConfigurationOutput,
) -> Option<Next> {
    let name = chain::next_of(found)?;
    let mut next =
        Next { arn: beside(ours, &name), name, role: found.role().unwrap_or_default().into(), ..Next::default() };
    let Some(first) = next.arn.clone() else { return Some(next) };
    let steps = chain::follow(cloud, first.clone(), ours).await;
    next.leads_back = steps.lead_back;
    for (step, answer) in steps.read {
        let is_gone = does_not_exist(&answer);
        if step == first && is_gone {
            next.exists = Some(false);
        }
        if is_gone {
            break;
        }
        let known = facts.known(&format!("function {step} of a chain"), "GetFunctionConfiguration", answer);
        if let Some(found) = known.filter(|_| step == first) {
            (next.exists, next.timeout) = (Some(true), found.timeout());
        }
    }
    if next.exists == Some(true) {
        next.callable = may_call(cloud, facts, &next.role, &first).await;
    }
    Some(next)
}

/// Whether a role may call a function: by the function's own policy, or by the role's.
async fn may_call(cloud: &Cloud, facts: &mut Facts, role: &str, function: &FunctionArn) -> Option<bool> {
    let by_its_policy = invoke_permission::is_granted_to_role(&cloud.lambda(&function.region), function, role).await;
    if matches!(by_its_policy, Ok(Some(true))) {
        return Some(true);
    }
    let request = aws_sdk_iam::Client::new(cloud.config()).simulate_principal_policy().policy_source_arn(role);
    let request = request.resource_arns(function.as_str()).action_names("lambda:InvokeFunction");
    let results = request.into_paginator().items().send().try_collect().await;
    let results = facts.known(&format!("right to call {function}"), "SimulatePrincipalPolicy", results)?;
    let by_the_roles = results.iter().all(|result| result.eval_decision().as_str() == "allowed");
    // The function's own policy is where attach writes the right. Whoever may not read it does not know.
    let unseen = match by_its_policy {
        Ok(Some(_)) => return Some(by_the_roles),
        Ok(None) => "AccessDenied".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    if !by_the_roles {
        facts.miss(&format!("right to call {function}"), "GetPolicy", unseen);
    }
    by_the_roles.then_some(true)
}

/// The settings with which a function answers the events of a pool that no app client led to. A file with overrides is in
/// the function, so what it holds is not known here.
fn settings_for(pool: &str, mut settings: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let inline = |name: &str| settings.get(name).filter(|value| !value.trim_start().starts_with('/')).cloned();
    if let Ok(overrides) = Overrides::from_lookup(&inline) {
        settings.extend(overrides.of(pool, None));
    }
    settings
}

/// A function's environment.
pub(crate) fn settings_of(function: &GetFunctionConfigurationOutput) -> BTreeMap<String, String> {
    let variables = function.environment().and_then(|environment| environment.variables()).into_iter().flatten();
    variables.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Permissions that the function needs and its role lacks.
async fn lacking(
    cloud: &Cloud,
    facts: &mut Facts,
    trigger: Trigger,
    role: Option<&str>,
    attached: &Attached,
) -> Option<Vec<String>> {
    let set = |name: &str| attached.settings.as_ref()?.get(name).filter(|value| !value.is_empty()).cloned();
    let needed = rights::needed(trigger, set);
    if needed.is_empty() {
        return Some(vec![]);
    }
    let mut request = aws_sdk_iam::Client::new(cloud.config())
        .simulate_principal_policy()
        .policy_source_arn(role.unwrap_or_default())
        .resource_arns(facts.pool.arn());
    for action in needed {
        request = request.action_names(action);
    }
    // A right may hold only for pools with a tag.
    for (key, value) in facts.pool.tags() {
        let entry = ContextEntry::builder()
            .context_key_name(format!("aws:ResourceTag/{key}"))
            .context_key_type(ContextKeyTypeEnum::String)
            .context_key_values(value);
        request = request.context_entries(entry.build());
    }
    let results = request.into_paginator().items().send().try_collect().await;
    let results = facts.known(&format!("rights of {trigger}"), "SimulatePrincipalPolicy", results)?;
    let denied = results.into_iter().filter(|result| result.eval_decision().as_str() != "allowed");
    Some(denied.map(|result| result.eval_action_name).collect())
}

async fn groups(cloud: &Cloud, facts: &mut Facts) -> Option<BTreeSet<String>> {
    let mut there = BTreeSet::new();
    for group in group::named(facts) {
        let answer = cloud.cognito().get_group().user_pool_id(facts.pool.id()).group_name(&group).send().await;
        if does_not_exist(&answer) {
            continue;
        }
        facts.known(&format!("group {group}"), "GetGroup", answer)?;
        there.insert(group);
    }
    Some(there)
}

/// Looks at SES, if the pool sends through it.
async fn mail(cloud: &Cloud, facts: &mut Facts) {
    let Some(Sender { region, identity }) = sender(&facts.pool) else { return };
    let ses = ses(cloud, region);
    if let Some(account) = facts.known("SES account", "GetAccount", ses.get_account().send().await) {
        facts.ses_production = Some(account.production_access_enabled());
        facts.ses_sending = Some(account.sending_enabled());
        facts.ses_quota = account
            .send_quota()
            .map(|quota| SendQuota { a_day: quota.max24_hour_send(), sent: quota.sent_last24_hours() });
    }
    let answer = ses.get_email_identity().email_identity(&identity).send().await;
    if does_not_exist(&answer) {
        facts.sender_verified = Some(false);
    } else if let Some(found) = facts.known("SES identity", "GetEmailIdentity", answer) {
        facts.sender_verified = Some(found.verified_for_sending_status());
        // An address is signed by its domain's key, which is an identity of its own.
        let dkim = found.dkim_attributes().filter(|_| !identity.contains('@'));
        facts.sender_signs =
            dkim.map(|dkim| dkim.signing_enabled() && dkim.status().is_some_and(|status| status.as_str() == "SUCCESS"));
    }
}

/// Asks Amazon SNS, if the pool sends text messages.
async fn text_messages(cloud: &Cloud, facts: &mut Facts) {
    if !facts.sends_text_messages() {
        return;
    }
    let region = Some(facts.text("/SmsConfiguration/SnsRegion")).filter(|region| !region.is_empty());
    let region = aws_config::Region::new(region.unwrap_or(facts.pool.region()).to_owned());
    let config = aws_sdk_sns::config::Builder::from(cloud.config()).region(region).build();
    let sns = aws_sdk_sns::Client::from_conf(config);
    let status = sns.get_sms_sandbox_account_status().send().await;
    let status = facts.known("sandbox of Amazon SNS", "GetSMSSandboxAccountStatus", status);
    let attributes = sns.get_sms_attributes().attributes("MonthlySpendLimit").send().await;
    let attributes = facts.known("limit of Amazon SNS", "GetSMSAttributes", attributes);
    facts.text_messages = Some(TextMessages {
        sandbox: status.map(|status| status.is_in_sandbox()),
        dollars_a_month: attributes
            .and_then(|found| found.attributes().and_then(|all| all.get("MonthlySpendLimit")?.parse().ok())),
    });
}

/// Reads what the account API is set to, and whether SES may send from its address.
pub(crate) async fn look_at_account_api(cloud: &Cloud, facts: &mut Facts, function: &str) {
    let region = facts.pool.region().to_owned();
    let answer = cloud.lambda(&region).get_function_configuration().function_name(function).send().await;
    let mut api = AccountApi { function: function.to_owned(), settings: None, sender_verified: None };
    if !does_not_exist(&answer) {
        let Some(found) = facts.known("account API", "GetFunctionConfiguration", answer) else { return };
        api.settings = Some(settings_of(&found));
    }
    if let Some(address) = api.sender().map(str::to_owned) {
        let ses = ses(cloud, region);
        let domain = address.rsplit('@').next().unwrap_or_default().to_owned();
        // An address is verified by itself or by its domain.
        for identity in [address, domain] {
            let answer = ses.get_email_identity().email_identity(&identity).send().await;
            if does_not_exist(&answer) {
                api.sender_verified = Some(false);
            } else if let Some(found) = facts.known("SES identity of the account API", "GetEmailIdentity", answer) {
                api.sender_verified = Some(found.verified_for_sending_status());
            } else {
                api.sender_verified = None;
                break;
            }
            if api.sender_verified == Some(true) {
                break;
            }
        }
    }
    facts.account_api = Some(api);
}

/// The SES identity that a pool sends from, and its Region, which may be another than the pool's.
struct Sender {
    region: String,
    identity: String,
}

/// What the pool sends from; `None` if that is not SES.
fn sender(pool: &Description) -> Option<Sender> {
    let settings = &pool.0["EmailConfiguration"];
    if settings["EmailSendingAccount"] != "DEVELOPER" {
        return None;
    }
    // arn:<partition>:ses:<Region>:<account>:identity/<identity>
    let mut parts = settings["SourceArn"].as_str()?.splitn(6, ':').skip(3);
    let region = parts.next()?.to_owned();
    let identity = parts.nth(1)?.strip_prefix("identity/")?.to_owned();
    Some(Sender { region, identity })
}

fn ses(cloud: &Cloud, region: String) -> aws_sdk_sesv2::Client {
    let config = aws_sdk_sesv2::config::Builder::from(cloud.config()).region(aws_config::Region::new(region)).build();
    aws_sdk_sesv2::Client::from_conf(config)
}

async fn quotas(cloud: &Cloud, facts: &mut Facts) {
    let client = aws_sdk_servicequotas::Client::new(cloud.config());
    let pages = client.list_service_quotas().service_code("cognito-idp").into_paginator().items().send();
    let listed = facts.known("quotas", "ListServiceQuotas", pages.try_collect().await);
    facts.quotas = listed
        .into_iter()
        .flatten()
        .filter_map(|quota| {
            Some(Quota { name: quota.quota_name()?.to_owned(), value: quota.value()?, adjustable: quota.adjustable() })
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pool() -> Description {
        let function = |name: &str| format!("arn:aws:lambda:eu-central-1:1:function:{name}");
        Description(json!({
            "Id": "eu-central-1_A", "Arn": "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_A",
            "LambdaConfig": { "PreSignUp": function("f"), "CustomMessage": function("g") },
            "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER",
                "SourceArn": "arn:aws:ses:eu-west-1:1:identity/example.com" },
        }))
    }

    fn gaps(facts: &Facts) -> BTreeSet<&str> {
        facts.gaps.iter().map(|gap| gap.permission.as_str()).collect()
    }

    #[test]
    fn the_settings_are_those_that_hold_for_this_pool() {
        let overrides = r#"[{"user_pool_id": "eu-central-1_B", "settings": {"PROVIDERS": "Corp:always"}},
            {"client_id": "web", "settings": {"DEFAULT_GROUP": "shoppers"}}]"#;
        let settings = |overrides: &str| {
            let pairs = [("PROVIDERS", "Google:claim"), ("OVERRIDES", overrides)];
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        };
        let of = |pool: &str| settings_for(pool, settings(overrides));
        assert_eq!(of("eu-central-1_B")["PROVIDERS"], "Corp:always");
        assert_eq!(of("eu-central-1_A")["PROVIDERS"], "Google:claim");
        assert!(!of("eu-central-1_A").contains_key("DEFAULT_GROUP"));
        // The path is one of the function's own files.
        assert_eq!(settings_for("eu-central-1_A", settings("/etc/hostname"))["PROVIDERS"], "Google:claim");
    }

    #[tokio::test]
    async fn whatever_is_denied_is_a_gap_that_names_the_permission() {
        let denied = json!({ "__type": "AccessDeniedException", "message": "User: somebody is not authorized" });
        let facts = gather(&Cloud::answering(move |_| (400, denied.to_string())), pool()).await;
        let expected = [
            "cognito-idp:ListIdentityProviders",
            "cognito-idp:ListUserPoolClients",
            "lambda:GetFunctionConfiguration",
            "lambda:GetPolicy",
            "servicequotas:ListServiceQuotas",
            "ses:GetAccount",
            "ses:GetEmailIdentity",
        ];
        assert_eq!(gaps(&facts), BTreeSet::from(expected));
        assert!(facts.gaps.iter().all(|gap| !gap.reason.contains("somebody")), "{:?}", facts.gaps);
        assert_eq!(facts.functions[&Trigger::PreSignUp].exists, None, "denied is not gone");
    }

    #[tokio::test]
    async fn only_a_domain_is_asked_for_its_own_signature() {
        for (identity, signs) in [("example.com", Some(false)), ("no-reply@example.com", None)] {
            let mut pool = pool();
            pool.0["EmailConfiguration"]["SourceArn"] = json!(format!("arn:aws:ses:eu-west-1:1:identity/{identity}"));
            let cloud = Cloud::answering(|request| {
                let answer = if request.uri().path().contains("/v2/email/identities/") {
                    json!({ "VerifiedForSendingStatus": true,
                        "DkimAttributes": { "SigningEnabled": true, "Status": "PENDING" } })
                } else {
                    json!({ "SendQuota": { "Max24HourSend": 200.0, "SentLast24Hours": 7.0, "MaxSendRate": 1.0 } })
                };
                (200, answer.to_string())
            });
            let mut facts = Facts::of(pool);
            mail(&cloud, &mut facts).await;
            assert_eq!((facts.sender_verified, facts.sender_signs), (Some(true), signs), "{identity}");
            let quota = facts.ses_quota.unwrap();
            assert!((quota.sent - 7.0).abs() < f64::EPSILON && quota.a_day > quota.sent, "{quota:?}");
        }
    }

    #[tokio::test]
    async fn a_function_its_role_and_its_settings_are_read() {
        let cloud = Cloud::answering(|request| {
            let path = request.uri().to_string();
            let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
            if path.contains("function%3Ag/") || path.contains("function:g/") {
                return (404, json!({ "__type": "ResourceNotFoundException" }).to_string());
            }
            if path.contains("/configuration") {
                let variables =
                    json!({ "PROVIDERS": "Google:claim", "NATIVE_PROFILE": "skip", "UNVERIFIED_PROFILE": "refuse" });
                let role = "arn:aws:iam::1:role/r";
                return (200, json!({ "Role": role, "Environment": { "Variables": variables } }).to_string());
            }
            if body.contains("Action=SimulatePrincipalPolicy") {
                assert!(!body.contains("AdminCreateUser"), "asked for more than the settings need: {body}");
                let result = |action: &str, decision: &str| {
                    format!(
                        "<member><EvalActionName>cognito-idp:{action}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>"
                    )
                };
                let results = result("ListUsers", "allowed") + &result("AdminGetUser", "implicitDeny");
                return (
                    200,
                    format!(
                        "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults>{results}</EvaluationResults>\
                     <IsTruncated>false</IsTruncated></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
                    ),
                );
            }
            (400, json!({ "__type": "AccessDeniedException" }).to_string())
        });
        let facts = gather(&cloud, pool()).await;
        let function = &facts.functions[&Trigger::PreSignUp];
        assert_eq!(facts.setting(Trigger::PreSignUp, "PROVIDERS"), Some("Google:claim"));
        assert_eq!(function.lacking, Some(vec!["cognito-idp:AdminGetUser".to_owned()]));
        assert_eq!(facts.functions[&Trigger::CustomMessage].exists, Some(false));
    }
}
