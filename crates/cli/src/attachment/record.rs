//! What was displaced, and what the pool was like before.
//!
//! A file, and not a tag of the pool or of a function: a tag of the pool would be a setting that changed.

use crate::pool_settings::{Description, Triggers, update_input};
use crate::private_file::{sync_folder_of, write_new};
use crate::trigger::Trigger;
use anyhow::{Context, Result};
use aws_sdk_cognitoidentityprovider::primitives::{DateTime, DateTimeFormat};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What is remembered about a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// The pool.
    pub(crate) user_pool_id: String,
    /// By the trigger's member in `LambdaConfig`.
    triggers: BTreeMap<String, Attached>,
}

/// What is remembered about a trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Attached {
    /// The ARN that was attached.
    pub(crate) function: String,
    /// What stood in `LambdaConfig` before, null if nothing did.
    pub(crate) displaced: Option<Value>,
    /// The statement that was added to the function's resource policy, null if none was needed.
    pub(crate) permission: Option<String>,
}

impl Record {
    /// Where the record of a pool lies unless somebody says otherwise: in the current folder.
    pub(crate) fn default_path(pool: &str) -> PathBuf {
        PathBuf::from(format!("cognito-triggers-{pool}.json"))
    }

    /// Reads a record; an empty one if there is no file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no record, or is that of another pool.
    pub(crate) fn load(path: &Path, pool: &str) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self { user_pool_id: pool.to_owned(), ..Self::default() });
            }
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let record: Self = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is no record of attach; name another file with --record, or restore or remove this one (without it \
                 nothing that attach displaced is put back)",
                path.display()
            )
        })?;
        anyhow::ensure!(
            record.user_pool_id == pool,
            "{} is the record of the pool {}, not of {pool}",
            path.display(),
            record.user_pool_id
        );
        Ok(record)
    }

    /// What is remembered about a trigger.
    pub(crate) fn of(&self, trigger: Trigger) -> Option<&Attached> {
        self.triggers.get(trigger.member())
    }

    /// Every trigger that something is remembered about.
    pub(crate) fn triggers(&self) -> Vec<Trigger> {
        self.triggers.keys().filter_map(|member| Trigger::with_member(member)).collect()
    }

    /// Remembers, or with `None` forgets.
    pub(crate) fn set(&mut self, trigger: Trigger, attached: Option<Attached>) {
        match attached {
            Some(attached) => self.triggers.insert(trigger.member().to_owned(), attached),
            None => self.triggers.remove(trigger.member()),
        };
    }

    /// Writes the file, whole or not at all; removes it once there is nothing to remember.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        if self.triggers.is_empty() {
            return match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(error).with_context(|| format!("{} cannot be removed", path.display()))
                }
                _ => Ok(()),
            };
        }
        let new = path.with_extension("json.new");
        // A new file left behind by a run that was cut off is of no use.
        let _ = fs::remove_file(&new);
        write_new(&new, &serde_json::to_string_pretty(self)?)?;
        fs::rename(&new, path)
            .and_then(|()| sync_folder_of(path))
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Writes down what a pool is like: as it is described, and as the input of the update that restores it.
///
/// # Errors
///
/// A file cannot be written, or the pool has a setting that an update might reset.
pub(crate) fn keep_settings(record: &Path, pool: &Description) -> Result<Vec<PathBuf>> {
    let restore = update_input(pool, &Triggers::new()).map_err(|error| crate::exit::Refusal(error.to_string()))?;
    let time = DateTime::from(SystemTime::now()).fmt(DateTimeFormat::DateTime)?;
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut written = Vec::new();
    for (kind, content) in [("before", &pool.0), ("restore", &restore)] {
        let path = record.with_extension(format!("{time}.{kind}.json"));
        write_new(&path, &serde_json::to_string_pretty(content)?)?;
        written.push(path);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn attached() -> Attached {
        Attached { function: "f".into(), displaced: Some(json!("g")), permission: None }
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written_and_goes_away_when_it_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        let mut record = Record::load(&path, "p").unwrap();
        record.set(Trigger::PreSignUp, Some(attached()));
        record.save(&path).unwrap();
        record.save(&path).unwrap();
        assert_eq!(Record::load(&path, "p").unwrap(), record);
        record.set(Trigger::PreSignUp, None);
        record.save(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_record_of_another_pool_and_a_file_that_is_no_record_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        let mut record = Record { user_pool_id: "p".into(), ..Record::default() };
        record.set(Trigger::PreSignUp, Some(attached()));
        record.save(&path).unwrap();
        assert!(Record::load(&path, "q").unwrap_err().to_string().contains("of the pool p"));
        fs::write(&path, r#"{ "name": "package" }"#).unwrap();
        let why = Record::load(&path, "p").unwrap_err().to_string();
        assert!(why.contains("no record of attach") && why.contains("--record"), "{why}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_a_pools_settings() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let pool = Description(json!({ "Id": "p", "Name": "n", "Arn": "a" }));
        for path in keep_settings(&folder.path().join("record.json"), &pool).unwrap() {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }
}
