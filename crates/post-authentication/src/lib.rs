//! Post authentication: repairs `email_verified` if the provider proves addresses.
//!
//! It is for pools without the inbound federation trigger. It works only if the operator vouches for the addresses in
//! profiles (`REPAIR=external` or `linked`), because the event does not show whether the address came with this
//! sign-in. A profile that needs the repair costs two calls, any other profile none. A failure never keeps a person
//! out: it is logged, and the sign-in goes on.

use cognito_core::event::{Event, TriggerSource};
use cognito_core::failure::Failure;
use cognito_core::provider::Providers;
use cognito_core::settings::{self, Lookup, OVERRIDES, PROVIDERS, SettingError};
use cognito_core::trigger::{Clock, Trigger};
use cognito_core::user_pool::{UserName, UserPools};
use linking::{RepairScope, SignIn, needs_repair, repair_email_verified, repair_scope};

/// Every environment variable this function reads.
pub const NAMES: [&str; 3] = [OVERRIDES, PROVIDERS, linking::REPAIR];

/// What the operator chose for this function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROVIDERS`.
    pub providers: Providers,
    /// `REPAIR`.
    pub repair: RepairScope,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] for the first variable with a value that is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Ok(Self { providers: settings::providers(lookup)?, repair: repair_scope(lookup)? })
    }
}

/// The trigger, with a way to open user pools.
#[derive(Debug)]
pub struct PostAuthentication<P> {
    settings: Settings,
    pools: P,
}

impl<P: UserPools> PostAuthentication<P> {
    /// A trigger with these settings.
    #[must_use]
    pub fn new(settings: Settings, pools: P) -> Self {
        Self { settings, pools }
    }
}

impl<P: UserPools + Sync> Trigger for PostAuthentication<P>
where
    P::Pool: Send,
{
    fn handles(&self, source: TriggerSource) -> bool {
        source == TriggerSource::PostAuthenticationAuthentication
    }

    async fn handle(&self, event: &mut Event, clock: Clock) -> Result<(), Failure> {
        let attributes = event.user_attributes();
        let Some(user) = event.user_name().map(UserName::new) else { return Ok(()) };
        if needs_repair(attributes, &self.settings.providers, self.settings.repair, SignIn::Later) {
            let pool = self.pools.pool(event.user_pool_id());
            repair_email_verified(&pool, &user, attributes, clock).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
