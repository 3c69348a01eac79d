//! Tries what was packed: unpacks each archive and runs it as Lambda, or a person, would.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use local_cloud::archive::{self, BOOTSTRAP};
use local_cloud::event;
use local_cloud::function::{COMMAND_LINE, TRIGGERS};
use local_cloud::runtime_api::Function;
use serde_json::json;
use tokio::process::Command;

use super::Architecture;

/// Unpacks and runs every package.
///
/// # Errors
///
/// One of them does not run; the message names it and says what it wrote.
pub(super) async fn each_package_runs(folder: &Path, architecture: Architecture) -> Result<()> {
    let unpacked = tempfile::tempdir().context("no temporary folder can be made")?;
    let unpack = |name: &str, inside: &str| {
        let path = folder.join(format!("{name}-{}.zip", architecture.name()));
        unpack(&path, inside, &unpacked.path().join(name))
    };
    // No function handles it, so it goes back as it came.
    let mut event = event::sample("pre-sign-up/native")?;
    event["triggerSource"] = json!("TokenGeneration_HostedAuth");
    for trigger in TRIGGERS {
        let function = Function::start(trigger, &unpack(trigger, BOOTSTRAP)?, &[]).await?;
        match function.invoke(&event).await? {
            Ok(answer) if answer == event => {}
            other => bail!("{trigger} does not give back an event that it does not handle: {other:?}"),
        }
    }
    // It calls AWS at its start, so here it can only say what it lacks.
    let refused = Function::start("account-api", &unpack("account-api", BOOTSTRAP)?, &[]).await;
    let why = refused.err().context("account-api starts without settings")?.to_string();
    ensure!(why.contains("USER_POOL_ID"), "account-api does not say which setting it lacks: {why}");
    let output = Command::new(unpack(COMMAND_LINE, COMMAND_LINE)?).arg("--version").output().await?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(version.contains(env!("CARGO_PKG_VERSION")), "{COMMAND_LINE} is not of this version: {version}");
    println!("Each package was unpacked and run.");
    Ok(())
}

fn unpack(path: &Path, inside: &str, to: &Path) -> Result<PathBuf> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let (name, mode, code) = archive::unpack(&bytes)?;
    ensure!(name == inside && mode & 0o777 == 0o755, "{} holds {name} with mode {mode:o}", path.display());
    std::fs::create_dir_all(to)?;
    let file = to.join(name);
    std::fs::write(&file, code)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
    Ok(file)
}
