//! What the local cloud's CloudFormation does not take, done through Cognito's API after the deployment.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{MAIL_DOMAIN, Stack, template};
use crate::http::Http;

/// The template's providers that a local stack has, by the resource's name. Registering them needs their address,
/// which the identity providers have; here they are only named.
const PROVIDERS: [(&str, &str); 3] =
    [("GoogleProvider", "Google"), ("FacebookProvider", "Facebook"), ("OidcProvider", "Okta")];

/// Conditions of the template that hold on a local stack once its providers are registered.
const HOLDING: [&str; 6] =
    ["HasProvider", "HasGoogle", "HasFacebook", "HasOidc", "HasSubjectAttribute", "WritesSubject"];

/// Brings the deployed pool to what the template says where the deployment could not.
///
/// # Errors
///
/// The pool refuses, or the template has another form than expected.
pub(super) async fn complete(stack: &Stack) -> Result<()> {
    numbers(stack).await?;
    sender(stack).await?;
    frontend_client(stack).await
}

/// Makes the sender known to SES, as an operator does before the deployment.
async fn sender(stack: &Stack) -> Result<()> {
    let identities = format!("{}/v2/email/identities", stack.endpoint());
    let headers = [("Content-Type", "application/json"), ("Authorization", SES_SCOPE)];
    let body = json!({ "EmailIdentity": MAIL_DOMAIN }).to_string();
    let answer = Http::default().send_body("POST", &identities, &headers, body).await?;
    // It may be there from a run before.
    let known = answer.json().is_ok_and(|why| why.to_string().contains("AlreadyExists"));
    if !answer.status.is_success() && !known {
        bail!("SES refused the sender: {}", answer.status);
    }
    Ok(())
}

/// The local cloud tells a service by the scope of a request's signature, which it does not check.
const SES_SCOPE: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/ses/aws4_request";

/// The local cloud hands a number in a parameter on as text, and then cannot compare a password's length with it.
async fn numbers(stack: &Stack) -> Result<()> {
    let pool = stack.pool()?;
    let mut policy = pool.admin("DescribeUserPool", json!({})).await?["UserPool"]["Policies"]["PasswordPolicy"].take();
    for name in ["MinimumLength", "TemporaryPasswordValidityDays"] {
        if let Some(text) = policy[name].as_str() {
            let number: u32 = text.parse().with_context(|| format!("the pool's {name} is no number"))?;
            policy[name] = json!(number);
        }
    }
    pool.change(|pool| pool["Policies"]["PasswordPolicy"] = policy).await
}

/// The template adds providers and writable attributes to the frontend client under conditions that did not hold.
async fn frontend_client(stack: &Stack) -> Result<()> {
    let document = template::document()?;
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

/// How the template maps a provider's claims: user pool attribute to claim.
///
/// # Errors
///
/// The template has no such provider.
pub(super) fn attribute_mapping(provider: &str) -> Result<Value> {
    let Some((resource, _)) = PROVIDERS.iter().find(|(_, name)| *name == provider) else {
        bail!("the template has no provider {provider}");
    };
    let document = template::document()?;
    let mapping = document["Resources"][resource]["Properties"]["AttributeMapping"].as_object();
    let mapping = mapping.with_context(|| format!("{resource} maps no attribute"))?;
    Ok(mapping
        .iter()
        .map(|(attribute, claim)| (attribute.clone(), chosen(claim)))
        .collect::<serde_json::Map<_, _>>()
        .into())
}

/// What a value of the template is on a local stack: of `!If [condition, one, other]` one of the two.
fn chosen(value: &Value) -> Value {
    match value.as_array().map(Vec::as_slice) {
        Some([condition, one, other]) => {
            let holds = condition.as_str().is_some_and(|name| HOLDING.contains(&name));
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
