//! Deploys functions to the local cloud, where its Cognito calls them as triggers.

use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use zip::CompressionMethod;

use crate::archive::{self, BOOTSTRAP};
use crate::http::Http;

/// A language that a team writes its own functions in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// With a function `handler(event, context)`.
    Python,
    /// A module that exports `handler`.
    Node,
}

/// Deploys a binary as a Lambda function and returns its ARN.
///
/// # Errors
///
/// Fails if the binary cannot be read, or if the local cloud refuses it.
pub async fn deploy(endpoint: &str, name: &str, binary: &Path, settings: &[(String, String)]) -> Result<String> {
    // Not compressed: it is read on this machine only.
    let code = archive::pack(binary, BOOTSTRAP, CompressionMethod::Stored)?;
    create(endpoint, name, "provided.al2023", BOOTSTRAP, &code, settings).await
}

/// Deploys a function that is configured and never called, and returns its ARN.
///
/// # Errors
///
/// Fails if the local cloud refuses it.
pub async fn deploy_idle(endpoint: &str, name: &str, settings: &[(String, String)]) -> Result<String> {
    let code = archive::pack_bytes(b"#!/bin/sh\n", BOOTSTRAP, CompressionMethod::Stored)?;
    create(endpoint, name, "provided.al2023", BOOTSTRAP, &code, settings).await
}

/// Deploys a script as a Lambda function and returns its ARN.
///
/// # Errors
///
/// Fails if the local cloud refuses it.
pub async fn deploy_script(endpoint: &str, name: &str, language: Language, source: &str) -> Result<String> {
    let (runtime, file) = match language {
        Language::Python => ("python3.12", "index.py"),
        Language::Node => ("nodejs22.x", "index.js"),
    };
    let code = archive::pack_bytes(source.as_bytes(), file, CompressionMethod::Stored)?;
    create(endpoint, name, runtime, "index.handler", &code, &[]).await
}

async fn create(
    endpoint: &str,
    name: &str,
    runtime: &str,
    handler: &str,
    code: &[u8],
    settings: &[(String, String)],
) -> Result<String> {
    let variables: Map<_, _> = settings.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let input = json!({
        "FunctionName": name,
        "Runtime": runtime,
        "Handler": handler,
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
