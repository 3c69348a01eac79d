//! Updates the pool, and checks what the update did.

use super::{Change, Snapshot, changed};
use crate::cloud::Cloud;
use crate::pool_settings::{self, Description, Difference, NotUpdated, Triggers, differences, update_input};
use crate::terminal::Refused;
use anyhow::{Context, Error, Result, anyhow};
use serde_json::Value;
use std::time::Duration;

/// How often a change is tried while somebody else keeps changing the pool.
const ATTEMPTS: u32 = 6;

/// The wait before the second attempt; each later one is twice as long, 8 s in all.
pub(super) const PAUSE: Duration = Duration::from_millis(250);

/// Why a change was not made, or may not have been.
#[derive(Debug)]
pub(super) enum UpdateError {
    /// The pool is as it was.
    Unchanged(Error),
    /// The pool was updated, or nobody knows whether it was.
    Uncertain(Error),
}

/// Writes the changed triggers, and checks that nothing else changed. Returns the pool as it is then.
///
/// An update carries every setting, so the pool is read directly before it.
///
/// # Errors
///
/// Returns [`UpdateError::Unchanged`] with a [`Refused`] if somebody else changed one of the triggers, or if an
/// update might lose a setting; without one if Cognito refuses. Returns [`UpdateError::Uncertain`] if there is no
/// answer, or if another setting differs afterwards. Then it names every difference.
pub(super) async fn apply(
    cloud: &Cloud,
    snapshot: &mut Snapshot,
    changes: &[Change],
    pause: Duration,
) -> Result<Description, UpdateError> {
    let mut attempt = 1;
    loop {
        let fresh = pool_settings::describe(cloud, snapshot.pool.id()).await;
        let fresh = fresh.map_err(if attempt == 1 { UpdateError::Unchanged } else { UpdateError::Uncertain })?;
        // The SDK repeats a call whose answer was lost, so the update may have been made before it was refused.
        if attempt > 1 && changes.iter().any(|change| is_made(&fresh, change)) {
            break;
        }
        let input = input(fresh, snapshot, changes).map_err(UpdateError::Unchanged)?;
        match pool_settings::update(cloud, &input).await {
            Ok(()) => break,
            Err(NotUpdated::Concurrent(_)) if attempt < ATTEMPTS => {
                tokio::time::sleep(pause * 2_u32.pow(attempt - 1)).await;
                attempt += 1;
            }
            Err(NotUpdated::Concurrent(error) | NotUpdated::Refused(error))
                if !may_be_made(cloud, snapshot, changes).await =>
            {
                return Err(UpdateError::Unchanged(error.context("the user pool cannot be updated")));
            }
            Err(NotUpdated::Concurrent(error) | NotUpdated::Refused(error) | NotUpdated::Unknown(error)) => {
                let why = "the pool may have been updated: run the same command again";
                return Err(UpdateError::Uncertain(error.context(why)));
            }
        }
    }
    proven(cloud, snapshot, changes).await.map_err(UpdateError::Uncertain)
}

fn input(fresh: Description, snapshot: &mut Snapshot, changes: &[Change]) -> Result<Value> {
    refuse_if_changed(&fresh, changes)?;
    snapshot.renew(fresh)?;
    let triggers: Triggers = changes.iter().map(|change| (change.trigger, change.new.clone())).collect();
    Ok(update_input(&snapshot.pool, &triggers).map_err(|error| Refused(error.to_string()))?)
}

fn is_made(pool: &Description, change: &Change) -> bool {
    change.old != change.new && pool.lambda_config().get(change.trigger.member()) == change.new.as_ref()
}

async fn may_be_made(cloud: &Cloud, snapshot: &Snapshot, changes: &[Change]) -> bool {
    let pool = pool_settings::describe(cloud, snapshot.pool.id()).await;
    pool.map_or(true, |pool| changes.iter().any(|change| is_made(&pool, change)))
}

async fn proven(cloud: &Cloud, snapshot: &Snapshot, changes: &[Change]) -> Result<Description> {
    let after = pool_settings::describe(cloud, snapshot.pool.id())
        .await
        .context("the pool was updated, but could not be read again to compare it: run the same command again")?;
    let unexpected = differences(&changed(&snapshot.pool, changes), &after);
    if unexpected.is_empty() { Ok(after) } else { Err(anyhow!("{}", complaint(&unexpected, snapshot))) }
}

/// Refuses to change triggers that are not as they were shown.
pub(super) fn refuse_if_changed(pool: &Description, changes: &[Change]) -> Result<(), Refused> {
    let moved = changes.iter().find(|change| pool.lambda_config().get(change.trigger.member()) != change.old.as_ref());
    moved.map_or(Ok(()), |change| {
        let trigger = change.trigger;
        Err(Refused(format!("somebody else changed the trigger {trigger} just now. Run the command again")))
    })
}

fn complaint(unexpected: &[Difference], snapshot: &Snapshot) -> String {
    let changed = |Difference { setting, before, after }: &Difference| format!("{setting}: {before} became {after}");
    let changed: Vec<_> = unexpected.iter().map(changed).collect();
    let restore = snapshot.files.last().map(|file| file.display().to_string()).unwrap_or_default();
    format!(
        "the pool was updated, and these settings are not as they should be: {}. To write the former settings back: aws \
         cognito-idp update-user-pool --cli-input-json file://{restore}",
        changed.join("; ")
    )
}
