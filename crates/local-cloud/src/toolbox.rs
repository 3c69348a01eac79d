//! Pinned Python tools in a virtual environment inside the repository.
//!
//! Nothing is installed outside `.local/`. Removing that folder removes every trace.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::layout;
use crate::process::run;
use crate::steps::step;

/// Tools that are installed together.
#[derive(Debug)]
pub struct Tools {
    /// The name of their folder.
    name: &'static str,
    /// Pip's list of them.
    requirements: &'static str,
    /// What else pip is told.
    options: &'static [&'static str],
}

impl Tools {
    const fn new(name: &'static str, requirements: &'static str) -> Self {
        Self { name, requirements, options: &[] }
    }
}

/// The tools of the local cloud: MiniStack and an OpenID provider.
const LOCAL_CLOUD: Tools = Tools::new("local-cloud", include_str!("../python/local-cloud.txt"));

/// Schemathesis, which tests an API against its own description.
pub const SCHEMATHESIS: Tools = Tools::new("schemathesis", include_str!("../python/schemathesis.txt"));

/// axe-core, which finds what in a page people with disabilities cannot use.
const AXE: Tools = Tools { options: &["--no-deps"], ..Tools::new("axe", include_str!("../python/axe.txt")) };

/// moto's DynamoDB, a second opinion beside MiniStack's.
pub(crate) const MOTO: Tools = Tools::new("moto", include_str!("../python/moto.txt"));

/// The tools of `sam deploy`. They are separate from the local cloud's tools, because the two need different versions
/// of the same packages.
pub(crate) const SAM: Tools = Tools::new("sam", include_str!("../python/sam.txt"));

/// The oldest Python the pinned tools run on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

static INSTALLING: Mutex<()> = Mutex::const_new(());

/// An installed set of tools.
#[derive(Debug, Clone)]
pub struct Toolbox(PathBuf);

impl Toolbox {
    /// Installs the local cloud's tools, unless an earlier run did.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Toolbox::install`].
    pub async fn local_cloud() -> Result<Self> {
        Self::install(&LOCAL_CLOUD).await
    }

    /// Installs axe-core, unless an earlier run did. Returns the script that a page loads.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Toolbox::install`], and if the package has no such script.
    pub async fn axe() -> Result<String> {
        let toolbox = Self::install(&AXE).await?;
        let script = "import importlib.util as u, pathlib; \
                      print(pathlib.Path(u.find_spec('axe_playwright_python').origin).with_name('axe.min.js').read_text('utf-8'))";
        run(Command::new(toolbox.program("python")).args(["-X", "utf8", "-c", script])).await
    }

    /// Installs tools, unless an earlier run installed exactly these.
    ///
    /// # Errors
    ///
    /// Fails if there is no suitable Python or no `venv` module, or if a package cannot be fetched. Each message says
    /// what to do.
    pub async fn install(Tools { name, requirements, options }: &Tools) -> Result<Self> {
        let folder = layout::local().join("tools").join(name);
        let stamp = folder.join("installed.txt");
        let toolbox = Self(folder.clone());
        // Tests that run at once want the same tools.
        let _one_at_a_time = INSTALLING.lock().await;
        if std::fs::read_to_string(&stamp).is_ok_and(|found| found == *requirements) && toolbox.works().await {
            return Ok(toolbox);
        }
        step(&format!("Installing the {name} tools into .local (once; it may take minutes)"), async {
            toolbox.create(&find_python().await?).await?;
            let list = folder.join("requirements.txt");
            std::fs::write(&list, requirements)?;
            toolbox.pip_install(&list, options).await?;
            // Renamed last, so that an interrupted installation leaves no stamp and starts over.
            Ok(std::fs::rename(&list, &stamp)?)
        })
        .await?;
        Ok(toolbox)
    }

    /// The path of a program in the toolbox, `python` included.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// A toolbox stops working if the Python that it was made with is removed.
    async fn works(&self) -> bool {
        run(Command::new(self.program("python")).args(["-c", "pass"])).await.is_ok()
    }

    async fn create(&self, python: &Path) -> Result<()> {
        if self.0.exists() {
            std::fs::remove_dir_all(&self.0)
                .with_context(|| format!("{} cannot be replaced; remove it by hand", self.0.display()))?;
        }
        let parent = self.0.parent().unwrap_or(&self.0);
        std::fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        let made = run(Command::new(python).args(["-m", "venv"]).arg(&self.0)).await;
        if made.is_err() {
            // Names the module, if that is what is missing.
            check_python().await?;
        }
        made.map(drop).with_context(|| {
            format!(
                "{} could not make a virtual environment in {}, though it has the modules for it. Run the command again: \
                 it starts over",
                python.display(),
                self.0.display()
            )
        })
    }

    async fn pip_install(&self, list: &Path, options: &[&str]) -> Result<()> {
        let mut pip = Command::new(self.program("python"));
        pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]);
        pip.args(options);
        run(pip.arg("--requirement").arg(list)).await.map(drop).context(
            "pip could not install the tools. They come from the Python package index: check the network (behind a proxy \
             set HTTPS_PROXY, with a mirror set PIP_INDEX_URL) and run the command again",
        )
    }
}

/// Looks for a Python that can install the tools.
///
/// # Errors
///
/// Fails if there is none, or if its module for virtual environments is missing. The message says what to do.
pub async fn check_python() -> Result<()> {
    let python = find_python().await?;
    run(Command::new(&python).args(["-c", "import ensurepip, venv"]))
        .await
        .map(drop)
        .with_context(|| without_venv(&python))
}

fn without_venv(python: &Path) -> String {
    format!(
        "{} cannot make a virtual environment. On Debian and Ubuntu install its `venv` module: `sudo apt install \
         python3-venv`; elsewhere install a complete Python from python.org and name it in PYTHON",
        python.display()
    )
}

/// The Python for the installation: the one that `PYTHON` names, or `python3` on the PATH.
async fn find_python() -> Result<PathBuf> {
    let chosen = std::env::var_os("PYTHON").filter(|value| !value.is_empty());
    let python = PathBuf::from(chosen.unwrap_or_else(|| "python3".into()));
    let is_new_enough = format!("import sys; sys.exit(sys.version_info < {OLDEST_PYTHON:?})");
    if run(Command::new(&python).args(["-c", &is_new_enough])).await.is_ok() {
        return Ok(python);
    }
    let (major, minor) = OLDEST_PYTHON;
    bail!(
        "the local cloud needs Python {major}.{minor} or newer, which {} is not.\nInstall it (Debian and Ubuntu: `sudo apt \
         install python3 python3-venv`; macOS: `brew install python`), or name it in PYTHON",
        python.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_pinned_to_one_version() {
        let all = [LOCAL_CLOUD, SCHEMATHESIS, AXE, MOTO, SAM];
        let lines = all.iter().flat_map(|tools| tools.requirements.lines());
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(line.contains("=="), "{line} is not pinned");
        }
    }
}
