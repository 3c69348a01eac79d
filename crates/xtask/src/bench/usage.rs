//! What Linux has booked to a process: CPU time and peak memory.

use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time of a process since its start, all its threads together, in the scheduler's own nanoseconds.
///
/// The counter of a thread that runs at this moment may lag by a scheduler tick; that of one that waits is exact.
/// A thread that has ended is not in it.
///
/// # Errors
///
/// The process has ended, or the system has no `/proc` with scheduler statistics (it is not Linux).
pub fn cpu(process: u32) -> Result<Duration> {
    let tasks = format!("/proc/{process}/task");
    let mut nanoseconds = 0;
    for task in
        std::fs::read_dir(&tasks).with_context(|| format!("{tasks} cannot be read: the benchmark needs Linux"))?
    {
        let statistics = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += first_number(&statistics).context("schedstat is not a number")?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The most memory a process has had resident at once so far, in KiB; pages of its file included.
///
/// # Errors
///
/// The process has ended, or the system is not Linux.
pub fn peak_memory(process: u32) -> Result<u64> {
    memory(process, "VmHWM:")
}

/// The memory a process has resident now, in KiB.
///
/// # Errors
///
/// As [`peak_memory`].
pub fn resident_memory(process: u32) -> Result<u64> {
    memory(process, "VmRSS:")
}

fn memory(process: u32, member: &str) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(member));
    line.and_then(first_number).with_context(|| format!("{path} has no {member}"))
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_shows_as_cpu_time_and_rest_does_not() {
        let own = std::process::id();
        let before = cpu(own).unwrap();
        let mut sum = 0_u64;
        for number in 0..40_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_add(number));
        }
        assert!(cpu(own).unwrap().saturating_sub(before) > Duration::from_millis(5), "{sum}");
        assert!(peak_memory(own).unwrap() >= resident_memory(own).unwrap() / 2);
    }
}
