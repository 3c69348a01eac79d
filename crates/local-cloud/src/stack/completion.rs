//! Adds, through Cognito's API, the parts of the template that the local cloud's CloudFormation cannot create.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::template::TemplateFile;
use super::{MAIL_DOMAIN, Stack};
use crate::http::Http;
use crate::user_pool::UserPool;

/// The template's providers that a local stack has: resource name and provider name. [`Stack::register`] registers
/// them, because that needs the address of a running provider.
const PROVIDERS: [(&str, &str); 3] =
    [("GoogleProvider", "Google"), ("FacebookProvider", "Facebook"), ("OidcProvider", "Okta")];

/// The template's conditions that are true on a local stack once its providers are registered.
const TRUE_CONDITIONS: [&str; 6] =
    ["HasProvider", "HasGoogle", "HasFacebook", "HasOidc", "HasSubjectAttribute", "WritesSubject"];

/// Changes the deployed pool to what the template says, where the deployment could not.
///
/// # Errors
///
/// Fails if the pool refuses, or if the template has another form than expected.
pub(super) async fn complete(stack: &Stack) -> Result<()> {
    numbers(&stack.pool()?).await?;
    sender(stack).await?;
    frontend_client(stack).await
}

/// Adds the sender to SES, as an operator does before the deployment.
async fn sender(stack: &Stack) -> Result<()> {
    let identities = format!("{}/v2/email/identities", stack.endpoint());
    let headers = [("Content-Type", "application/json"), ("Authorization", SES_SCOPE)];
    let body = json!({ "EmailIdentity": MAIL_DOMAIN }).to_string();
    let answer = Http::default().send_body("POST", &identities, &headers, body).await?;
    // An earlier run may have added it.
    let exists = answer.json().is_ok_and(|why| why.to_string().contains("AlreadyExists"));
    if !answer.status.is_success() && !exists {
        bail!("SES refused the sender: {}", answer.status);
    }
    Ok(())
}

/// The local cloud finds the service by the scope of a request's signature. It does not check the signature.
const SES_SCOPE: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/ses/aws4_request";

/// Writes the password policy's numbers again. The local cloud stores numbers from parameters as text, and then cannot
/// compare a password's length with them.
///
/// # Errors
///
/// Fails if the pool refuses, or if its numbers are not stored as text any more.
pub async fn numbers(pool: &UserPool) -> Result<()> {
    let mut policy = pool.admin("DescribeUserPool", json!({})).await?["UserPool"]["Policies"]["PasswordPolicy"].take();
    let mut texts = 0;
    for name in ["MinimumLength", "TemporaryPasswordValidityDays"] {
        if let Some(text) = policy[name].as_str() {
            let number: u32 = text.parse().with_context(|| format!("the pool's {name} is not a number"))?;
            policy[name] = json!(number);
            texts += 1;
        }
    }
    if texts == 0 {
        bail!("the local cloud stores numbers from parameters as numbers now: remove this step");
    }
    pool.change(|pool| pool["Policies"]["PasswordPolicy"] = policy).await
}

/// Adds providers and writable attributes to the frontend client. Their conditions in the template were false at the
/// deployment.
async fn frontend_client(stack: &Stack) -> Result<()> {
    let document = TemplateFile::Pool.document()?;
    let writable = &document["Resources"]["FrontendClient"]["Properties"]["WriteAttributes"];
    let writable: Vec<_> =
        writable.as_array().context("the frontend client writes nothing")?.iter().map(chosen).collect();
    let providers: Vec<_> = ["COGNITO"].into_iter().chain(PROVIDERS.map(|(_, name)| name)).collect();
    stack
        .pool()?
        .admin(
            "UpdateUserPoolClient",
            json!({
                "ClientId": stack.output("FrontendClientId")?,
                "SupportedIdentityProviders": providers,
                "WriteAttributes": writable,
            }),
        )
        .await
        .map(drop)
}

/// The template's mapping for a provider, from user pool attribute to claim.
///
/// # Errors
///
/// Fails if the template has no such provider.
pub(super) fn attribute_mapping(provider: &str) -> Result<Value> {
    let Some((resource, _)) = PROVIDERS.iter().find(|(_, name)| *name == provider) else {
        bail!("the template has no provider {provider}");
    };
    let document = TemplateFile::Pool.document()?;
    let mapping = document["Resources"][resource]["Properties"]["AttributeMapping"].as_object();
    let mapping = mapping.with_context(|| format!("{resource} maps no attribute"))?;
    Ok(mapping
        .iter()
        .map(|(attribute, claim)| (attribute.clone(), chosen(claim)))
        .collect::<serde_json::Map<_, _>>()
        .into())
}

/// The value of a template expression on a local stack. For `!If [condition, one, other]` it is one of the two.
fn chosen(value: &Value) -> Value {
    match value.as_array().map(Vec::as_slice) {
        Some([condition, one, other]) => {
            let holds = condition.as_str().is_some_and(|name| TRUE_CONDITIONS.contains(&name));
            if holds { one.clone() } else { other.clone() }
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_holds_locally_chooses_its_first_value() {
        assert_eq!(chosen(&json!(["HasProvider", "email", "AWS::NoValue"])), json!("email"));
        assert_eq!(chosen(&json!(["HasApple", "one", "other"])), json!("other"));
        assert_eq!(chosen(&json!("locale")), json!("locale"));
    }

    #[test]
    fn the_local_providers_are_mapped_as_the_template_maps_them() {
        assert_eq!(attribute_mapping("Google").unwrap()["email_verified"], "email_verified");
        assert_eq!(attribute_mapping("Facebook").unwrap()["given_name"], "first_name");
        assert_eq!(attribute_mapping("Okta").unwrap()["custom:idp_subject"], "sub");
        assert!(attribute_mapping("Nobody").is_err());
    }
}
