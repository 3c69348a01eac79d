//! The repository's templates, deployed to a local cloud with the AWS SAM CLI, as you deploy them to AWS.

pub mod completion;
pub mod sam;
pub mod template;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::sam::Sam;
use self::template::TemplateFile;
use crate::function::{self, Binaries};
use crate::http::Http;
use crate::identity_provider::IdentityProvider;
use crate::user_pool::{REGION, UserPool};

/// The name of the stack and of the pool.
pub const NAME: &str = "account-triggers";

/// The name of the account API's stack.
pub const ACCOUNT_API: &str = "account-api";

/// The group that every account of a local stack joins.
pub const GROUP: &str = "Users";

/// The sender's domain of a local stack's mails.
pub const MAIL_DOMAIN: &str = "example.com";

/// The setting `PROVIDERS` of a local stack, without a provider of the developer's own.
pub const PROVIDERS: &str = "Google:claim,Facebook:always,Okta:claim";

/// A deployed pool and account API, with the outputs of both stacks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stack {
    endpoint: String,
    outputs: BTreeMap<String, String>,
}

/// Everything that a deployment needs.
#[derive(Debug)]
pub struct Deployment<'a> {
    /// The SAM CLI.
    pub sam: &'a Sam,
    /// The local cloud, as in `http://127.0.0.1:4566`.
    pub endpoint: &'a str,
    /// The functions' code.
    pub binaries: &'a Binaries,
    /// A folder for the staged template and for the record of the deployment.
    pub folder: PathBuf,
    /// The addresses that the sign-in pages may send people back to.
    pub callbacks: Vec<String>,
    /// The setting `PROVIDERS`.
    pub providers: String,
    /// Parameters of the account API that are to differ from the local stack's.
    pub account_api: Vec<(&'static str, &'static str)>,
}

/// The record of a deployment. It is written next to the state that a cloud keeps.
#[derive(Serialize, Deserialize)]
struct Receipt {
    fingerprint: u64,
    outputs: BTreeMap<String, String>,
}

