//! The record: what attach replaced, and what it added.
//!
//! It is a file and not a tag of the pool, because a tag would change a setting of the pool.

use crate::chain::Chained;
use crate::function_arn::FunctionArn;
use crate::invoke_permission::{Permission, statement_id};
use crate::pool_settings::Description;
use crate::private_file;
use crate::terminal::Refused;
use crate::trigger::Trigger;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What is remembered about a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// The pool.
    pub(crate) user_pool_id: String,
    /// By the trigger's member in `LambdaConfig`.
    triggers: BTreeMap<String, Attached>,
    /// Every permission that was added and not yet removed. They belong to the pool and not to a trigger: one statement
    /// lets the pool call a function from every trigger.
    #[serde(default)]
    pub(crate) permissions: BTreeSet<Permission>,
}

/// What is remembered about a trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Attached {
    /// The ARN that was attached.
    pub(crate) function: String,
    /// The trigger's value in `LambdaConfig` before; null if there was none.
    pub(crate) displaced: Option<Value>,
    /// Our earlier function, noted until the pool is known to have the new one. Until then either may be attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<String>,
    /// What attach did so that our function calls the displaced one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chained: Option<Chained>,
}

impl Attached {
    /// The functions that may be attached: ours, and our earlier one while it is being replaced.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &String> {
        [Some(&self.function), self.replaces.as_ref()].into_iter().flatten()
    }

    /// Whether a function is the one that was attached, or our earlier one.
    pub(crate) fn is_ours(&self, function: &str) -> bool {
        self.functions().any(|ours| ours == function)
    }
}

impl Record {
    /// Where the record of a pool is, unless the operator names another file.
    pub(crate) fn usual_path(pool: &str) -> PathBuf {
        format!("cognito-triggers-{pool}.json").into()
    }

    /// Reads a record; an empty one if there is no file.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, is not a record, or belongs to another pool.
    pub(crate) fn load(path: &Path, pool: &str) -> Result<Self> {
        let Some(text) = private_file::read(path)? else {
            return Ok(Self { user_pool_id: pool.to_owned(), ..Self::default() });
        };
        let read = serde_json::from_slice(&text).and_then(|record| serde_json::from_value(brought_up_to_date(record)));
        let record: Self = read.with_context(|| {
            format!(
                "{} is not a record of attach. Name another file with --record, or restore or remove this one. Without a \
                 record, detach cannot put back what attach replaced",
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

    /// Refuses a record that attach cannot have written for this pool. Otherwise somebody who can write the file would
    /// choose what detach attaches and which permissions it removes.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] with the wrong entry.
    pub(crate) fn refuse_foreign(&self, path: &Path, pool: &Description) -> Result<(), Refused> {
        let refuse = |what: &str| {
            Err(Refused(format!(
                "{}: attach did not write this: {what}. Nothing was changed. Restore the file, or remove the entry",
                path.display()
            )))
        };
        let is_here = |arn: &str| FunctionArn::parse(arn).is_some_and(|function| function.account == pool.account());
        for (member, attached) in &self.triggers {
            let Some(trigger) = Trigger::with_member(member) else {
                return refuse(&format!("{member} is no trigger that attach sets"));
            };
            if let Some(function) = attached.functions().find(|arn| FunctionArn::parse(arn).is_none()) {
                return refuse(&format!("{function} on {trigger} is not the ARN of a function"));
            }
            let config = json!({ member: attached.displaced });
            let displaced = trigger.function(&config);
            let fits = |value: &Value| {
                displaced
                    .and_then(FunctionArn::parse)
                    .is_some_and(|function| *value == trigger.value(function.as_str()))
            };
            if let Some(value) = attached.displaced.as_ref().filter(|value| !fits(value)) {
                return refuse(&format!("{value} is no function that {trigger} can have had"));
            }
            if let Some(chained) = &attached.chained
                && (displaced != Some(&chained.next) || !is_here(&chained.next) || !is_here(&attached.function))
            {
                return refuse(&format!("{} is not the function that {member} had", chained.next));
            }
        }
        for Permission { function, statement } in &self.permissions {
            if !is_here(function) || Trigger::ALL.iter().all(|trigger| *statement != statement_id(pool.id(), *trigger))
            {
                return refuse(&format!("the permission {statement} of {function} is not one that attach adds"));
            }
        }
        Ok(())
    }

    /// What is remembered about a trigger.
    pub(crate) fn of(&self, trigger: Trigger) -> Option<&Attached> {
        self.triggers.get(trigger.member())
    }

    /// Every trigger in the record.
    pub(crate) fn triggers(&self) -> Vec<Trigger> {
        self.triggers.keys().filter_map(|member| Trigger::with_member(member)).collect()
    }

    /// Remembers what was attached to a trigger, or with `None` forgets it.
    pub(crate) fn set(&mut self, trigger: Trigger, attached: Option<Attached>) {
        match attached {
            Some(attached) => self.triggers.insert(trigger.member().to_owned(), attached),
            None => self.triggers.remove(trigger.member()),
        };
    }

    /// Notes that the trigger has its new function now.
    pub(crate) fn settle(&mut self, trigger: Trigger) {
        if let Some(attached) = self.triggers.get_mut(trigger.member()) {
            attached.replaces = None;
        }
    }

    /// The permissions that a pool does not need, because none of its triggers has the function.
    pub(crate) fn unused(&self, pool: &Description) -> Vec<Permission> {
        self.permissions.iter().filter(|permission| !pool.calls(&permission.function)).cloned().collect()
    }

    /// Writes the file, whole or not at all; removes it once there is nothing to remember.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        if self.triggers.is_empty() && self.permissions.is_empty() {
            return match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(error).with_context(|| format!("{} cannot be removed", path.display()))
                }
                _ => Ok(()),
            };
        }
        private_file::replace(path, &serde_json::to_string_pretty(self)?)
    }
}

