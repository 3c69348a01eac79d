//! Makes the changes that were shown, or puts everything back.

use super::update::{PAUSE, UpdateError, apply, refuse_if_changed};
use super::{Change, Record, Snapshot};
use crate::chain::Chain;
use crate::cloud::Cloud;
use crate::invoke_permission::{Permission, withdraw};
use crate::pool_settings::{self, Description};
use crate::private_file::locked;
use crate::terminal::Refused;
use anyhow::{Error, Result, anyhow};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The right to change a record. It ends when this is dropped, or when the process ends.
///
/// The lock is on an empty file beside the record, because every write replaces the record itself. The lock file stays:
/// if it were removed, two processes could hold locks on different files of that name.
fn lock(record: &Path) -> Result<File> {
    locked(&record.with_added_extension("lock"), || {
        format!(
            "another attach or detach is using {}. Nothing was changed; run the command again when it has ended",
            record.display()
        )
    })
}

/// A change that may be made: nobody else uses the record, and the pool is as it was shown.
#[derive(Debug)]
pub(crate) struct Transaction {
    _lock: File,
    path: PathBuf,
    /// The record before anything is done.
    former: Record,
    /// The record, as it is now.
    pub(crate) record: Record,
    /// The pool, as it is now.
    pub(crate) snapshot: Snapshot,
    /// The chains that were made, or begun.
    pub(crate) chains: Vec<Chain>,
}

impl Transaction {
    /// Reads record and pool again, because time has passed since they were shown. Other settings of the pool may have
    /// changed since; they stay as they are now.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if a trigger, or its entry in the record, is not as it was shown, or if somebody else uses
    /// the record. Also fails if Cognito does not answer, or if a file cannot be read or written. Nothing was
    /// changed.
    pub(super) async fn begin(cloud: &Cloud, path: &Path, shown: &Record, changes: &[Change]) -> Result<Self> {
        let lock = lock(path).map_err(|error| {
            let elsewhere = "the record cannot be kept there: name another file with --record";
            if error.is::<Refused>() { error } else { error.context(elsewhere) }
        })?;
        let record = Record::load(path, &shown.user_pool_id)?;
        if let Some(change) = changes.iter().find(|change| record.of(change.trigger) != shown.of(change.trigger)) {
            refuse!(
                "{} changed while you were asked: it now says something else about the trigger {}. Nothing was changed. \
                 Run the command again",
                path.display(),
                change.trigger
            );
        }
        let pool = pool_settings::describe(cloud, &shown.user_pool_id).await?;
        record.refuse_foreign(path, &pool)?;
        refuse_if_changed(&pool, changes)?;
        let snapshot = Snapshot::write(path, pool)?;
        Ok(Self { _lock: lock, path: path.to_owned(), former: record.clone(), record, snapshot, chains: Vec::new() })
    }

    /// Writes the record to its file.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub(crate) fn save_record(&self) -> Result<()> {
        self.record.save(&self.path)
    }

    /// Updates the pool if a trigger changes. `prepared` is the result of the preparation, and `added` are the
    /// permissions that it added. If the pool stays as it was, they and the record are put back. Returns the pool as
    /// it is then.
    ///
    /// # Errors
    ///
    /// Returns the error of the preparation or of the update.
    pub(crate) async fn update(
        &mut self,
        cloud: &Cloud,
        changes: &[Change],
        prepared: Result<()>,
        added: &[Permission],
    ) -> Result<Description> {
        let changes: Vec<_> = changes.iter().filter(|change| change.old != change.new).cloned().collect();
        let updated = match prepared {
            Err(why) => Err(UpdateError::Unchanged(why)),
            Ok(()) if changes.is_empty() => Ok(self.snapshot.pool.clone()),
            Ok(()) => apply(cloud, &mut self.snapshot, &changes, PAUSE).await,
        };
        match updated {
            Err(UpdateError::Unchanged(why)) => Err(self.undone(cloud, added, why).await),
            Err(UpdateError::Uncertain(why)) => Err(why),
            Ok(pool) => Ok(pool),
        }
    }

    /// Undoes the preparation. Returns the error to end with: `why`, and everything that could not be undone. In the
    /// second case the error is not a refusal.
    async fn undone(&mut self, cloud: &Cloud, added: &[Permission], why: Error) -> Error {
        let mut left = Vec::new();
        self.record = self.former.clone();
        for permission in added {
            if let Err(error) = withdraw(cloud, permission).await {
                self.record.permissions.insert(permission.clone());
                left.push(format!("{error:#}"));
            }
        }
        for chain in &self.chains {
            if let Err(error) = chain.unmake(cloud, &self.snapshot.pool).await {
                left.push(format!("{error:#}"));
            }
        }
        if let Err(error) = self.save_record() {
            left.push(format!("{error:#}"));
        }
        if left.is_empty() {
            return why;
        }
        anyhow!("{why:#}. The pool is as it was, but not everything could be undone: {}", left.join("; "))
    }

    /// Removes every recorded permission whose function the pool does not call any more. Each is forgotten as soon as it
    /// is removed, so that a later run removes what this one could not. Returns those that existed.
    ///
    /// # Errors
    ///
    /// Fails if Lambda refuses, or if the record cannot be written.
    pub(crate) async fn withdraw_unused(&mut self, cloud: &Cloud, pool: &Description) -> Result<Vec<Permission>> {
        let mut withdrawn = Vec::new();
        for permission in self.record.unused(pool) {
            let existed = withdraw(cloud, &permission).await.map_err(|error| {
                error.context(format!(
                    "the triggers are as they should be, but a permission that nobody needs is still there. {} remembers \
                     it: run the same command again",
                    self.path.display()
                ))
            })?;
            self.record.permissions.remove(&permission);
            self.save_record()?;
            withdrawn.extend(existed.then_some(permission));
        }
        Ok(withdrawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_command_is_refused_while_one_works_with_the_record_and_not_after() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record.json");
        let first = lock(&record).unwrap();
        let error = lock(&record).unwrap_err();
        assert!(error.is::<Refused>() && error.to_string().contains("record.json"), "{error:#}");
        drop(first);
        lock(&record).unwrap();
    }
}
