//! One new user and the default group: written at once, or kept in a queue until Cognito takes it.

use cognito_core::failure::{Failure, Kind};
use cognito_core::retry_queue::{Membership, RetryQueue, Rush};
use cognito_core::trigger::Clock;
use cognito_core::user_pool::{PoolError, PoolErrorKind, UserName, UserPool};
use serde::Deserialize;
use std::time::Duration;

/// What is left of the time for putting a message into the queue, if Cognito does not answer.
const TIME_TO_KEEP: Duration = Duration::from_millis(1500);

/// Memberships that the queue brings back, as Lambda delivers messages of SQS.
#[derive(Deserialize)]
struct Delivery {
    #[serde(rename = "Records")]
    records: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    body: String,
}

/// The memberships in a delivery of the queue. `None` if this is something else. A message that is no membership is
/// logged and left out, because it would come back for two weeks.
pub(crate) fn kept_in(payload: &str) -> Option<Vec<Membership>> {
    let delivery: Delivery = serde_json::from_str(payload).ok()?;
    let read = |message: &Message| {
        let membership = serde_json::from_str(&message.body).ok();
        if membership.is_none() {
            tracing::error!(error_code = "not_a_membership", "the retry queue had a message of somebody else");
        }
        membership
    };
    Some(delivery.records.iter().filter_map(read).collect())
}

/// The pool of the first membership in a delivery, and the app client with which the user signed up.
pub(crate) fn origin_of_first(payload: &str) -> Option<(String, Option<String>)> {
    let delivery: Delivery = serde_json::from_str(payload).ok()?;
    let membership: Membership = serde_json::from_str(&delivery.records.first()?.body).ok()?;
    Some((membership.user_pool_id, membership.client_id))
}

/// Writes it, or keeps it in the queue. If neither is possible, the log says so. While many people come, it is kept
/// without a try, because each try that succeeds takes a link from somebody else.
pub(crate) async fn write_or_keep(
    membership: &Membership,
    pool: &impl UserPool,
    group: &str,
    queue: Option<&impl RetryQueue>,
    rush: &Rush,
    clock: Clock,
) {
    let sub = membership.sub.as_deref();
    if let Some(queue) = queue.filter(|_| rush.is_on())
        && keep(membership, queue, rush, clock).await.is_ok()
    {
        let message = "many people sign in at once; the new user joins the group later";
        return tracing::warn!(error_code = "group_waits", sub, "{message}");
    }
    let limit = if queue.is_some() { clock.leaving(TIME_TO_KEEP) } else { clock };
    let Err(mut why) = write(membership, pool, group, rush, limit).await else { return };
    if let Some(queue) = queue.filter(|_| why.may_work_later) {
        match keep(membership, queue, rush, clock).await {
            Ok(()) => {
                let cause = why.failure.cause_chain();
                let message = "the new user joins the group later";
                return tracing::warn!(error_code = "group_waits", cause, sub, "{message}");
            }
            Err(also) => why.failure = also,
        }
    }
    log_lost(membership, &why.failure);
}

/// Writes it when the queue brings it back. An error leaves it in the queue.
pub(crate) async fn write_late(
    membership: &Membership,
    pool: &impl UserPool,
    group: &str,
    rush: &Rush,
    clock: Clock,
) -> Result<(), Failure> {
    match write(membership, pool, group, rush, clock).await {
        Err(why) if why.may_work_later => Err(why.failure),
        Err(why) => {
            log_lost(membership, &why.failure);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn write(
    membership: &Membership,
    pool: &impl UserPool,
    group: &str,
    rush: &Rush,
    clock: Clock,
) -> Result<(), NotWritten> {
    let sub = membership.sub.as_deref();
    let write = async {
        let user = pool.checked(&UserName::new(&membership.user_name), sub.unwrap_or_default()).await?;
        pool.add_to_group(&user, group).await
    };
    let written = clock.limit(write).await.map_err(|failure| NotWritten { failure, may_work_later: true })?;
    if written.as_ref().is_err_and(|error| error.kind() == PoolErrorKind::Throttled) {
        rush.begin();
    }
    written.map_err(NotWritten::from)?;
    tracing::info!(decision = "join_group", sub, "decided");
    Ok(())
}

async fn keep(membership: &Membership, queue: &impl RetryQueue, rush: &Rush, clock: Clock) -> Result<(), Failure> {
    clock.limit(membership.keep(queue, rush.comes_back())).await?.map_err(|why| Failure::because(Kind::TRY_AGAIN, why))
}

fn log_lost(membership: &Membership, failure: &Failure) {
    let (cause, sub) = (failure.cause_chain(), membership.sub.as_deref());
    tracing::error!(error_code = "group_not_joined", cause, sub, "the new user is confirmed but not in the group");
}

/// A membership that Cognito did not take.
struct NotWritten {
    failure: Failure,
    /// Whether it may take the membership another time. Nothing helps a user who is gone.
    may_work_later: bool,
}

impl From<PoolError> for NotWritten {
    fn from(error: PoolError) -> Self {
        let may_work_later = error.kind() != PoolErrorKind::UserNotFound && !error.kind().reaches_another();
        Self { failure: error.into_failure(), may_work_later }
    }
}
