//! How a command ends.

use std::process::ExitCode;

/// What a command's exit code means. Stable: scripts rely on it.
///
/// Code 2 is wrong usage, which clap reports itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// Everything asked for was done, or nothing was found.
    Done = 0,
    /// The command failed; standard error says why.
    Failed = 1,
    /// The command would have been unsafe or ambiguous. Nothing was changed.
    Refused = 3,
    /// Warnings were found, and nothing worse.
    Warnings = 4,
    /// Errors were found.
    Errors = 5,
    /// Some steps were done and some were not; the journal or standard error says which.
    Partly = 6,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}

/// Why a command changed nothing although it could have. It ends the command with [`ExitStatus::Refused`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);
