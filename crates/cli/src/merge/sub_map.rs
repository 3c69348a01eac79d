//! Which `sub` became which, for the application's own database.

use super::journal::History;
use anyhow::{Context, Result};
use std::path::Path;

/// Writes the map as CSV, whole or not at all, from everything that the journal holds. Returns the number of rows.
///
/// # Errors
///
/// The file cannot be written.
pub(crate) fn write(path: &Path, history: &History) -> Result<u64> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = || format!("{} cannot be written", path.display());
    let mut rows = 0;
    let mut out = csv::Writer::from_writer(tempfile::NamedTempFile::new_in(folder).with_context(shown)?);
    out.write_record(["old_sub", "new_sub", "old_user_name", "new_user_name"])?;
    for name in &history.order {
        let Some(progress) = history.of.get(name) else { continue };
        let Some(linked) = &progress.linked else { continue };
        let mut written = Vec::new();
        let records =
            progress.begun.iter().flat_map(|begin| begin.replaces.iter().map(|r| &r.profile).chain([&begin.profile]));
        for record in records {
            if written.contains(&record.sub()) || record.sub() == linked.into_sub {
                continue;
            }
            written.push(record.sub());
            out.write_record([record.sub(), &linked.into_sub, &record.user_name, &linked.into])?;
            rows += 1;
        }
    }
    let file = out.into_inner().map_err(|error| anyhow::anyhow!("{}: {}", shown(), error.error()))?;
    file.as_file().sync_all()?;
    file.persist(path).with_context(shown)?;
    Ok(rows)
}
