//! Post confirmation: adds new users to the default group, corrects `email_verified` on a first federated sign-in, and
//! ends all sessions when a forgotten password was replaced.
//!
//! Post authentication does not run on the first sign-in of a federated identity, so this function makes the repair for
//! that sign-in. Cognito calls it after it wrote the profile, and waits for the answer before it issues a token. The
//! decision uses the attributes in the event.
//!
//! The change that Cognito reports has already happened, and an error would only make it look as if it had not. So the
//! function logs and counts errors, and always returns the event. A membership that Cognito could not write goes to a
//! queue, if there is one, and comes back until it is written (`membership`).

mod membership;

use cognito_core::event::{Attributes, Event, TriggerSource};
use cognito_core::failure::Failure;
use cognito_core::next_function;
use cognito_core::provider::Providers;
use cognito_core::retry_queue::{Membership, RETRY_QUEUE_URL, RetryQueue, Rush};
use cognito_core::settings::{self, DEFAULT_GROUP, Lookup, OVERRIDES, PROVIDERS, SettingError};
use cognito_core::trigger::{Clock, Trigger};
use cognito_core::user_pool::{PoolError, UserName, UserPool, UserPools};
use linking::{REPAIR, RepairScope, SignIn, needs_repair, proved_nothing, repair_email_verified, repair_scope};
use membership::{write_late, write_or_keep};

/// Every environment variable this function reads.
pub const NAMES: [&str; 10] = {
    let [function, order, failure] = next_function::NAMES;
    let own = [PROVIDERS, DEFAULT_GROUP, DEFAULT_GROUP_FOR, REPAIR, RETRY_QUEUE_URL, SIGN_OUT_ON_PASSWORD_RESET];
    let [a, b, c, d, e, f] = own;
    [OVERRIDES, a, b, c, d, e, f, function, order, failure]
};

/// `DEFAULT_GROUP_FOR`: whether people whose provider proved no address join the group, too.
const DEFAULT_GROUP_FOR: &str = "DEFAULT_GROUP_FOR";

/// `SIGN_OUT_ON_PASSWORD_RESET`: whether a replaced password ends the account's sessions.
const SIGN_OUT_ON_PASSWORD_RESET: &str = "SIGN_OUT_ON_PASSWORD_RESET";

/// What the operator chose for this function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROVIDERS`.
    pub providers: Providers,
    /// `DEFAULT_GROUP`: the group that a new user joins.
    pub default_group: Option<String>,
    /// `DEFAULT_GROUP_FOR`: whether everybody joins it, or nobody whose provider proved no address.
    pub default_group_for_everybody: bool,
    /// `REPAIR`.
    pub repair: RepairScope,
    /// `SIGN_OUT_ON_PASSWORD_RESET`.
    pub sign_out_on_password_reset: bool,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] for the first variable with a value that is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            providers: settings::providers(lookup)?,
            default_group: settings::default_group(lookup)?,
            default_group_for_everybody: settings::choice(
                lookup,
                DEFAULT_GROUP_FOR,
                &[("proven", false), ("everybody", true)],
                false,
            )?,
            repair: repair_scope(lookup)?,
            sign_out_on_password_reset: settings::choice(
                lookup,
                SIGN_OUT_ON_PASSWORD_RESET,
                &[("on", true), ("off", false)],
                true,
            )?,
        })
    }
}

/// The trigger, with a way to open user pools, and the queue for what it could not write.
#[derive(Debug)]
pub struct PostConfirmation<P, Q> {
    settings: Settings,
    pools: P,
    queue: Option<Q>,
    rush: Rush,
}

impl<P: UserPools, Q> PostConfirmation<P, Q> {
    /// A trigger with these settings.
    #[must_use]
    pub fn new(settings: Settings, pools: P, queue: Option<Q>) -> Self {
        Self { settings, pools, queue, rush: Rush::default() }
    }
}

impl<P, Q> PostConfirmation<P, Q> {
    /// The group that the person joins.
    fn group_for(&self, attributes: Attributes<'_>) -> Option<&str> {
        let group = self.settings.default_group.as_deref()?;
        let joins = self.settings.default_group_for_everybody || !proved_nothing(attributes, &self.settings.providers);
        joins.then_some(group)
    }
}

impl<P: UserPools + Sync, Q: RetryQueue + Sync> Trigger for PostConfirmation<P, Q>
where
    P::Pool: Send,
{
    fn handles(&self, source: TriggerSource) -> bool {
        match source {
            TriggerSource::PostConfirmationConfirmSignUp => true,
            TriggerSource::PostConfirmationConfirmForgotPassword => self.settings.sign_out_on_password_reset,
            _ => false,
        }
    }

    async fn handle(&self, event: &mut Event, clock: Clock) -> Result<(), Failure> {
        let attributes = event.user_attributes();
        let Some(user) = event.user_name().map(UserName::new) else { return Ok(()) };
        let pool = self.pools.pool(event.user_pool_id());
        let sub = attributes.text("sub");
        // Replacing a password does not create a user.
        if event.source() == TriggerSource::PostConfirmationConfirmForgotPassword {
            end_sessions(&pool, &user, sub, clock).await;
            return Ok(());
        }
        let join = async {
            if let Some(group) = self.group_for(attributes) {
                let membership = Membership::of(event, &user, sub);
                write_or_keep(&membership, &pool, group, self.queue.as_ref(), &self.rush, clock).await;
            }
        };
        let repair = async {
            if needs_repair(attributes, &self.settings.providers, self.settings.repair, SignIn::First) {
                repair_email_verified(&pool, &user, attributes, clock).await;
            }
        };
        tokio::join!(join, repair);
        Ok(())
    }

    async fn handle_other(&self, payload: &str, clock: Clock) -> Option<Result<(), Failure>> {
        let kept = membership::kept_in(payload)?;
        let Some(group) = self.settings.default_group.as_deref() else { return Some(Ok(())) };
        for membership in kept {
            let pool = self.pools.pool(&membership.user_pool_id);
            if let Err(failure) = write_late(&membership, &pool, group, &self.rush, clock).await {
                return Some(Err(failure));
            }
        }
        Some(Ok(()))
    }

    /// The queue hands over one message at a time.
    fn origin_of_other(payload: &str) -> Option<(String, Option<String>)> {
        membership::origin_of_first(payload)
    }
}

/// Ends every session of the account. A person who knew the old password may still be signed in, because Cognito ends
/// no session by itself and refresh tokens are valid for 30 days unless the app client says otherwise. The person who
/// replaced the password is not signed in yet.
async fn end_sessions(pool: &impl UserPool, user: &UserName, sub: Option<&str>, clock: Clock) {
    let end = async {
        let user = pool.checked(user, sub.unwrap_or_default()).await?;
        pool.sign_out_everywhere(&user).await
    };
    match clock.limit(end).await.and_then(|done| done.map_err(PoolError::into_failure)) {
        Ok(()) => tracing::info!(decision = "end_sessions", sub, "decided"),
        Err(failure) => {
            let cause = failure.cause_chain();
            let message = "sessions from before the new password may still be open";
            tracing::error!(error_code = "sessions_not_ended", cause, sub, "{message}");
        }
    }
}

#[cfg(test)]
mod tests;
