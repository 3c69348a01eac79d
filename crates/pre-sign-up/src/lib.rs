//! Pre sign-up: one person, one account.
//!
//! Cognito calls this trigger once for a federated identity that has no profile and no link yet.
//! The function links the identity to the native profile of the same person, or creates that
//! profile and links. All other sources go back at once, our own `AdminCreateUser` included,
//! which makes Cognito call this trigger again.

mod announcement;
mod rush;
mod settings;
#[cfg(test)]
mod tests;

pub use settings::{NAMES, NativeSignUp, Settings};

use announcement::Announcement;
use cognito_core::account_event::EventBus;
use cognito_core::email::Email;
use cognito_core::event::{Attributes, Event, TriggerSource};
use cognito_core::failure::{Failure, Kind};
use cognito_core::next_function::{Answers, Defaults};
use cognito_core::provider::{Providers, SignUpDomains, UnknownProvider};
use cognito_core::retry_queue::{RetryQueue, Rush};
use cognito_core::trigger::{Clock, Trigger};
use cognito_core::user_pool::{NativeUserName, Patience, PoolError, UserName, UserPool, UserPools};
use linking::{Arrival, Decision, Later, LinkError, LinkObserver, Linker, Owner, Owners, Refusal, Settlement};
use rush::Waits;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::SystemTime;

/// The longest attribute value Cognito stores, in characters (API model, `AttributeValueType`).
const MAX_ATTRIBUTE_CHARS: usize = 2048;

/// A native registration with an address that a federated profile has.
const EMAIL_IN_USE: Kind =
    Kind::refusal("native_email_in_use", "This email address is already in use, please sign in the way you did before");

/// A native registration under the `sub` of somebody else.
const USER_NAME_IS_A_SUB: Kind =
    Kind::refusal("user_name_is_a_sub", "This user name is not available, please choose another one");

/// A native registration under a user name that Cognito makes for an identity of a provider.
const USER_NAME_IS_AN_IDENTITY: Kind =
    Kind::refusal("user_name_is_an_identity", "This user name is not available, please choose another one");

/// A native registration under a user name of the form that new accounts get.
const USER_NAME_IS_RESERVED: Kind =
    Kind::refusal("user_name_is_reserved", "This user name is not available, please choose another one");

/// The trigger over a way to open user pools, the queue for memberships that Cognito throws back, and the event bus.
#[derive(Debug)]
pub struct PreSignUp<P, Q> {
    settings: Settings,
    pools: P,
    queue: Option<Q>,
    rush: Rush,
    bus: Option<Arc<dyn EventBus>>,
}

impl<P: UserPools, Q> PreSignUp<P, Q> {
    /// A trigger with these settings.
    #[must_use]
    pub fn new(settings: Settings, pools: P, queue: Option<Q>) -> Self {
        Self { settings, pools, queue, rush: Rush::default(), bus: None }
    }

    /// The same, and this bus is told of links.
    #[must_use]
    pub fn telling(self, bus: Option<Arc<dyn EventBus>>) -> Self {
        Self { bus, ..self }
    }
}

impl<P: UserPools + Sync, Q: RetryQueue + Debug + Sync> Trigger for PreSignUp<P, Q>
where
    P::Pool: Send,
{
    /// Asked first: a list of who may register must refuse before anything is created or linked. Once an identity is
    /// linked, Cognito never asks again.
    const NEXT_FUNCTION: Defaults = Defaults::ASKED_FIRST;

    fn handles(&self, source: TriggerSource) -> bool {
        match source {
            TriggerSource::PreSignUpExternalProvider => true,
            TriggerSource::PreSignUpSignUp => {
                self.settings.native_sign_up == NativeSignUp::Unique
                    || self.settings.sign_up_domains.limit_anybody()
                    || self.people_choose_user_names()
            }
            _ => false,
        }
    }

    async fn handle(&self, event: &mut Event, clock: Clock) -> Result<(), Failure> {
        let pool = self.pools.pool(event.user_pool_id());
        if event.source() == TriggerSource::PreSignUpSignUp {
            return clock.limit(self.refuse_registration(&pool, event, clock.now())).await?;
        }
        let settlement = clock.limit(self.link(&pool, event, clock)).await??;
        self.answer(event, &settlement);
        Ok(())
    }

    fn overrule(&self, event: &Event, answers: &Answers) -> Map<String, Value> {
        overruled(event.source(), answers, self.settings.sign_up_domains.allow_only_some())
    }
}

