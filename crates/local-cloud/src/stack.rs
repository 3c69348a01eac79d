//! The repository's template, deployed to a local cloud with the AWS SAM CLI, as you deploy it to AWS.

pub mod completion;
pub mod sam;
pub mod template;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::sam::{BUCKET, Sam};
use crate::function::{self, Binaries};
use crate::http::Http;
use crate::identity_provider::IdentityProvider;
use crate::user_pool::{REGION, UserPool};

/// The name of the stack and of the pool.
pub const NAME: &str = "account-triggers";

/// The group that every account of a local stack joins.
pub const GROUP: &str = "Users";

/// The sender's domain of a local stack's mails.
pub const MAIL_DOMAIN: &str = "example.com";

/// The setting `PROVIDERS` of a local stack.
pub const PROVIDERS: &str = "Google:claim,Facebook:always,Okta:claim";

/// A deployed stack, with its outputs.
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
}

/// The record of a deployment. It is written next to the state that a cloud keeps.
#[derive(Serialize, Deserialize)]
struct Receipt {
    fingerprint: u64,
    outputs: BTreeMap<String, String>,
}

impl Deployment<'_> {
    /// Deploys the template, and then adds the parts that a local cloud's CloudFormation cannot create.
    ///
    /// If an earlier run deployed the same template, code and parameters, and the cloud kept its state, this returns
    /// that stack.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or written, or if the deployment fails.
    pub async fn deploy(&self) -> Result<Stack> {
        let template = template::stage(&self.folder.join("build"), self.binaries)?;
        let parameters = self.parameters();
        let fingerprint = fingerprint(&template, self.binaries, &parameters)?;
        let receipt = self.folder.join("deployed.json");
        if let Some(stack) = self.deployed_before(&receipt, fingerprint).await {
            return Ok(stack);
        }
        let bucket = Http::default().send_body("PUT", &format!("{}/{BUCKET}", self.endpoint), &[], "").await?;
        if !bucket.status.is_success() && bucket.status.as_u16() != 409 {
            bail!("the bucket for the functions' code was refused: {}", bucket.status);
        }
        self.sam.deploy(self.endpoint, NAME, &template, &parameters).await?;
        let outputs = self.sam.outputs(self.endpoint, NAME, &template).await?;
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
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        [
            ("Architecture", architecture),
            ("CallbackUrls", &self.callbacks.join(",")),
            ("CustomMessages", "always"),
            ("DefaultGroup", GROUP),
            ("DeletionProtection", "INACTIVE"),
            ("DomainPrefix", "none"),
            ("Monitoring", "false"),
            ("Providers", PROVIDERS),
            // Nobody writes an address without proof in a pool that this stack made.
            ("Repair", "linked"),
            ("SubjectAttribute", "custom:idp_subject"),
            ("AccountApi", "on"),
            ("Invitations", "public"),
            ("SesIdentityArn", &format!("arn:aws:ses:{REGION}:000000000000:identity/{MAIL_DOMAIN}")),
            ("EmailFrom", &format!("accounts@{MAIL_DOMAIN}")),
            ("AppName", "Example"),
            ("AppUrl", "https://app.example.com"),
            ("Pages", "on"),
            ("PagesRegistration", "open"),
            ("PagesCognitoUrl", self.endpoint),
            ("PagesSignInUrl", self.endpoint),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }
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

/// A number that changes with the template, the parameters and the code.
fn fingerprint(template: &Path, binaries: &Binaries, parameters: &BTreeMap<String, String>) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    std::fs::read(template)?.hash(&mut hasher);
    parameters.hash(&mut hasher);
    for name in function::ALL {
        std::fs::read(binaries.path(name)?)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}
