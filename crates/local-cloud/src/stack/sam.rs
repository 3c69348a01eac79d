//! The AWS SAM CLI, pinned, talking to a local cloud only.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::process::Command;

use crate::layout;
use crate::process::run;
use crate::toolbox::Toolbox;
use crate::user_pool::REGION;

/// The tools of `sam deploy`, apart from the local cloud's own: the two need different versions of the same packages.
const PINNED: &str = include_str!("../../python/sam.txt");

/// The bucket that takes the functions' code on its way into the stack.
pub const BUCKET: &str = "account-triggers-code";

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
    /// Installs the SAM CLI, or finds it as an earlier run left it.
    ///
    /// # Errors
    ///
    /// As [`Toolbox::local_cloud`].
    pub async fn install() -> Result<Self> {
        Ok(Self(Toolbox::install("sam", PINNED).await?))
    }

    /// Checks a template with `sam validate --lint` and with `cfn-lint`, which looks at more. Neither calls AWS.
    ///
    /// # Errors
    ///
    /// A rule is broken; the message says which and where.
    pub async fn lint(&self, template: &Path) -> Result<()> {
        // Nobody listens there: a check that asked AWS for something would fail.
        let nowhere = "http://127.0.0.1:9";
        let mut sam = self.command("sam", nowhere, template)?;
        sam.args(["validate", "--lint", "--region", REGION, "--template-file"]).arg(template);
        run(&mut sam).await?;
        let mut cfn_lint = self.command("cfn-lint", nowhere, template)?;
        cfn_lint.arg(template);
        run(&mut cfn_lint).await.map(drop)
    }

    /// Deploys a staged template.
    ///
    /// # Errors
    ///
    /// The deployment fails; the message holds what `sam` wrote.
    pub async fn deploy(
        &self,
        endpoint: &str,
        stack: &str,
        template: &Path,
        parameters: &BTreeMap<String, String>,
    ) -> Result<()> {
        let mut sam = self.command("sam", endpoint, template)?;
        sam.arg("deploy")
            .arg("--template-file")
            .arg(template)
            .args(["--stack-name", stack, "--region", REGION, "--s3-bucket", BUCKET])
            .args(["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset"])
            .arg("--no-progressbar");
        if !parameters.is_empty() {
            sam.arg("--parameter-overrides").args(parameters.iter().map(|(name, value)| format!("{name}={value}")));
        }
        run(&mut sam).await.map(drop)
    }

    /// Reads the outputs of a deployed stack, by name.
    ///
    /// # Errors
    ///
    /// There is no such stack; the message holds what `sam` wrote.
    pub async fn outputs(&self, endpoint: &str, stack: &str, template: &Path) -> Result<BTreeMap<String, String>> {
        let mut sam = self.command("sam", endpoint, template)?;
        sam.args(["list", "stack-outputs", "--stack-name", stack, "--region", REGION, "--output", "json"]);
        let outputs: Vec<StackOutput> =
            serde_json::from_str(&run(&mut sam).await?).context("sam listed the outputs in an unknown form")?;
        Ok(outputs.into_iter().map(|output| (output.output_key, output.output_value)).collect())
    }

    /// A call that can reach nothing but the local cloud and sees nothing of the developer's AWS set-up.
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
            // Seconds between two looks at the stack; made for minutes on AWS.
            .env("SAM_CLI_POLL_DELAY", "0.3")
            .env("PYTHONWARNINGS", "ignore")
            // Where there is no samconfig.toml, which is meant for AWS.
            .current_dir(template.parent().context("the template is in no folder")?);
        Ok(sam)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_pinned_to_one_version() {
        for line in PINNED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(line.contains("=="), "{line} is not pinned");
        }
    }
}
