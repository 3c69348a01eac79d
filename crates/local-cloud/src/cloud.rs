//! A local cloud: MiniStack on 127.0.0.1, which ends with its guard.
//!
//! `python/local_cloud.py` starts it and closes a few gaps in its Cognito. See `docs/LOCAL_STACK.md`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{ProcessGroup, end_of, run};
use crate::toolbox::Toolbox;
use crate::user_pool::REGION;
use crate::{layout, port};

/// The variable that tells the end-to-end tests where the local cloud is.
pub const ENDPOINT_VARIABLE: &str = "LOCAL_CLOUD_ENDPOINT";

/// The options of a local cloud.
#[derive(Debug, Default)]
pub struct Options {
    /// The port to listen on. With `None` the system chooses a free one.
    pub port: Option<u16>,
    /// A user pool that exists from the start, as [`crate::seed::saved_pool`] writes it.
    pub saved_pool: Option<Value>,
    /// A folder that keeps the cloud's state for the next run. With `None` the state is removed at the end.
    pub kept_state: Option<PathBuf>,
}

/// A running local cloud. Dropping it ends MiniStack and every function it runs, and removes its state.
#[derive(Debug)]
pub struct LocalCloud {
    // The order matters: the process must end before its files are removed.
    process: ProcessGroup,
    _state: Option<TempDir>,
    endpoint: String,
    log: PathBuf,
}

impl LocalCloud {
    /// Starts MiniStack and waits until it answers.
    ///
    /// # Errors
    ///
    /// Fails if the port is taken, or if MiniStack ends or stays silent. The message holds the end of its log.
    pub async fn start(toolbox: &Toolbox, options: Options) -> Result<Self> {
        let port = port::choose(options.port)?;
        let runs = layout::local().join("run");
        let folder = options.kept_state.as_ref().unwrap_or(&runs);
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let temporary = options.kept_state.is_none().then(|| tempfile::tempdir_in(&runs)).transpose()?;
        let state = temporary.as_ref().map_or(folder.as_path(), TempDir::path);
        let endpoint = format!("http://127.0.0.1:{port}");
        let log = layout::logs().join(format!("local-cloud-{port}.log"));
        let mut command = command(toolbox, port, &endpoint, state);
        if let Some(pool) = &options.saved_pool {
            std::fs::write(state.join("cognito.json"), pool.to_string())?;
        }
        if options.saved_pool.is_some() || options.kept_state.is_some() {
            command.env("PERSIST_STATE", "1");
        }
        let process = ProcessGroup::spawn_with_log(&mut command, &log)?;
        let mut cloud = Self { process, _state: temporary, endpoint, log };
        let ready = format!("{}/_ministack/ready", cloud.endpoint);
        let started = cloud.process.wait_until_it_answers(&ready).await;
        started.with_context(|| format!("the local cloud did not start.\n{}", cloud.end_of_log()))?;
        Ok(cloud)
    }

    /// The endpoint for AWS calls, as in `http://127.0.0.1:4566`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where MiniStack writes its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    fn end_of_log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        format!("{}\n({})", end_of(&text), self.log.display())
    }
}

/// The variables for an AWS client that calls a local cloud. The keys are not real.
#[must_use]
pub fn client_environment(endpoint: &str) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The names of the patches that MiniStack runs with.
///
/// # Errors
///
/// Fails if MiniStack no longer has the gap of a patch, or if a patch does not close its gap. The message names the
/// patch.
pub async fn patches(toolbox: &Toolbox) -> Result<Vec<String>> {
    let names = run(script(toolbox).arg("--patches")).await?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// The command that runs MiniStack. `-B` stops Python from writing compiled files into the repository.
fn script(toolbox: &Toolbox) -> Command {
    let mut command = Command::new(toolbox.program("python"));
    command.arg("-B").arg(layout::root().join("crates/local-cloud/python/local_cloud.py"));
    command
}

fn command(toolbox: &Toolbox, port: u16, endpoint: &str, state: &Path) -> Command {
    let mut command = script(toolbox);
    command
        // The functions inherit this environment, so nothing of the developer's may be in it.
        .env_clear()
        .envs(["PATH", "HOME", "LANG"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("MINISTACK_REGION", REGION)
        // So that functions in this cloud call the same cloud. On AWS they need no setting for that either.
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("STATE_DIR", state)
        .env("TMPDIR", state)
        // Otherwise MiniStack opens a fixed port for MQTT and one for SFTP.
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        .env("PYTHONUNBUFFERED", "1");
    command
}
