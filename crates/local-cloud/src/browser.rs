//! A headless browser, driven through WebDriver.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::port;
use crate::process::ProcessGroup;

/// The names of the driver and the browser in different packages. The shells come first: they are the same browser
/// without a window, and take half the time.
const DRIVERS: [&str; 2] = ["chromedriver", "chromium.chromedriver"];
const BROWSERS: [&str; 6] = [
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// The paths of driver and browser.
#[derive(Debug, Clone)]
struct Programs {
    driver: PathBuf,
    browser: PathBuf,
}

/// A running WebDriver. Dropping this ends the driver and the browsers that it opened.
#[derive(Debug)]
pub struct Browser {
    _process: ProcessGroup,
    address: String,
    program: PathBuf,
}

impl Browser {
    /// Starts a driver on a free port.
    ///
    /// # Errors
    ///
    /// Fails if there is no driver or no browser, or if the driver stays silent.
    pub async fn start() -> Result<Self> {
        let programs = find().context("no Chromium or Chrome with its driver was found on the PATH")?;
        let port = port::choose(None)?;
        let mut process = ProcessGroup::spawn(
            Command::new(&programs.driver)
                .arg(format!("--port={port}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        let address = format!("http://127.0.0.1:{port}");
        process
            .wait_until_it_answers(&format!("{address}/status"))
            .await
            .with_context(|| format!("{} did not start", programs.driver.display()))?;
        Ok(Self { _process: process, address, program: programs.browser })
    }

    /// The address of the driver.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The browser's program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The capabilities for a new session: a browser without a window and without the user's profile.
    #[must_use]
    pub fn capabilities(&self) -> Map<String, Value> {
        let mut arguments =
            vec!["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"];
        if rustix::process::geteuid().is_root() {
            // Chromium's sandbox does not start for root, and containers and build machines run as root.
            arguments.push("--no-sandbox");
        }
        let options = json!({ "binary": self.program, "args": arguments });
        [("goog:chromeOptions".to_owned(), options)].into_iter().collect()
    }
}

/// Looks for a browser and its driver.
///
/// # Errors
///
/// Fails if there is none. The message names the option that leaves the browser tests out.
pub fn check(option_to_leave_out: &str) -> Result<()> {
    if find().is_none() {
        bail!(
            "some tests need a browser, and no Chromium or Chrome with its driver is on the PATH.\n\
             Install both (Debian and Ubuntu: `sudo apt install chromium chromium-driver`; macOS: \
             `brew install --cask chromium chromedriver`), or leave those tests out with {option_to_leave_out}"
        );
    }
    Ok(())
}

fn find() -> Option<Programs> {
    let first = |names: &[&str]| names.iter().find_map(|name| in_path(name));
    Some(Programs { driver: first(&DRIVERS)?, browser: first(&BROWSERS)? })
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}
