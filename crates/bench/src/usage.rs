//! CPU time and peak memory of a process, as Linux counts them.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, Result};

/// `ESRCH`, for which the standard library has no error kind.
const NO_SUCH_PROCESS: i32 = 3;

/// CPU time of a process since its start, for all its threads together, from the scheduler's count in nanoseconds.
///
/// The count of a thread that is running may lag by a scheduler tick. That of a waiting thread is exact. Threads that
/// have ended are not counted.
///
/// # Errors
///
/// Fails if the process has ended, or if the system has no `/proc` with scheduler statistics (it is not Linux).
pub(crate) fn cpu(process: u32) -> Result<Duration> {
    let tasks = format!("/proc/{process}/task");
    let mut nanoseconds = 0;
    for task in
        std::fs::read_dir(&tasks).with_context(|| format!("{tasks} cannot be read: the benchmark needs Linux"))?
    {
        let statistics = match std::fs::read_to_string(task?.path().join("schedstat")) {
            Ok(statistics) => statistics,
            // The thread ended after it was listed. Linux reports this with one of two errors, depending on the moment.
            Err(why) if why.kind() == ErrorKind::NotFound || why.raw_os_error() == Some(NO_SUCH_PROCESS) => continue,
            Err(why) => return Err(why.into()),
        };
        nanoseconds += first_number(&statistics).context("schedstat is not a number")?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The most memory that a process has had resident at once so far, in KiB, including pages of its file.
///
/// # Errors
///
/// Fails if the process has ended, or if the system is not Linux.
pub(crate) fn peak_memory(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(first_number).with_context(|| format!("{path} has no VmHWM"))
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn work_shows_as_cpu_time_and_rest_does_not() {
        let work = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done; read _";
        let mut child =
            Command::new("sh").args(["-c", work]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let worked = cpu(child.id()).unwrap();
        assert!(worked > Duration::from_millis(5), "{worked:?}");
        assert!(peak_memory(child.id()).unwrap() > 0);
        std::thread::sleep(Duration::from_millis(50));
        let rested = cpu(child.id()).unwrap().saturating_sub(worked);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(rested < Duration::from_millis(20), "{rested:?}");
    }
}
