//! Pinned Python tools in a virtual environment of the repository's own.
//!
//! Nothing is installed outside `.local/`; removing that folder removes every trace.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::layout;
use crate::steps::{self, Step};

/// The tools of the local cloud: MiniStack and an OpenID provider.
const LOCAL_CLOUD: &str = include_str!("../python/local-cloud.txt");

/// Schemathesis, which tries an API against its own description.
const SCHEMATHESIS: &str = include_str!("../python/schemathesis.txt");

/// The oldest Python the pinned tools run on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Where Python may be found, newest first. `PYTHON` in the environment comes before all of them.
const PYTHONS: [&str; 7] = ["python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3", "python"];

/// An installed set of tools.
#[derive(Debug, Clone)]
pub struct Toolbox(PathBuf);

impl Toolbox {
    /// Installs the local cloud's tools, or finds them as an earlier run left them.
    ///
    /// # Errors
    ///
    /// No suitable Python, no `venv` module, or no package could be fetched; each message says
    /// what to do about it.
    pub async fn local_cloud() -> Result<Self> {
        Self::install("local-cloud", LOCAL_CLOUD).await
    }

    /// Installs Schemathesis, or finds it as an earlier run left it.
    ///
    /// # Errors
    ///
    /// As [`Toolbox::local_cloud`].
    pub async fn schemathesis() -> Result<Self> {
        Self::install("schemathesis", SCHEMATHESIS).await
    }

    /// Installs the named set of tools from the text of a pip requirements file, unless the very
    /// same text was installed before.
    ///
    /// # Errors
    ///
    /// As [`Toolbox::local_cloud`].
    pub async fn install(name: &str, requirements: &str) -> Result<Self> {
        let folder = layout::local().join("tools").join(name);
        let stamp = folder.join("installed.txt");
        let toolbox = Self(folder.clone());
        if std::fs::read_to_string(&stamp).is_ok_and(|found| found == requirements) && toolbox.works().await {
            return Ok(toolbox);
        }
        let step = steps::begin(&format!("Installing the {name} tools into .local (once)"));
        let python = find_python().await?;
        toolbox.create(&python).await?;
        let list = folder.join("requirements.txt");
        std::fs::write(&list, requirements)?;
        toolbox.pip_install(&list, &step).await?;
        // Renamed last: an interrupted installation leaves no stamp and starts over.
        std::fs::rename(&list, &stamp)?;
        step.done();
        Ok(toolbox)
    }

    /// The path of a program in the toolbox, `python` included.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// A toolbox stops working when the system's Python it was made with goes away.
    async fn works(&self) -> bool {
        run(&self.program("python"), &["-c", "pass"]).await.is_ok_and(|output| output.status.success())
    }

    async fn create(&self, python: &Path) -> Result<()> {
        if self.0.exists() {
            std::fs::remove_dir_all(&self.0)
                .with_context(|| format!("{} cannot be replaced; remove it by hand", self.0.display()))?;
        }
        let parent = self.0.parent().unwrap_or(&self.0);
        std::fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        let output = run(python, &["-m", "venv", &self.0.to_string_lossy()]).await?;
        if !output.status.success() {
            bail!(
                "{} cannot make a virtual environment.\nOn Debian and Ubuntu install its `venv` module: \
                 `sudo apt install python3-venv`; elsewhere install a complete Python from python.org \
                 and name it in PYTHON.\n{}",
                python.display(),
                tail(&[output.stdout, output.stderr].concat())
            );
        }
        Ok(())
    }

    async fn pip_install(&self, list: &Path, step: &Step) -> Result<()> {
        let mut pip = Command::new(self.program("python"))
            .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"])
            .arg("--requirement")
            .arg(list)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("pip cannot be started")?;
        let talk = pip.stdout.take().context("pip has no output")?;
        let mut complaints = pip.stderr.take().context("pip has no error output")?;
        let follow = async {
            let mut lines = BufReader::new(talk).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                step.detail(line.trim());
            }
        };
        let collect = async {
            let mut text = Vec::new();
            complaints.read_to_end(&mut text).await.map(|_| text)
        };
        let ((), complaints) = tokio::join!(follow, collect);
        if !pip.wait().await?.success() {
            bail!(
                "pip could not install the tools. They come from the Python package index: check the network \
                 (behind a proxy set HTTPS_PROXY, with a mirror set PIP_INDEX_URL) and run the command again.\n{}",
                tail(&complaints?)
            );
        }
        Ok(())
    }
}

/// Finds the first Python that is new enough.
async fn find_python() -> Result<PathBuf> {
    let chosen = std::env::var_os("PYTHON").filter(|value| !value.is_empty()).map(PathBuf::from);
    let candidates = match &chosen {
        Some(path) => vec![path.clone()],
        None => PYTHONS.iter().map(PathBuf::from).collect(),
    };
    let mut seen = Vec::new();
    for python in candidates {
        match python_version(&python).await {
            Some(version) if version >= OLDEST_PYTHON => return Ok(python),
            Some((major, minor)) => seen.push(format!("{} is {major}.{minor}", python.display())),
            None => {}
        }
    }
    let (major, minor) = OLDEST_PYTHON;
    let found = match (&chosen, seen.is_empty()) {
        (Some(path), true) => format!("PYTHON names {}, which is no Python", path.display()),
        (None, true) => "no Python was found on the PATH".to_owned(),
        (_, false) => seen.join(", "),
    };
    bail!(
        "the local cloud needs Python {major}.{minor} or newer, but {found}.\nInstall it (Debian and Ubuntu: \
         `sudo apt install python3 python3-venv`; macOS: `brew install python`), or name it in PYTHON"
    )
}

/// Returns major and minor version, or nothing if the program is not there or is no Python.
async fn python_version(python: &Path) -> Option<(u32, u32)> {
    let output = run(python, &["-c", "import sys; print(*sys.version_info[:2])"]).await.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

async fn run(program: &Path, arguments: &[&str]) -> Result<Output> {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("{} cannot be started", program.display()))
}

/// The last lines of a program's output: enough to see the cause, short enough to read.
fn tail(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_pinned_to_one_version() {
        for line in
            LOCAL_CLOUD.lines().chain(SCHEMATHESIS.lines()).filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            assert!(line.contains("=="), "{line} is not pinned");
        }
    }

    #[test]
    fn only_the_last_lines_of_a_failure_are_shown() {
        let output: String = (0..20).fold(String::new(), |text, number| format!("{text}line {number}\n\n"));
        let shown = tail(output.as_bytes());
        assert!(shown.starts_with("line 12\n") && shown.ends_with("line 19"), "{shown}");
    }
}
