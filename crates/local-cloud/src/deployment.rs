//! Deploys functions to the local cloud, where its Cognito calls them as triggers.

use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use zip::CompressionMethod;

use crate::archive::{self, BOOTSTRAP};
use crate::http::Http;

/// Deploys a binary as a Lambda function and returns its ARN.
///
/// # Errors
///
/// Fails if the binary cannot be read, or if the local cloud refuses it.
pub async fn deploy(endpoint: &str, name: &str, binary: &Path, settings: &[(String, String)]) -> Result<String> {
    let variables: Map<_, _> = settings.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    // Not compressed: it is read on this machine only.
    let code = archive::pack(binary, BOOTSTRAP, CompressionMethod::Stored)?;
    let input = json!({
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Handler": BOOTSTRAP,
        "Role": "arn:aws:iam::000000000000:role/local",
        "MemorySize": 256,
        "Timeout": 30,
        "Environment": { "Variables": variables },
        "Code": { "ZipFile": BASE64_STANDARD.encode(code) },
    });
    let answer = Http::default().send_json("POST", &format!("{endpoint}/2015-03-31/functions"), &input).await?;
    let created: Value = answer.json()?;
    if !answer.status.is_success() {
        bail!("{name} was refused by the local cloud: {created}");
    }
    Ok(created["FunctionArn"].as_str().context("the deployed function has no ARN")?.to_owned())
}
