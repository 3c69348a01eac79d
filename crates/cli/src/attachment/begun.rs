//! From what was shown to what is done.

use super::{Change, Kept, Lock, Record, refuse_if_moved};
use crate::pool_settings;
use crate::terminal::Refused;
use anyhow::Result;
use aws_sdk_cognitoidentityprovider::Client;
use std::path::Path;

/// A change that may be made: nobody else works with the record, and what was shown is still so.
#[derive(Debug)]
pub(crate) struct Begun {
    _lock: Lock,
    /// The record, as it is now.
    pub(crate) record: Record,
    /// The pool, as it is now.
    pub(crate) kept: Kept,
}

impl Begun {
    /// Reads record and pool anew. Time has passed since they were shown: functions were looked up, and somebody
    /// was asked. Settings that somebody changed meanwhile are carried on as they are now.
    ///
    /// # Errors
    ///
    /// A [`Refused`] if one of the triggers, or what the record says about one, is not as it was shown; Cognito does
    /// not answer; a file cannot be read or written. Nothing was changed.
    pub(crate) async fn begin(cognito: &Client, path: &Path, shown: &Record, changes: &[Change]) -> Result<Self> {
        let lock = Lock::take(path)?;
        let record = Record::load(path, &shown.user_pool_id)?;
        if let Some(change) = changes.iter().find(|change| record.of(change.trigger) != shown.of(change.trigger)) {
            return Err(Refused(format!(
                "{} says something else about the trigger {} by now; nothing was changed: start again",
                path.display(),
                change.trigger
            ))
            .into());
        }
        let pool = pool_settings::describe(cognito, &shown.user_pool_id).await?;
        refuse_if_moved(&pool, changes)?;
        Ok(Self { _lock: lock, record, kept: Kept::write(path, pool)? })
    }
}
