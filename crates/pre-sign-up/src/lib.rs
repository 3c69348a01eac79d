//! Pre sign-up: one person, one account.
//!
//! Cognito calls this trigger once for a federated identity that has no profile and no link yet.
//! The function links the identity to the native profile of the same person, or creates that
//! profile and links. All other sources go back at once, our own `AdminCreateUser` included,
//! which makes Cognito call this trigger again.

mod settings;
#[cfg(test)]
mod tests;

pub use settings::{NAMES, NativeSignUp, Settings};

use cognito_core::email::Email;
use cognito_core::event::{Attributes, Event, TriggerSource};
use cognito_core::failure::{Failure, Kind};
use cognito_core::trigger::{Clock, Trigger};
use cognito_core::user_pool::{PoolError, UserPool, UserPools};
use linking::{Arrival, Decision, LinkError, Linker, NativeUserName, Refusal, Settlement};
use std::collections::BTreeMap;

/// The longest attribute value Cognito stores, in characters (API model, `AttributeValueType`).
const MAX_ATTRIBUTE_CHARS: usize = 2048;

/// A native registration with an address that a federated profile has.
const EMAIL_IN_USE: Kind =
    Kind::refusal("native_email_in_use", "This email address is already in use, please sign in the way you did before");

/// The trigger over a way to open user pools.
#[derive(Debug)]
pub struct PreSignUp<P> {
    settings: Settings,
    pools: P,
}

impl<P: UserPools> PreSignUp<P> {
    /// A trigger with these settings.
    #[must_use]
    pub fn new(settings: Settings, pools: P) -> Self {
        Self { settings, pools }
    }
}

impl<P: UserPools + Sync> Trigger for PreSignUp<P>
where
    P::Pool: Send,
{
    fn handles(&self, source: TriggerSource) -> bool {
        match source {
            TriggerSource::PreSignUpExternalProvider => true,
            TriggerSource::PreSignUpSignUp => self.settings.native_sign_up == NativeSignUp::Unique,
            _ => false,
        }
    }

    async fn handle(&self, event: &mut Event, clock: Clock) -> Result<(), Failure> {
        let pool = self.pools.pool(event.user_pool_id());
        if event.source() == TriggerSource::PreSignUpSignUp {
            return clock.limit(refuse_a_taken_address(&pool, event.user_attributes())).await?;
        }
        let settlement = clock.limit(self.link(&pool, event, clock)).await??;
        self.answer(event, &settlement);
        Ok(())
    }
}

impl<P: UserPools> PreSignUp<P> {
    async fn link(&self, pool: &P::Pool, event: &Event, clock: Clock) -> Result<Settlement, Failure> {
        let settings = &self.settings;
        let user_name = event
            .user_name()
            .ok_or_else(|| Failure::because(Kind::NOT_A_COGNITO_EVENT, "a federated sign-in has a `userName`"))?;
        let attributes = event.user_attributes();
        let arrival = Arrival::read(user_name, attributes, &settings.providers, &settings.subject_rule);
        let linker = Linker {
            pool,
            policy: settings.policy,
            group: settings.default_group.as_deref(),
            user_name: settings.native_user_name,
            attributes: copied(attributes, &settings.native_attributes),
            now: clock.now(),
        };
        let provider = settings.providers.split_user_name(user_name).map_or("unlisted", |(p, _)| p.name.as_str());
        let settled = linker.settle(&arrival).await;
        match &settled {
            Ok(settlement) => log(settlement, provider),
            Err(LinkError::Refused(refusal)) => tracing::info!(decision = refusal.kind().code, provider, "decided"),
            Err(LinkError::Pool(_) | LinkError::Unsettled(_)) => {}
        }
        Ok(settled?)
    }

    /// Cognito asks whether to confirm and verify the newcomer it sees. In pools where the address
    /// is an alias that would take the alias away from the profile that has it.
    fn answer(&self, event: &mut Event, settlement: &Settlement) {
        let newcomer = settlement.profile.as_ref().is_some_and(|profile| profile.newcomer);
        if newcomer && self.settings.native_user_name == NativeUserName::Email {
            event.respond("autoConfirmUser", true);
            event.respond("autoVerifyEmail", true);
        }
    }
}

fn log(settlement: &Settlement, provider: &str) {
    let sub = settlement.profile.as_ref().map(|profile| profile.sub.as_str());
    tracing::info!(decision = settlement.decision.name(), provider, sub, "decided");
    if settlement.group_missing {
        tracing::error!(error_code = "group_missing", sub, "the group named by DEFAULT_GROUP does not exist");
    }
    if let Decision::CreateAndLink { duplicate: true, .. } = settlement.decision {
        tracing::warn!(
            error_code = "duplicate_profile",
            sub,
            "a stand-alone federated profile has the same address; merge it"
        );
    }
}

fn copied(attributes: Attributes<'_>, names: &[String]) -> BTreeMap<String, String> {
    let copy = |name: &String| {
        let value = attributes.text(name)?;
        (value.chars().count() <= MAX_ATTRIBUTE_CHARS).then(|| (name.clone(), value.to_owned()))
    };
    let copies: BTreeMap<_, _> = names.iter().filter_map(copy).collect();
    let left_out = names.iter().filter(|name| attributes.text(name).is_some() && !copies.contains_key(*name)).count();
    if left_out > 0 {
        tracing::warn!(left_out, "attributes of more than {MAX_ATTRIBUTE_CHARS} characters are not taken over");
    }
    copies
}

/// A person who came through a provider first and registers a password now would get a second,
/// empty account. They are sent back to the provider.
async fn refuse_a_taken_address(pool: &impl UserPool, attributes: Attributes<'_>) -> Result<(), Failure> {
    let Some(address) = attributes.text("email") else { return Ok(()) };
    let email = Email::parse(address).map_err(|_| Refusal::UnusableEmail.into_failure())?;
    let profiles = pool.profiles_with_email(&email).await.map_err(PoolError::into_failure)?;
    let federated = profiles.iter().any(|profile| profile.is_stand_alone() || !profile.identities.is_empty());
    if federated {
        tracing::info!(decision = EMAIL_IN_USE.code, "decided");
        return Err(Failure::new(EMAIL_IN_USE));
    }
    Ok(())
}