impl<P: UserPools, Q: RetryQueue + Debug + Sync> PreSignUp<P, Q> {
    async fn link(&self, pool: &P::Pool, event: &Event, clock: Clock) -> Result<Settlement, Failure> {
        let settings = &self.settings;
        let user_name = event
            .user_name()
            .ok_or_else(|| Failure::because(Kind::NOT_A_COGNITO_EVENT, "a federated sign-in has a `userName`"))?;
        let attributes = event.user_attributes();
        let mut arrival = Arrival::read(user_name, attributes, &settings.providers, &settings.subject_rule);
        arrival.may_join = settings.sign_up_domains.admit(&arrival.email);
        let waits = self.queue.as_ref().map(|queue| Waits { queue, rush: &self.rush, event });
        let now = clock.now();
        let announcement = self.bus.as_deref().map(|bus| Announcement { bus, event, now });
        let linker = Linker {
            pool,
            policy: settings.policy,
            providers: &settings.providers,
            group: settings.default_group.as_deref(),
            later: waits.as_ref().map(|waits| waits as &dyn Later),
            observer: announcement.as_ref().map(|announcement| announcement as &dyn LinkObserver),
            user_name: settings.native_user_name,
            attributes: copied(attributes, &settings.native_attributes),
            now,
            patience: Patience::until(clock.deadline()),
        };
        let provider = match settings.providers.split_user_name(user_name) {
            Ok((provider, _)) => provider.name.as_str(),
            Err(UnknownProvider::Unlisted) => "unlisted",
            Err(UnknownProvider::Ambiguous) => "ambiguous",
        };
        let settled = linker.settle(&arrival).await;
        match &settled {
            Ok(settlement) => log(settlement, provider),
            Err(LinkError::Refused(refusal)) => tracing::info!(decision = refusal.kind().code, provider, "decided"),
            Err(LinkError::Pool(_) | LinkError::Unsettled(_)) => {}
        }
        Ok(settled?)
    }

    /// In pools where the address is the user name Cognito itself makes the name.
    fn people_choose_user_names(&self) -> bool {
        self.settings.native_user_name != NativeUserName::Email
    }

