//! The share of a core that Lambda gives a function for its memory, as a control group of Linux.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The memory in MB at which a function has one whole core: "Configure Lambda function memory" in the Lambda Developer
/// Guide.
const WHOLE_CORE: u32 = 1769;

/// In microseconds. AWS does not publish Lambda's period. Pauses that people have measured are multiples of this.
const PERIOD: u32 = 20_000;

/// Where Linux has its control groups: version 2, version 2 beside version 1, and the part of version 1 for CPU time.
const HIERARCHIES: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu"];

/// A control group whose processes share what a function has. Dropping it removes the group.
#[derive(Debug)]
pub(crate) struct Share {
    folder: PathBuf,
}

impl Share {
    /// Makes the group for a function with `memory` MB.
    ///
    /// # Errors
    ///
    /// Fails if the machine does not let this user make a control group for CPU time: that takes root, and Linux.
    pub(crate) fn new(memory: u32) -> Result<Self> {
        let folder = HIERARCHIES.iter().find_map(|hierarchy| {
            let folder = Path::new(hierarchy).join(format!("cognito-triggers-bench-{}", std::process::id()));
            std::fs::create_dir(&folder).ok()?;
            let share = Self { folder };
            share.limit(memory).ok()?;
            Some(share)
        });
        folder.context("no control group for CPU time can be made; --memory needs Linux and root")
    }

    /// Whichever version the group is of has its own files.
    fn limit(&self, memory: u32) -> std::io::Result<()> {
        let quota = quota(memory);
        let write = |file: &str, text: String| {
            // Not created: a file that is not there is of the other version.
            let mut file = std::fs::OpenOptions::new().write(true).open(self.folder.join(file))?;
            std::io::Write::write_all(&mut file, text.as_bytes())
        };
        write("cpu.max", format!("{quota} {PERIOD}")).or_else(|_| {
            write("cpu.cfs_period_us", PERIOD.to_string())?;
            write("cpu.cfs_quota_us", quota.to_string())
        })
    }

    /// Moves a process with all its threads into the group.
    ///
    /// # Errors
    ///
    /// Fails if the process has ended.
    pub(crate) fn give(&self, process: u32) -> Result<()> {
        let file = self.folder.join("cgroup.procs");
        std::fs::write(&file, process.to_string()).with_context(|| format!("{} cannot be written", file.display()))
    }
}

/// Microseconds of CPU time in each period.
fn quota(memory: u32) -> u32 {
    PERIOD * memory / WHOLE_CORE
}

impl Drop for Share {
    fn drop(&mut self) {
        // Fails while a process is in it. Then an empty group is left over, which costs nothing.
        let _ = std::fs::remove_dir(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_gives_a_share_of_a_core() {
        assert_eq!([128, 1769, 3538].map(quota), [1447, 20_000, 40_000]);
    }
}
