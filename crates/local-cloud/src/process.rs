//! Child processes that never outlive their guard.

use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::http::Http;
use crate::layout;

/// How long a process has to end itself after a polite request. Then it is killed.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long a server may take to answer its first request. Usually it takes less than a second.
const START_LIMIT: Duration = Duration::from_secs(90);

/// A child process in its own process group. Dropping this ends the process and all of its children.
///
/// The group matters for two reasons. Ctrl-C on the terminal reaches this program only, so it can end its children in
/// order. And the children of the children, such as the functions of a local cloud, end too.
#[derive(Debug)]
pub struct ProcessGroup {
    child: Child,
    group: Pid,
}

impl ProcessGroup {
    /// Starts the command as the leader of a new process group.
    ///
    /// # Errors
    ///
    /// Fails if the program cannot be started. The message names it.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().with_context(|| format!("{program} cannot be started"))?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
            .with_context(|| format!("{program} ended before it could be watched"))?;
        Ok(Self { child, group })
    }

    /// Starts the command as [`ProcessGroup::spawn`] does. Its output goes to a file in the folder of logs.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`ProcessGroup::spawn`], or if the file cannot be written.
    pub(crate) fn spawn_with_log(command: &mut Command, log: &Path) -> Result<Self> {
        std::fs::create_dir_all(layout::logs())?;
        let output = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        Self::spawn(command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output))
    }

    /// Waits until a GET request to the server in this process succeeds.
    ///
    /// # Errors
    ///
    /// Fails if the process ends, or if no request succeeds in time.
    pub(crate) async fn wait_until_it_answers(&mut self, url: &str) -> Result<()> {
        let http = Http::default();
        let answer = async {
            while !http.get(url).await.is_ok_and(|answer| answer.status.is_success()) {
                if let Some(status) = self.exit_status()? {
                    bail!("it ended at its start ({status})");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(START_LIMIT, answer)
            .await
            .with_context(|| format!("it did not answer within {} s", START_LIMIT.as_secs()))?
    }

    /// Returns the exit status, or `None` while the process runs.
    ///
    /// # Errors
    ///
    /// Fails if the system does not give the status.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The child, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // An error here means that the group has no process left, which is the goal.
        let _ = kill_process_group(self.group, Signal::TERM);
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.try_wait();
    }
}

/// Runs a command to its end, without input, and returns its standard output.
///
/// # Errors
///
/// Fails if the command cannot be started, or if it fails. In the second case, the message ends with the last lines
/// that it wrote.
pub async fn run(command: &mut Command) -> Result<String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("{program} cannot be started"))?;
    if !output.status.success() {
        let written = [output.stdout, output.stderr].concat();
        bail!("{program} failed ({}).\n{}", output.status, end_of(&String::from_utf8_lossy(&written)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last lines of a program's output: enough to see the cause, short enough to read.
pub(crate) fn end_of(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::test_kill_process;

    #[tokio::test]
    async fn dropping_the_guard_ends_the_process_and_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]).stdout(Stdio::piped());
        let mut guard = ProcessGroup::spawn(&mut command).unwrap();
        let mut line = String::new();
        let stdout = guard.child().stdout.take().unwrap();
        tokio::io::AsyncBufReadExt::read_line(&mut tokio::io::BufReader::new(stdout), &mut line).await.unwrap();
        let grandchild = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        let leader = guard.group;

        drop(guard);

        assert!(test_kill_process(leader).is_err(), "the child is still there");
        let gone = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            test_kill_process(grandchild).is_err()
        });
        assert!(gone, "the child's child is still there");
    }

    #[test]
    fn only_the_last_lines_of_a_failure_are_shown() {
        let output: String = (0..40).fold(String::new(), |text, number| format!("{text}line {number}\n\n"));
        let shown = end_of(&output);
        assert!(shown.starts_with("line 15\n") && shown.ends_with("line 39"), "{shown}");
    }
}
