//! What is deleted, kept in a file until it is signed up again.

use super::plan::Plan;
use crate::private_file::write_new;
use anyhow::{Context, Result, bail};
use cognito_core::user_pool::ProfileRecord;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The form of the file, to refuse one that a later version wrote in another.
const FORMAT: u32 = 1;

/// A deleted profile, with the registration that takes its place. It holds no password and no client secret.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    format: u32,
    /// The pool it was in.
    pub(super) user_pool_id: String,
    /// Its user name.
    pub(super) user_name: String,
    /// Its `sub`.
    pub(super) sub: String,
    /// The groups it was in.
    pub(super) groups: Vec<String>,
    /// The user name to register.
    pub(super) sign_up_name: String,
    /// The attributes that a registration can carry. Those that `--without` gave up are among them: whether a resume
    /// gives them up as well is for its own command line to say.
    pub(super) attributes: BTreeMap<String, String>,
    /// What the triggers are told.
    pub(super) client_metadata: BTreeMap<String, String>,
    /// The whole profile, for people.
    profile: Value,
}

impl Record {
    /// A profile that is about to be deleted.
    pub(super) fn of(
        pool: &str,
        account: &ProfileRecord,
        groups: &[String],
        plan: &Plan,
        client_metadata: &[(String, String)],
    ) -> Self {
        Self {
            format: FORMAT,
            user_pool_id: pool.to_owned(),
            user_name: account.user_name.clone(),
            sub: account.sub().to_owned(),
            groups: groups.to_vec(),
            sign_up_name: plan.sign_up_name.clone(),
            attributes: plan.attributes.clone(),
            client_metadata: client_metadata.iter().cloned().collect(),
            // A struct of texts is JSON.
            profile: serde_json::to_value(account).unwrap_or_default(),
        }
    }

    /// Writes it to a new file that only its owner may read, and waits until it is on the disk.
    ///
    /// # Errors
    ///
    /// The file is there already, or cannot be written.
    pub(super) fn save(&self, file: Option<&Path>) -> Result<PathBuf> {
        let file = file.map_or_else(|| PathBuf::from(format!("reset-user-{}.json", self.sub)), Path::to_path_buf);
        let file = std::path::absolute(&file)?;
        write_new(&file, &serde_json::to_string_pretty(self)?)
            .context("what would be deleted cannot be saved; nothing was changed")?;
        Ok(file)
    }

    /// Reads it back.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is something else.
    pub(super) fn load(file: &Path) -> Result<Self> {
        let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let record: Self = serde_json::from_slice(&text)
            // The cause would quote what is in the file.
            .map_err(|_| anyhow::anyhow!("{} is no file that reset-user wrote", file.display()))?;
        if record.format != FORMAT {
            bail!("{} was written by another version, in the form {}", file.display(), record.format);
        }
        Ok(record)
    }
}

/// Removes the file once it is not needed; it holds personal data.
pub(super) fn forget(file: &Path) {
    if let Err(error) = fs::remove_file(file) {
        say!("{} is not needed any more, and could not be removed: {error}", file.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::tests::ada;

    fn record() -> Record {
        let attributes = [("email".to_owned(), "ada@example.com".to_owned())].into();
        let told = [("locale".to_owned(), "de".to_owned())];
        Record::of("eu_1", &ada().record(), &["g".to_owned()], &Plan { sign_up_name: "ada".into(), attributes }, &told)
    }

    #[test]
    fn a_record_comes_back_as_it_was_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = record().save(Some(&folder.path().join("ada.json"))).unwrap();
        let back = Record::load(&file).unwrap();
        assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::to_value(record()).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        forget(&file);
        assert!(!file.exists());
    }

    #[test]
    fn a_file_that_is_there_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ada.json");
        fs::write(&file, "mine").unwrap();
        assert!(record().save(Some(&file)).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        let why = format!("{:#}", Record::load(&file).err().unwrap());
        assert!(why.contains("no file that reset-user wrote") && !why.contains("mine"), "{why}");
    }

    #[test]
    fn a_record_of_another_form_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ada.json");
        let later = Record { format: FORMAT + 1, ..record() };
        later.save(Some(&file)).unwrap();
        assert!(Record::load(&file).err().unwrap().to_string().contains("another version"));
    }
}