impl Deployment<'_> {
    /// Deploys the templates, and then adds the parts that a local cloud's CloudFormation cannot create.
    ///
    /// If an earlier run deployed the same templates, code and parameters, and the cloud kept its state, this returns
    /// what that run deployed.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or written, or if the deployment fails.
    pub async fn deploy(&self) -> Result<Stack> {
        let folder = self.folder.join("build");
        let [pool, api] =
            [TemplateFile::Pool, TemplateFile::AccountApi].map(|template| template.stage(&folder, self.binaries));
        let (pool, api) = (pool?, api?);
        let parameters = self.parameters();
        let fingerprint = fingerprint(&[&pool, &api], self.binaries, &[&parameters, &self.parameters_of_api("", "")])?;
        let receipt = self.folder.join("deployed.json");
        if let Some(stack) = self.deployed_before(&receipt, fingerprint).await {
            return Ok(stack);
        }
        let mut outputs = self.sam.deploy(self.endpoint, NAME, &pool, &parameters).await?;
        let of_api = self.parameters_of_api(&outputs["UserPoolId"], &outputs["FrontendClientId"]);
        let api = self.sam.deploy(self.endpoint, ACCOUNT_API, &api, &of_api).await?;
        outputs.extend(api);
        let stack = Stack { endpoint: self.endpoint.to_owned(), outputs };
        completion::complete(&stack).await?;
        std::fs::write(&receipt, serde_json::to_string(&Receipt { fingerprint, outputs: stack.outputs.clone() })?)?;
        Ok(stack)
    }

    async fn deployed_before(&self, receipt: &Path, fingerprint: u64) -> Option<Stack> {
        let receipt: Receipt = serde_json::from_str(&std::fs::read_to_string(receipt).ok()?).ok()?;
        if receipt.fingerprint != fingerprint {
            return None;
        }
        let stack = Stack { endpoint: self.endpoint.to_owned(), outputs: receipt.outputs };
        // The cloud may have been started without the state of the run that wrote the receipt.
        let pool = stack.pool().ok()?.admin("DescribeUserPool", json!({})).await;
        pool.is_ok().then_some(stack)
    }

    /// The parameters of a local stack that differ from the template's defaults. Any deployment could set them.
    /// docs/LOCAL_STACK.md says why these have these values.
    fn parameters(&self) -> BTreeMap<String, String> {
        [
            ("Architecture", ARCHITECTURE),
            ("CallbackUrls", &format!("{},{APP_URL}/account", self.callbacks.join(","))),
            ("LogoutUrls", &format!("{APP_URL}/account")),
            ("CustomMessages", "always"),
            ("DefaultGroup", GROUP),
            ("DeletionProtection", "INACTIVE"),
            ("DomainPrefix", "none"),
            ("Monitoring", "false"),
            ("Providers", &self.providers),
            // Nobody writes an address without proof in a pool that this stack made.
            ("Repair", "linked"),
            ("SubjectAttribute", "custom:idp_subject"),
            ("SesIdentityArn", &identity()),
            ("EmailFrom", &sender()),
            ("AppName", "Example"),
            ("AppUrl", APP_URL),
            ("DirectEmailChange", "refuse"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// The parameters of the account API of this pool that differ from the template's defaults.
    fn parameters_of_api(&self, pool: &str, client: &str) -> BTreeMap<String, String> {
        [
            ("UserPoolId", pool),
            ("ApiClientIds", client),
            ("Architecture", ARCHITECTURE),
            ("Monitoring", "false"),
            ("Providers", &self.providers),
            ("DefaultGroup", GROUP),
            ("Invitations", "public"),
            ("SelfServiceLinking", "any"),
            ("AccountDeletion", "on"),
            ("SesIdentityArn", &identity()),
            ("EmailFrom", &sender()),
            ("AppName", "Example"),
            ("AppUrl", APP_URL),
            ("Pages", "on"),
            ("PagesRegistration", "open"),
            ("PagesClientId", client),
            ("PagesCognitoUrl", self.endpoint),
            ("PagesSignInUrl", self.endpoint),
            ("PagesPasswordRules", "12"),
        ]
        .into_iter()
        .chain(self.account_api.iter().copied())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }
}

/// The processor of this machine, as Lambda calls it.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };

/// Where links in messages lead.
const APP_URL: &str = "https://app.example.com";

/// The identity that a local stack's mails come from.
fn identity() -> String {
    format!("arn:aws:ses:{REGION}:000000000000:identity/{MAIL_DOMAIN}")
}

/// The sender of a local stack's mails.
fn sender() -> String {
    format!("accounts@{MAIL_DOMAIN}")
}

impl Stack {
    /// One of the stack's outputs, as in `output("FrontendClientId")`.
    ///
    /// # Errors
    ///
    /// Fails if the template has no such output. The message lists those it has.
    pub fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).map(String::as_str).with_context(|| {
            let known: Vec<_> = self.outputs.keys().map(String::as_str).collect();
            format!("the stack has no output {name}; it has: {}", known.join(", "))
        })
    }

    /// Registers a running provider under a name from the template, with the template's attribute mapping.
    ///
    /// # Errors
    ///
    /// Fails if the template has no such provider, or if the pool refuses.
    pub async fn register(&self, provider: &IdentityProvider, name: &str) -> Result<()> {
        provider.register_with(&self.pool()?, name, &completion::attribute_mapping(name)?).await
    }

    /// The stack's user pool.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Stack::output`].
    pub fn pool(&self) -> Result<UserPool> {
        Ok(UserPool::open(&self.endpoint, self.output("UserPoolId")?))
    }

    /// The address of the account API, without a slash at its end.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Stack::output`].
    pub fn account_api(&self) -> Result<String> {
        Ok(format!("{}/_aws/execute-api/{}", self.endpoint, self.output("AccountApiId")?))
    }

    /// Invokes the deployed function of a trigger, as in `invoke("PostConfirmation", &event)`.
    ///
    /// # Errors
    ///
    /// Fails if there is no such function, or if it answers with an error. In the second case, the message contains
    /// that error.
    pub async fn invoke(&self, trigger: &str, event: &Value) -> Result<Value> {
        let url = format!("{}/invocations", self.function(trigger)?);
        let answer = Http::default().send_json("POST", &url, event).await?;
        let payload = answer.json()?;
        if !answer.status.is_success() || payload.get("errorMessage").is_some() {
            bail!("{trigger} failed: {payload}");
        }
        Ok(payload)
    }

    /// The environment variables of a trigger's deployed function.
    ///
    /// # Errors
    ///
    /// Fails if there is no such function.
    pub async fn settings_of(&self, trigger: &str) -> Result<Value> {
        let url = format!("{}/configuration", self.function(trigger)?);
        Ok(Http::default().get(&url).await?.json()?["Environment"]["Variables"].take())
    }

    /// Adds environment variables to a trigger's deployed function, and returns all that it has then.
    ///
    /// # Errors
    ///
    /// Fails if there is no such function, or if the local cloud refuses.
    pub async fn set(&self, trigger: &str, variables: &[(&str, &str)]) -> Result<Value> {
        let mut all = self.settings_of(trigger).await?;
        for (name, value) in variables {
            all[*name] = json!(value);
        }
        let url = format!("{}/configuration", self.function(trigger)?);
        let answer = Http::default().send_json("PUT", &url, &json!({ "Environment": { "Variables": all } })).await?;
        if !answer.status.is_success() {
            bail!("{trigger} took no variables: {}", answer.status);
        }
        Ok(all)
    }

    fn function(&self, trigger: &str) -> Result<String> {
        let arn = self.output(&format!("{trigger}FunctionArn"))?;
        let name = arn.rsplit(':').next().unwrap_or(arn);
        Ok(format!("{}/2015-03-31/functions/{name}", self.endpoint))
    }

    /// The local cloud the stack is on.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

/// A number that changes with the templates, the parameters and the code.
fn fingerprint(templates: &[&PathBuf], binaries: &Binaries, parameters: &[&BTreeMap<String, String>]) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for template in templates {
        std::fs::read(template)?.hash(&mut hasher);
    }
    parameters.hash(&mut hasher);
    for name in function::ALL {
        std::fs::read(binaries.path(name)?)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}
