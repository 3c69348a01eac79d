//! What a pool was like before it was changed, saved in files.

use crate::pool_settings::{Description, Triggers, differences, update_input};
use crate::private_file::write_new;
use crate::terminal::Refused;
use anyhow::Result;
use aws_smithy_types::date_time::{DateTime, Format};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A pool's settings, and the files that hold them.
#[derive(Debug)]
pub(crate) struct Snapshot {
    record: PathBuf,
    /// The settings that the newest files hold.
    pub(crate) pool: Description,
    /// Every file that was written.
    pub(crate) files: Vec<PathBuf>,
}

impl Snapshot {
    /// Saves the pool's settings: as they are described, and as the input of the update that restores them.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if the pool has a setting that an update might reset. Also fails if a file cannot be
    /// written.
    pub(crate) fn write(record: &Path, pool: Description) -> Result<Self> {
        let files = written(record, &pool)?;
        Ok(Self { record: record.to_owned(), pool, files })
    }

    /// Takes newer settings, and writes new files if they differ. Restoring the pool must not undo what
    /// somebody else changed.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if the pool has a setting that an update might reset. Also fails if a file cannot be
    /// written.
    pub(crate) fn renew(&mut self, pool: Description) -> Result<()> {
        if !differences(&self.pool, &pool).is_empty() {
            self.files.extend(written(&self.record, &pool)?);
        }
        self.pool = pool;
        Ok(())
    }
}

fn written(record: &Path, pool: &Description) -> Result<Vec<PathBuf>> {
    let restore = update_input(pool, &Triggers::new()).map_err(|error| Refused(error.to_string()))?;
    let time = DateTime::from(SystemTime::now()).fmt(Format::DateTime)?;
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut files = Vec::new();
    for (kind, content, what) in [
        ("before", &pool.0, "The pool's settings from before are in"),
        ("restore", &restore, "The input of the update that restores them is in"),
    ] {
        let path = record.with_extension(format!("{time}.{kind}.json"));
        write_new(&path, &serde_json::to_string_pretty(content)?)?;
        say!("{} {}", what, path.display());
        files.push(path);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pool(name: &str) -> Description {
        Description(json!({ "Id": "p", "Name": name, "Arn": "a", "LastModifiedDate": name }))
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_a_pools_settings() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for path in Snapshot::write(&folder.path().join("record.json"), pool("n")).unwrap().files {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn the_way_back_is_to_the_newest_reading() {
        let folder = tempfile::tempdir().unwrap();
        let mut snapshot = Snapshot::write(&folder.path().join("record.json"), pool("n")).unwrap();
        snapshot.renew(pool("n")).unwrap();
        assert_eq!(snapshot.files.len(), 2, "the same reading needs no second pair of files");
        snapshot.renew(pool("m")).unwrap();
        let restore = std::fs::read_to_string(&snapshot.files[3]).unwrap();
        assert!(restore.contains(r#""PoolName": "m""#), "{restore}");
    }
}
