//! Paths in the repository.

use std::path::{Path, PathBuf};

/// The repository's root folder.
#[must_use]
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// The git-ignored folder that holds the tools, the logs and the state of a run.
#[must_use]
pub fn local() -> PathBuf {
    root().join(".local")
}

/// The folder of logs. A log stays after the run that wrote it.
#[must_use]
pub fn logs() -> PathBuf {
    local().join("logs")
}

/// The folder of sample events, one file per trigger source and case.
#[must_use]
pub fn events() -> PathBuf {
    root().join("events")
}
