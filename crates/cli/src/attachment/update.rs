//! The update of the pool, and the proof of what it did.

use super::{Change, Kept, changed};
use crate::pool_settings::{self, Description, Difference, Triggers, differences, update_input};
use crate::terminal::Refused;
use anyhow::{Context, Error, Result, anyhow};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_lambda::error::SdkError;
use serde_json::Value;
use std::time::Duration;

/// How often a change is tried while somebody else keeps changing the pool.
const ATTEMPTS: u32 = 6;

/// The wait before the second attempt; each later one is twice as long, 8 s in all.
const PAUSE: Duration = Duration::from_millis(250);

/// Why a change was not made, or may not have been.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The pool is as it was.
    Unchanged(Error),
    /// The pool was updated, or nobody knows whether it was.
    Uncertain(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unchanged(error) | Failure::Uncertain(error) => error,
        }
    }
}

/// Writes the changed triggers, and proves that nothing else became different. Returns the pool as it is then.
///
/// An update carries every setting, so the pool is read directly before it.
///
/// # Errors
///
/// [`Failure::Unchanged`] if somebody changed one of the triggers meanwhile or an update might lose a setting, both
/// with a [`Refused`], or if Cognito refuses. [`Failure::Uncertain`] if there is no answer, or something else is
/// different afterwards: then every difference is named.
pub(crate) async fn apply(cognito: &Client, kept: &mut Kept, changes: &[Change]) -> Result<Description, Failure> {
    apply_pausing(cognito, kept, changes, PAUSE).await
}

pub(super) async fn apply_pausing(
    cognito: &Client,
    kept: &mut Kept,
    changes: &[Change],
    pause: Duration,
) -> Result<Description, Failure> {
    let mut attempt = 1;
    loop {
        let fresh = pool_settings::describe(cognito, kept.pool.id()).await;
        let fresh = fresh.map_err(if attempt == 1 { Failure::Unchanged } else { Failure::Uncertain })?;
        // The SDK repeats a call whose answer was lost, so the update may have been made before it was refused.
        if attempt > 1 && changes.iter().any(|change| is_made(&fresh, change)) {
            break;
        }
        let input = input(fresh, kept, changes).map_err(Failure::Unchanged)?;
        match pool_settings::update(cognito, &input).await {
            Ok(()) => break,
            Err(error) if pool_settings::is_concurrent_modification(&error) && attempt < ATTEMPTS => {
                tokio::time::sleep(pause * 2_u32.pow(attempt - 1)).await;
                attempt += 1;
            }
            Err(error) => {
                let is_answer =
                    matches!(&error, SdkError::ServiceError(answer) if answer.raw().status().is_client_error());
                let is_unchanged = is_answer && !may_be_made(cognito, kept, changes).await;
                let error = Error::from(error.into_service_error());
                return Err(if is_unchanged {
                    Failure::Unchanged(error.context("the user pool cannot be updated"))
                } else {
                    Failure::Uncertain(error.context("the pool may have been updated: run the same command again"))
                });
            }
        }
    }
    proven(cognito, kept, changes).await.map_err(Failure::Uncertain)
}

fn input(fresh: Description, kept: &mut Kept, changes: &[Change]) -> Result<Value> {
    refuse_if_moved(&fresh, changes)?;
    kept.renew(fresh)?;
    let triggers: Triggers = changes.iter().map(|change| (change.trigger, change.new.clone())).collect();
    Ok(update_input(&kept.pool, &triggers).map_err(|error| Refused(error.to_string()))?)
}

fn is_made(pool: &Description, change: &Change) -> bool {
    change.old != change.new && pool.lambda_config().get(change.trigger.member()) == change.new.as_ref()
}

async fn may_be_made(cognito: &Client, kept: &Kept, changes: &[Change]) -> bool {
    let pool = pool_settings::describe(cognito, kept.pool.id()).await;
    pool.map_or(true, |pool| changes.iter().any(|change| is_made(&pool, change)))
}

async fn proven(cognito: &Client, kept: &Kept, changes: &[Change]) -> Result<Description> {
    let after = pool_settings::describe(cognito, kept.pool.id())
        .await
        .context("the pool was updated, and nothing could be compared afterwards: run the same command again")?;
    let unexpected = differences(&changed(&kept.pool, changes), &after);
    if unexpected.is_empty() { Ok(after) } else { Err(anyhow!("{}", complaint(&unexpected, kept))) }
}

/// Refuses to change triggers that are not as they were shown.
pub(crate) fn refuse_if_moved(pool: &Description, changes: &[Change]) -> Result<(), Refused> {
    let moved = changes.iter().find(|change| pool.lambda_config().get(change.trigger.member()) != change.old.as_ref());
    moved.map_or(Ok(()), |change| {
        let trigger = change.trigger;
        Err(Refused(format!("somebody else changed the trigger {trigger} meanwhile: start again")))
    })
}

fn complaint(unexpected: &[Difference], kept: &Kept) -> String {
    let changed = |Difference { setting, before, after }: &Difference| format!("{setting}: {before} became {after}");
    let changed: Vec<_> = unexpected.iter().map(changed).collect();
    let restore = kept.files.last().map(|file| file.display().to_string()).unwrap_or_default();
    format!(
        "the pool was updated, and these settings are not as they should be: {}. To write the former settings back: aws \
         cognito-idp update-user-pool --cli-input-json file://{restore}",
        changed.join("; ")
    )
}
