//! Deploys functions to the local cloud, where its Cognito calls them as triggers.

use std::io::{Cursor, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::http::Http;

/// Deploys a binary as a Lambda function and returns its ARN.
///
/// # Errors
///
/// Fails if the binary cannot be read, or if the local cloud refuses it.
pub async fn deploy(endpoint: &str, name: &str, binary: &Path, settings: &[(String, String)]) -> Result<String> {
    let variables: Map<_, _> = settings.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let input = json!({
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": "arn:aws:iam::000000000000:role/local",
        "MemorySize": 256,
        "Timeout": 30,
        "Environment": { "Variables": variables },
        "Code": { "ZipFile": BASE64_STANDARD.encode(package(binary)?) },
    });
    let answer = Http::default().send_json("POST", &format!("{endpoint}/2015-03-31/functions"), &input).await?;
    let created: Value = answer.json()?;
    if !answer.status.is_success() {
        bail!("{name} was refused by the local cloud: {created}");
    }
    Ok(created["FunctionArn"].as_str().context("the deployed function has no ARN")?.to_owned())
}

/// Packs a binary for Lambda's custom runtimes: one executable named `bootstrap`.
fn package(binary: &Path) -> Result<Vec<u8>> {
    let code = std::fs::read(binary).with_context(|| format!("{} cannot be read", binary.display()))?;
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o755);
    archive.start_file("bootstrap", options)?;
    archive.write_all(&code)?;
    Ok(archive.finish()?.into_inner())
}
