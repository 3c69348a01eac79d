//! A headless browser, driven through WebDriver.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::http::Http;
use crate::process::ProcessGroup;
use crate::{layout, port};

/// What the driver and the browser are called, by whoever packages them.
const DRIVERS: [&str; 2] = ["chromedriver", "chromium.chromedriver"];
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// How long the driver may take to its first answer.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Where driver and browser are.
#[derive(Debug, Clone)]
struct Programs {
    driver: PathBuf,
    browser: PathBuf,
}

/// A running WebDriver. Dropping it ends it, and the browsers it opened.
#[derive(Debug)]
pub struct Browser {
    process: ProcessGroup,
    address: String,
    program: PathBuf,
}

impl Browser {
    /// Starts a driver on a free port.
    ///
    /// # Errors
    ///
    /// There is no driver or no browser, or the driver stays silent.
    pub async fn start() -> Result<Self> {
        let programs = find().context("no Chromium or Chrome with its driver was found on the PATH")?;
        let port = port::choose(None)?;
        let process = ProcessGroup::spawn(
            Command::new(&programs.driver)
                .arg(format!("--port={port}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        let address = format!("http://127.0.0.1:{port}");
        let mut driver = Self { process, address, program: programs.browser };
        let (http, status) = (Http::default(), format!("{}/status", driver.address));
        let deadline = Instant::now() + START_LIMIT;
        while !http.get(&status).await.is_ok_and(|answer| answer.status.is_success()) {
            if let Some(status) = driver.process.exit_status()? {
                bail!("{} ended at its start ({status})", programs.driver.display());
            }
            if Instant::now() > deadline {
                bail!("{} did not answer within {} s", programs.driver.display(), START_LIMIT.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(driver)
    }

    /// Where the driver takes sessions.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The capabilities to ask the driver for: a browser without a window, and without anything of the user's own.
    #[must_use]
    pub fn capabilities(&self) -> Map<String, Value> {
        let mut arguments = vec!["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
        if rustix::process::geteuid().is_root() {
            // Chromium's sandbox refuses to start for root, who runs containers and build machines.
            arguments.push("--no-sandbox");
        }
        let options = json!({ "binary": self.program, "args": arguments });
        [("goog:chromeOptions".to_owned(), options)].into_iter().collect()
    }
}

/// Finds a browser, or installs Debian's where that is possible.
///
/// # Errors
///
/// There is none and none can be installed; the message names the option that leaves the browser out.
pub async fn provide(option_to_leave_out: &str) -> Result<()> {
    if find().is_some() {
        return Ok(());
    }
    if in_path("apt-get").is_some() && rustix::process::geteuid().is_root() {
        let step = crate::steps::begin("Installing Chromium and its driver");
        apt_get(&["update"]).await?;
        apt_get(&["install", "--yes", "--no-install-recommends", "chromium", "chromium-driver"]).await?;
        step.done();
    }
    if find().is_none() {
        bail!(
            "one test walks a sign-in in a browser, and no Chromium or Chrome with its driver is on the PATH.\n\
             Install both (Debian and Ubuntu: `sudo apt install chromium chromium-driver`; macOS: \
             `brew install --cask chromium chromedriver`), or leave that test out with {option_to_leave_out}"
        );
    }
    Ok(())
}

async fn apt_get(arguments: &[&str]) -> Result<()> {
    let log = layout::logs().join("apt-get.log");
    std::fs::create_dir_all(layout::logs())?;
    let output = std::fs::File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .kill_on_drop(true)
        .status()
        .await
        .context("apt-get cannot be started")?;
    if !status.success() {
        bail!("apt-get {} failed; see {}", arguments.join(" "), log.display());
    }
    Ok(())
}

fn find() -> Option<Programs> {
    let first = |names: &[&str]| names.iter().find_map(|name| in_path(name));
    Some(Programs { driver: first(&DRIVERS)?, browser: first(&BROWSERS)? })
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate: &PathBuf| is_file(candidate))
}

fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|data| data.is_file())
}
