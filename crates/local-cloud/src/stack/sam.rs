//! The AWS SAM CLI, pinned to one version. It reaches only a local cloud.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::http::Http;
use crate::layout;
use crate::process::run;
use crate::toolbox::{self, Toolbox};
use crate::user_pool::REGION;

/// The bucket that `sam deploy` uploads the functions' code to.
const BUCKET: &str = "account-triggers-code";

/// An installed SAM CLI.
#[derive(Debug, Clone)]
pub struct Sam(Toolbox);

/// One output of the stack.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StackOutput {
    output_key: String,
    output_value: String,
}

impl Sam {
    /// Installs the SAM CLI, unless an earlier run did.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Toolbox::install`].
    pub async fn install() -> Result<Self> {
        Ok(Self(Toolbox::install(&toolbox::SAM).await?))
    }

    /// Checks a template with `sam validate --lint`, and with `cfn-lint`, which checks more. Neither calls AWS.
    ///
    /// # Errors
    ///
    /// Fails if the template breaks a rule. The message says which rule and where.
    pub async fn lint(&self, template: &Path) -> Result<()> {
        // Nothing listens there, so a check that called AWS would fail.
        let nowhere = "http://127.0.0.1:9";
        let mut sam = self.command("sam", nowhere, template)?;
        sam.args(["validate", "--lint", "--region", REGION, "--template-file"]).arg(template);
        run(&mut sam).await?;
        let mut cfn_lint = self.command("cfn-lint", nowhere, template)?;
        cfn_lint.arg(template);
        run(&mut cfn_lint).await.map(drop)
    }

    /// Deploys a staged template, and returns the stack's outputs by name. Of two parameters with one name the last counts.
    ///
    /// # Errors
    ///
    /// Fails if the deployment fails, the local cloud refuses the bucket, or the outputs cannot be listed. The message
    /// contains what `sam` wrote.
    pub async fn deploy(
        &self,
        endpoint: &str,
        stack: &str,
        template: &Path,
        parameters: impl IntoIterator<Item = (impl ToString, impl Display)>,
    ) -> Result<BTreeMap<String, String>> {
        let bucket = Http::default().send_body("PUT", &format!("{endpoint}/{BUCKET}"), &[], "").await?;
        if !bucket.status.is_success() && bucket.status.as_u16() != 409 {
            bail!("the bucket for the functions' code was refused: {}", bucket.status);
        }
        let mut sam = self.command("sam", endpoint, template)?;
        sam.arg("deploy")
            .arg("--template-file")
            .arg(template)
            .args(["--stack-name", stack, "--region", REGION, "--s3-bucket", BUCKET])
            .args(["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset"])
            .arg("--no-progressbar");
        let parameters: BTreeMap<_, _> =
            parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        if !parameters.is_empty() {
            sam.arg("--parameter-overrides").args(parameters.iter().map(|(name, value)| format!("{name}={value}")));
        }
        run(&mut sam).await?;
        let mut sam = self.command("sam", endpoint, template)?;
        sam.args(["list", "stack-outputs", "--stack-name", stack, "--region", REGION, "--output", "json"]);
        let outputs: Vec<StackOutput> =
            serde_json::from_str(&run(&mut sam).await?).context("sam listed the outputs in an unknown form")?;
        Ok(outputs.into_iter().map(|output| (output.output_key, output.output_value)).collect())
    }

    /// A command that can reach only the local cloud and does not see the developer's AWS configuration.
    fn command(&self, program: &str, endpoint: &str, template: &Path) -> Result<Command> {
        let home = layout::local().join("home");
        std::fs::create_dir_all(&home).with_context(|| format!("{} cannot be made", home.display()))?;
        let mut sam = Command::new(self.0.program(program));
        sam.env_clear()
            .envs(["PATH", "LANG"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("HOME", &home)
            .envs(crate::client_environment(endpoint))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("SAM_CLI_TELEMETRY", "0")
            // Seconds between two checks of the stack's state. The default suits AWS, where a deployment takes minutes.
            .env("SAM_CLI_POLL_DELAY", "0.3")
            .env("PYTHONWARNINGS", "ignore")
            // This folder has no samconfig.toml. The repository's samconfig.toml is for AWS.
            .current_dir(template.parent().context("the template is in no folder")?);
        Ok(sam)
    }
}
