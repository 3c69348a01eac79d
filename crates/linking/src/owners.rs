use cognito_core::email::Email;
use cognito_core::provider::Providers;
use cognito_core::user_pool::{PoolError, Profile, UserPool};
use futures_util::future::try_join_all;
use futures_util::try_join;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// A profile younger than this is still being set up. Cognito repeats an invocation within
/// seconds, so a repeated one that finds the profile made by the first joins it to the group; an
/// older profile that an administrator took out of the group is not put back.
pub const NEW_PROFILE: Duration = Duration::from_mins(10);

/// The longest user name Cognito takes (API model, `UsernameType`).
pub(crate) const MAX_USER_NAME_CHARS: usize = 128;

/// A profile that has the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The profile.
    pub profile: Profile,
    /// Whether it is younger than [`NEW_PROFILE`].
    pub is_new: bool,
    /// Whether somebody has proven the address ([`Profile::has_proven_address`]).
    pub has_proven_address: bool,
}

impl Owner {
    /// The facts about a profile at the time `now`.
    #[must_use]
    pub fn of(profile: Profile, now: SystemTime, providers: &Providers) -> Self {
        Self {
            is_new: profile.is_younger_than(NEW_PROFILE, now),
            has_proven_address: profile.has_proven_address(providers),
            profile,
        }
    }

    /// Whether it is a disabled native profile that never proved the address and that no identity signs in to. Nothing is
    /// ever done to it, and it keeps the address's owner from nothing, unless the pool itself keeps the address for it.
    #[must_use]
    pub fn is_shut_squatter(&self) -> bool {
        let profile = &self.profile;
        let is_anybodys = self.has_proven_address || !profile.identities.is_empty();
        !profile.enabled && !profile.is_stand_alone() && !is_anybodys
    }
}

/// Every profile that has the address of the person signing in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// The profiles, native and stand-alone.
    pub profiles: Vec<Owner>,
    /// Read one by one and just now, not from a list that may lag behind. What destroys something
    /// is decided on such facts only.
    pub current: bool,
    /// The pool refused a new profile because somebody holds the address.
    pub creation_refused: bool,
    /// The `sub` of a profile that the address reaches as a user name although its own address is another, or none. Known
    /// only of current facts. Cognito may take two spellings for one name that we tell apart (`K` and the Kelvin sign).
    pub name_holder: Option<String>,
}

impl Owners {
    /// Whether an administrator disabled a profile whose owner proved the address: that person gets no other account with
    /// it, neither made nor taken over. A disabled profile that never proved the address says nothing about its owner.
    #[must_use]
    pub fn is_shut_out(&self) -> bool {
        self.profiles.iter().any(|owner| !owner.profile.enabled && owner.has_proven_address)
    }

    /// Asks the list: one call a page, seconds behind at times.
    ///
    /// # Errors
    ///
    /// The pool's; a failed look-up is never "nobody".
    pub async fn listed(
        pool: &impl UserPool,
        email: &Email,
        now: SystemTime,
        providers: &Providers,
    ) -> Result<Self, PoolError> {
        let profiles = pool.profiles_with_email(email).await?;
        let profiles = profiles.into_iter().map(|profile| Owner::of(profile, now, providers)).collect();
        Ok(Self { profiles, ..Self::default() })
    }

    /// Asks the list, and then for each native profile in it, for each known from before, and for
    /// the one that the address itself reaches, what it is right now. Stand-alone profiles are never
    /// changed, so they stay as listed; there may be many, for a provider's tenant makes them at will.
    ///
    /// # Errors
    ///
    /// The pool's.
    pub async fn current(
        pool: &impl UserPool,
        email: &Email,
        now: SystemTime,
        providers: &Providers,
        before: &Self,
    ) -> Result<Self, PoolError> {
        // In lower case, as new profiles are named. A longer name than Cognito takes reaches nobody.
        let address = email.to_lower_case();
        let reached = async {
            if address.chars().count() > MAX_USER_NAME_CHARS { Ok(None) } else { pool.profile(&address).await }
        };
        let (listed, reached) = try_join!(pool.profiles_with_email(email), reached)?;
        let (stand_alone, listed): (Vec<_>, Vec<_>) = listed.into_iter().partition(Profile::is_stand_alone);
        let known = before.profiles.iter().map(|owner| &owner.profile).filter(|profile| !profile.is_stand_alone());
        let mut names: Vec<_> = listed.iter().chain(known).collect();
        names.retain(|profile| reached.as_ref().is_none_or(|reached| reached.user_name != profile.user_name));
        names.sort_by(|a, b| a.user_name.cmp(&b.user_name));
        names.dedup_by(|a, b| a.user_name == b.user_name);
        let read = try_join_all(names.iter().map(|profile| pool.profile(profile.user_name.as_str()))).await?;
        let has_address = |profile: &Profile| profile.email.as_deref().is_some_and(|own| email.is_same(own));
        let name_holder = reached.as_ref().filter(|profile| !has_address(profile)).map(|profile| profile.sub.clone());
        let profiles: BTreeMap<_, _> = read
            .into_iter()
            .flatten()
            .chain(reached)
            .chain(stand_alone)
            .filter(has_address)
            .map(|profile| (profile.user_name.clone(), Owner::of(profile, now, providers)))
            .collect();
        Ok(Self {
            profiles: profiles.into_values().collect(),
            current: true,
            creation_refused: before.creation_refused,
            name_holder,
        })
    }
}
