//! One command at a time works with a record.

use crate::private_file::locked;
use anyhow::Result;
use std::fs::File;
use std::path::Path;

/// The right to change a record, given back when this is dropped, and by the system if the process is ended.
///
/// The lock is on an empty file beside the record, because the record itself is replaced whenever it is written. That
/// file stays: were it removed, somebody could hold a lock on it that nobody else sees.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the right to change the record.
    ///
    /// # Errors
    ///
    /// A [`Refused`](crate::terminal::Refused) if somebody else has it; the file cannot be written or locked.
    pub(crate) fn take(record: &Path) -> Result<Self> {
        let busy = || {
            format!(
                "another attach or detach is working with {}; nothing was changed: start again once it has ended",
                record.display()
            )
        };
        Ok(Self { _file: locked(&record.with_added_extension("lock"), busy)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Refused;

    #[test]
    fn a_second_command_is_refused_while_one_works_with_the_record_and_not_after() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record.json");
        let first = Lock::take(&record).unwrap();
        let error = Lock::take(&record).unwrap_err();
        assert!(error.is::<Refused>() && error.to_string().contains("record.json"), "{error:#}");
        drop(first);
        Lock::take(&record).unwrap();
    }
}
