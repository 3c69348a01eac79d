//! A local OpenID provider that plays Google. It knows a few people and asks for no password.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::http::Http;
use crate::process::ProcessGroup;
use crate::toolbox::Toolbox;
use crate::user_pool::UserPool;
use crate::{layout, port};

/// A running provider. Dropping this ends the process, if this program started it.
#[derive(Debug)]
pub struct IdentityProvider {
    _process: Option<ProcessGroup>,
    issuer: String,
    http: Http,
}

impl IdentityProvider {
    /// Starts the provider on the given port, or a free one, and waits until it answers.
    ///
    /// # Errors
    ///
    /// Fails if the port is taken, or if the provider ends or stays silent. The message names its log.
    pub async fn start(toolbox: &Toolbox, port: Option<u16>) -> Result<Self> {
        Self::start_with(toolbox, port, &[]).await
    }

    /// Starts the provider with people on its sign-in page, each a subject and claims.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`IdentityProvider::start`].
    pub async fn start_with(toolbox: &Toolbox, port: Option<u16>, people: &[(&str, Value)]) -> Result<Self> {
        let people = people.iter().flat_map(|(subject, claims)| {
            let mut claims = claims.clone();
            claims["sub"] = json!(subject);
            ["--user-claims".to_owned(), claims.to_string()]
        });
        let port = port::choose(port)?;
        let log = layout::logs().join(format!("identity-provider-{port}.log"));
        let mut command = Command::new(toolbox.program("oidc-provider-mock"));
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]).args(people);
        let mut process = ProcessGroup::spawn_with_log(&mut command, &log)?;
        let provider = Self::at(&format!("http://127.0.0.1:{port}"));
        let metadata = format!("{}/.well-known/openid-configuration", provider.issuer);
        process
            .wait_until_it_answers(&metadata)
            .await
            .with_context(|| format!("the identity provider did not start; see {}", log.display()))?;
        Ok(Self { _process: Some(process), ..provider })
    }

    /// A provider that is running already. Dropping this does not end it.
    #[must_use]
    pub fn at(issuer: &str) -> Self {
        Self { _process: None, issuer: issuer.to_owned(), http: Http::default() }
    }

    /// The provider's address, which is also its issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Adds a person to the provider, or replaces what it knows about them.
    ///
    /// # Errors
    ///
    /// Fails if the provider cannot be reached or refuses.
    pub async fn knows(&self, subject: &str, claims: &Value) -> Result<()> {
        let answer = self.http.send_json("PUT", &format!("{}/users/{subject}", self.issuer), claims).await?;
        if !answer.status.is_success() {
            bail!("the identity provider did not take the person: {}", answer.status);
        }
        Ok(())
    }

    /// Adds this provider to the pool under the given name, and maps the usual claims.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`IdentityProvider::register_with`].
    pub async fn register(&self, pool: &UserPool, name: &str) -> Result<()> {
        let mapping =
            ["email", "email_verified", "given_name", "family_name"].map(|claim| (claim.to_owned(), json!(claim)));
        self.register_with(pool, name, &mapping.into_iter().collect::<serde_json::Map<_, _>>().into()).await
    }

    /// Adds this provider to the pool under the given name. `mapping` goes from pool attribute to claim.
    ///
    /// The type is always OIDC, even for `Google`, because the local cloud supports sign-ins only from OIDC and SAML
    /// providers.
    ///
    /// # Errors
    ///
    /// Fails if the pool refuses.
    pub async fn register_with(&self, pool: &UserPool, name: &str, mapping: &Value) -> Result<()> {
        let input = json!({
            "ProviderName": name,
            "ProviderType": "OIDC",
            "ProviderDetails": {
                "client_id": "local",
                "client_secret": "local",
                "attributes_request_method": "GET",
                "oidc_issuer": self.issuer,
                "authorize_scopes": "openid email profile",
            },
            "AttributeMapping": mapping,
        });
        pool.register(input).await
    }
}
