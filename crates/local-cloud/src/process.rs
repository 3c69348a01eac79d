//! Child processes that never outlive their guard.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// How long a process may take to leave after a polite request, before it is killed.
const PATIENCE: Duration = Duration::from_secs(4);

/// A child process in its own process group. Dropping this ends it and all of its children.
///
/// The own group matters twice: a Ctrl-C on the terminal reaches this program only, so that it can
/// end its children in order, and the children's children (the functions a local cloud runs) go too.
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
    /// The program cannot be started; the message names it.
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

    /// Returns how the process ended, or `None` while it runs.
    ///
    /// # Errors
    ///
    /// The system refuses to tell.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Hands out the child, to take its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // Errors mean that nobody is left in the group, which is what is wanted.
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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::test_kill_process;

    #[tokio::test]
    async fn dropping_the_guard_ends_the_process_and_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]).stdout(std::process::Stdio::piped());
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
}