/// The first versions kept with each trigger the permission that was added for it.
fn brought_up_to_date(mut record: Value) -> Value {
    let mut permissions = Vec::new();
    let triggers = record.get_mut("triggers").and_then(Value::as_object_mut);
    for trigger in triggers.into_iter().flat_map(Map::values_mut) {
        let function = trigger["function"].clone();
        if let Some(statement) = trigger.as_object_mut().and_then(|trigger| trigger.remove("permission"))
            && !statement.is_null()
        {
            permissions.push(json!({ "function": function, "statement": statement }));
        }
    }
    if !permissions.is_empty() {
        record["permissions"] = permissions.into();
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached() -> Attached {
        Attached { function: "f".into(), displaced: Some(json!("g")), replaces: None, chained: None }
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

    /// As `attach` wrote them: before chains; before it replaced functions of its own; and first, with the permission at the
    /// trigger, or with none because the function could be called already.
    #[test]
    fn a_record_of_an_earlier_version_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        let permission = Permission { function: "f".into(), statement: "s".into() };
        let permissions = json!([permission]);
        let trigger = json!({ "function": "f", "displaced": "g" });
        let with = |name: &str, value: Value| {
            let mut trigger = trigger.clone();
            trigger[name] = value;
            trigger
        };
        for (trigger, permissions, replaces, has_permission) in [
            (with("replaces", json!("e")), Some(&permissions), Some("e"), true),
            (trigger.clone(), Some(&permissions), None, true),
            (with("permission", json!("s")), None, None, true),
            (with("permission", Value::Null), None, None, false),
        ] {
            let mut record = json!({ "userPoolId": "p", "triggers": { "PreSignUp": trigger } });
            if let Some(permissions) = permissions {
                record["permissions"] = permissions.clone();
            }
            fs::write(&path, record.to_string()).unwrap();
            let record = Record::load(&path, "p").unwrap();
            assert_eq!(record.triggers["PreSignUp"], Attached { replaces: replaces.map(Into::into), ..attached() });
            assert_eq!(record.permissions, has_permission.then(|| permission.clone()).into_iter().collect());
        }
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
        assert!(why.contains("not a record of attach") && why.contains("--record"), "{why}");
    }

    #[test]
    fn a_permission_outlives_the_trigger_it_was_added_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        let mut record = Record::load(&path, "p").unwrap();
        let permission = Permission { function: "f".into(), statement: "s".into() };
        record.permissions.insert(permission.clone());
        record.save(&path).unwrap();
        let record = Record::load(&path, "p").unwrap();
        let elsewhere = json!({ "LambdaConfig": { "PreTokenGenerationConfig": { "LambdaArn": "f" } } });
        assert!(record.unused(&Description(elsewhere)).is_empty());
        assert_eq!(record.unused(&Description(json!({ "LambdaConfig": { "PreSignUp": "f:live" } }))), [permission]);
    }
}