    async fn refuse_registration(&self, pool: &P::Pool, event: &Event, now: SystemTime) -> Result<(), Failure> {
        let providers = &self.settings.providers;
        refuse_other_domains(&self.settings.sign_up_domains, event.user_attributes())?;
        if self.people_choose_user_names()
            && let Some(name) = event.user_name()
        {
            refuse_the_name_of_an_identity(name, providers)?;
            if self.settings.native_user_name.reserves(name) {
                return Err(refused(USER_NAME_IS_RESERVED, "the user name is of the form that new accounts get"));
            }
            refuse_a_sub(pool, &UserName::new(name)).await?;
        }
        if self.settings.native_sign_up == NativeSignUp::Unique {
            refuse_a_taken_address(pool, event.user_attributes(), now, providers).await?;
        }
        Ok(())
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

/// `autoVerifyEmail` of the answer.
const VERIFY_EMAIL: &str = "autoVerifyEmail";
/// The flag that confirms the person without a code.
const CONFIRM: &str = "autoConfirmUser";

/// The flags of the team's own function that do not count. The stricter wins: each function may take a flag back that
/// the other raised, and neither may raise one that claims a proof which nobody gave.
///
/// - Nobody else marks an address as verified. Linking relies on that mark, and a function that sets it for everybody, as
///   many samples do, would let anybody register with the address of somebody else and wait to be linked.
/// - For a federated identity no flag is raised that this function did not raise: it settled who the person is, and in
///   alias pools a raised flag takes the alias away from its owner.
/// - Where only addresses of some domains get an account (`needs_proof`), nobody is confirmed: Cognito's code proves the
///   address.
fn overruled(source: TriggerSource, answers: &Answers, needs_proof: bool) -> Map<String, Value> {
    let federated = source == TriggerSource::PreSignUpExternalProvider;
    let mut overruled = Map::new();
    for flag in [CONFIRM, VERIFY_EMAIL, "autoVerifyPhone"] {
        let Some(theirs) = answers.theirs.get(flag) else { continue };
        let ours = answers.ours.get(flag).and_then(Value::as_bool).unwrap_or_default();
        let counts = match theirs {
            Value::Bool(true) => ours || !(federated || flag == VERIFY_EMAIL || (needs_proof && flag == CONFIRM)),
            Value::Bool(false) => true,
            // Cognito would refuse the whole answer.
            _ => false,
        };
        if !counts {
            overruled.insert(flag.to_owned(), ours.into());
        }
    }
    overruled
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

/// Cognito takes a `sub` wherever it takes a user name: a registration under the `sub` of somebody else would make calls
/// for the one reach the other. Costs a call only for names of that form.
async fn refuse_a_sub(pool: &impl UserPool, name: &UserName) -> Result<(), Failure> {
    if name.has_form_of_sub() && pool.user_name_of_sub(name.as_str()).await.map_err(PoolError::into_failure)?.is_some()
    {
        return Err(refused(USER_NAME_IS_A_SUB, "the user name is the sub of another profile"));
    }
    Ok(())
}

/// Refuses a registration with an address of a domain that may have no account. Where only some domains are allowed, a
/// registration without an address is refused, too.
fn refuse_other_domains(domains: &SignUpDomains, attributes: Attributes<'_>) -> Result<(), Failure> {
    let refusal = match attributes.text("email").map(Email::parse) {
        Some(Err(why)) if domains.limit_anybody() => Refusal::UnusableEmail(why),
        Some(Ok(email)) if !domains.contain(&email) => Refusal::DomainNotAllowed,
        None if domains.allow_only_some() => Refusal::DomainNotAllowed,
        Some(_) | None => return Ok(()),
    };
    tracing::info!(decision = refusal.kind().code, "decided");
    Err(refusal.into_failure())
}

/// Cognito names the profile of a federated identity `<provider>_<subject>`. Whoever registers under that name first would
/// keep the identity's owner from signing in with the provider.
fn refuse_the_name_of_an_identity(name: &str, providers: &Providers) -> Result<(), Failure> {
    match providers.split_user_name(name) {
        Err(UnknownProvider::Unlisted) => Ok(()),
        Ok(_) | Err(UnknownProvider::Ambiguous) => Err(refused(
            USER_NAME_IS_AN_IDENTITY,
            "the user name is one that Cognito makes for an identity of a provider",
        )),
    }
}

/// A person who came through a provider first and registers a password now would get a second,
/// empty account. They are sent back to the provider. A profile that never proved the address keeps nobody from
/// registering: anybody may have made it, or stored the address in it. Whoever an administrator shut out does not come back by registering.
async fn refuse_a_taken_address(
    pool: &impl UserPool,
    attributes: Attributes<'_>,
    now: SystemTime,
    providers: &Providers,
) -> Result<(), Failure> {
    let Some(address) = attributes.text("email") else { return Ok(()) };
    let email = Email::parse(address).map_err(|why| Refusal::UnusableEmail(why).into_failure())?;
    let owners = Owners::listed(pool, &email, now, providers).await.map_err(PoolError::into_failure)?;
    // The public text is the same: nobody has proven the address here, so nobody is to learn that an account is disabled.
    if owners.is_shut_out() {
        let why = "an administrator disabled a profile whose owner proved the address, and NATIVE_SIGN_UP is unique";
        return Err(refused(EMAIL_IN_USE, why));
    }
    let is_federated = |owner: &Owner| owner.has_proven_address && !owner.profile.identities.is_empty();
    if owners.profiles.iter().any(is_federated) {
        return Err(refused(EMAIL_IN_USE, "a federated profile has the address, and NATIVE_SIGN_UP is unique"));
    }
    Ok(())
}

fn refused(kind: Kind, why: &'static str) -> Failure {
    tracing::info!(decision = kind.code, "decided");
    Failure::because(kind, why)
}
