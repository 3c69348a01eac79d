//! The share of a core that Lambda gives a function of some memory size.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The memory at which a function has one whole core, in MB (Lambda Developer Guide, "Configure Lambda function memory").
const MEMORY_OF_A_CORE: u64 = 1769;

/// The period of Lambda's share, in microseconds: 20 ms, as throttling observed from inside functions shows.
const PERIOD: u64 = 20_000;

/// A control group whose share of a core can be set. Dropping it removes the group.
#[derive(Debug)]
pub struct Limit {
    folder: PathBuf,
    second_version: bool,
}

impl Limit {
    /// Makes a control group without any limit yet.
    ///
    /// # Errors
    ///
    /// The machine has no control groups for the CPU, or this user may not make one; the message says which.
    pub fn new() -> Result<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let second_version =
            std::fs::read_to_string(root.join("cgroup.controllers")).is_ok_and(|list| list.contains("cpu"));
        let parent = if second_version { root.to_owned() } else { root.join("cpu") };
        if !parent.is_dir() {
            bail!("there is no control group for the CPU below {}: leave --memory away", root.display());
        }
        let folder = parent.join(format!("account-triggers-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| {
            format!("{} cannot be made, which takes root on most machines: leave --memory away", folder.display())
        })?;
        Ok(Self { folder, second_version })
    }

    /// The file that a process joins the group by.
    #[must_use]
    pub fn members(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// Limits the group to the share of a core that a function with this memory has, in MB.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn set(&self, memory: u64) -> Result<()> {
        let quota = PERIOD * memory / MEMORY_OF_A_CORE;
        if self.second_version {
            self.write("cpu.max", &format!("{quota} {PERIOD}"))
        } else {
            self.write("cpu.cfs_period_us", &PERIOD.to_string())?;
            self.write("cpu.cfs_quota_us", &quota.to_string())
        }
    }

    /// Takes the limit away.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn lift(&self) -> Result<()> {
        if self.second_version { self.write("cpu.max", "max") } else { self.write("cpu.cfs_quota_us", "-1") }
    }

    fn write(&self, file: &str, value: &str) -> Result<()> {
        let path = self.folder.join(file);
        std::fs::write(&path, value).with_context(|| format!("{} cannot be set to {value}", path.display()))
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // Not empty only if a process outlived its guard, which shows elsewhere.
        let _ = std::fs::remove_dir(&self.folder);
    }
}
