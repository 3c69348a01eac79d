//! An identity provider that the developer brings along, in a file as the AWS CLI takes it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::stack::Stack;

/// The types that sign people in on a local cloud.
const TYPES: [&str; 2] = ["OIDC", "SAML"];

/// The providers that every local stack has.
const TAKEN: [&str; 3] = ["Google", "Facebook", "Okta"];

/// A provider as the input of Cognito's `CreateIdentityProvider`, and how far its addresses are trusted.
#[derive(Debug, Clone)]
pub struct OwnProvider {
    name: String,
    input: Value,
    trust: String,
}

impl OwnProvider {
    /// Reads the file that `aws cognito-idp create-identity-provider --cli-input-json` takes.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, or if a local cloud could not sign anybody in through it. The message says what
    /// is missing, and holds no value of the file but the names.
    pub fn read(file: &Path, trust: &str) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Self::parse(&text, trust).with_context(|| file.display().to_string())
    }

    fn parse(text: &str, trust: &str) -> Result<Self> {
        let input: Value = serde_json::from_str(text).context("this is not JSON")?;
        let text_of = |name: &str| input[name].as_str().with_context(|| format!("`{name}` must be there, as text"));
        let (name, kind) = (text_of("ProviderName")?.to_owned(), text_of("ProviderType")?);
        if TAKEN.contains(&name.as_str()) {
            bail!("the local stack has a provider {name} already; choose another `ProviderName`");
        }
        // It stands in a list, in links and on a page.
        if name.is_empty() || !name.chars().all(|each| each.is_ascii_alphanumeric() || each == '-') {
            bail!("`ProviderName` may have letters, digits and hyphens here");
        }
        if !TYPES.contains(&kind) {
            bail!("the local cloud signs in with `ProviderType` {}, and not {kind}", TYPES.join(" or "));
        }
        for part in ["ProviderDetails", "AttributeMapping"] {
            if !input[part].is_object() {
                bail!("`{part}` must be there, as an object");
            }
        }
        if !input["AttributeMapping"]["email"].is_string() {
            bail!("`AttributeMapping` must map `email`, or nobody is ever linked");
        }
        Ok(Self { name, input, trust: trust.to_owned() })
    }

    /// The provider's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its entry in the setting `PROVIDERS`.
    pub(super) fn entry(&self) -> String {
        format!("{}:{}", self.name, self.trust)
    }

    /// Adds the provider to the stack's pool, or changes it there, and lets the app offer it.
    pub(super) async fn register(&self, stack: &Stack) -> Result<()> {
        let pool = stack.pool()?;
        pool.register(self.input.clone()).await?;
        let client = json!({ "ClientId": stack.output("FrontendClientId")? });
        let described = pool.admin("DescribeUserPoolClient", client.clone()).await?;
        let mut offered = described["UserPoolClient"]["SupportedIdentityProviders"].as_array().cloned();
        let offered = offered.get_or_insert_default();
        if !offered.contains(&json!(self.name)) {
            offered.push(json!(self.name));
        }
        // The local cloud leaves every other setting of the client as it is.
        let mut change = client;
        change["SupportedIdentityProviders"] = json!(offered);
        pool.admin("UpdateUserPoolClient", change).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> Value {
        json!({
            "ProviderName": "Corp",
            "ProviderType": "OIDC",
            "ProviderDetails": { "oidc_issuer": "http://127.0.0.1:9400", "client_secret": "hidden" },
            "AttributeMapping": { "email": "email" },
        })
    }

    #[test]
    fn a_provider_stands_in_providers_with_its_trust() {
        let own = OwnProvider::parse(&provider().to_string(), "always@corp.example").unwrap();
        assert_eq!((own.name(), own.entry().as_str()), ("Corp", "Corp:always@corp.example"));
    }

    #[test]
    fn what_cannot_work_is_named_and_no_secret_is() {
        for (member, wrong, said) in [
            ("ProviderName", json!("Google"), "already"),
            ("ProviderName", json!("a,b"), "hyphens"),
            ("ProviderName", json!(7), "`ProviderName`"),
            ("ProviderType", json!("Facebook"), "OIDC or SAML"),
            ("ProviderDetails", json!("hidden"), "`ProviderDetails`"),
            ("AttributeMapping", json!({ "name": "name" }), "map `email`"),
        ] {
            let mut file = provider();
            file[member] = wrong;
            let error = format!("{:#}", OwnProvider::parse(&file.to_string(), "claim").unwrap_err());
            assert!(error.contains(said) && !error.contains("hidden"), "{error}");
        }
        let error = format!("{:#}", OwnProvider::parse("{ \"client_secret\": hidden", "claim").unwrap_err());
        assert!(error.contains("not JSON") && !error.contains("hidden"), "{error}");
    }
}
