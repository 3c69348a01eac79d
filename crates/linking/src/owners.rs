use cognito_core::email::Email;
use cognito_core::provider::Providers;
use cognito_core::user_pool::{MAX_USER_NAME_CHARS, PoolError, Profile, Status, UserPool};
use futures_util::future::try_join_all;
use futures_util::try_join;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// A profile younger than this is still being set up. Cognito repeats an invocation within seconds. The
/// repeated one finds the profile that the first one made, and joins it to the group. An older profile that
/// an administrator took out of the group is not put back.
pub const NEW_PROFILE: Duration = Duration::from_mins(10);

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

    /// Whether it is a native account that is in use and was left open.
    fn is_open_account(&self) -> bool {
        let profile = &self.profile;
        let confirmed = matches!(profile.status, Status::Confirmed | Status::ResetRequired);
        !profile.is_stand_alone() && profile.enabled && profile.email_verified && confirmed
    }

    /// Whether it is a disabled native profile that never proved the address and has no identities. It is never
    /// changed. It keeps the address's owner out only where the pool itself keeps the address for it.
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
    /// Whether they were read one by one just now, not from a list that may lag behind. A decision that destroys
    /// something needs such facts.
    pub current: bool,
    /// The pool refused a new profile because somebody holds the address.
    pub creation_refused: bool,
    /// The `sub` of a profile that has the address as its user name, but another address or none. Known only in current
    /// facts. Cognito may treat two spellings as one name that we tell apart (`K` and the Kelvin sign).
    pub name_holder: Option<String>,
    /// The user name that a new profile takes, where that is neither the address nor random. The pool does not find it by
    /// the address then.
    pub new_name: Option<String>,
}

impl Owners {
    /// Whether an administrator disabled a profile whose owner proved the address. That person gets no other account
    /// with it: none is created or taken over. A disabled profile that never proved the address says nothing about
    /// its owner.
    #[must_use]
    pub fn is_shut_out(&self) -> bool {
        self.profiles.iter().any(|owner| !owner.profile.enabled && owner.has_proven_address)
    }

    /// Whether that keeps its owner out: nobody left a native account open that they reach with the address anyway, by
    /// "forgot password".
    #[must_use]
    pub fn keep_out(&self) -> bool {
        self.is_shut_out() && !self.profiles.iter().any(Owner::is_open_account)
    }

    /// Reads the list, with one call per page. It may be seconds behind.
    ///
    /// # Errors
    ///
    /// Returns the pool's error if a look-up fails. A failed look-up never means "nobody".
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

    /// Reads the list, and then the current state of each native profile in it, of each one known from
    /// before, and of the one that the address itself reaches. Stand-alone profiles are never changed, so
    /// they stay as listed. There may be many, because a provider's administrator can make any number.
    ///
    /// # Errors
    ///
    /// Returns the pool's error if a look-up fails.
    pub async fn current(
        pool: &impl UserPool,
        email: &Email,
        now: SystemTime,
        providers: &Providers,
        before: &Self,
    ) -> Result<Self, PoolError> {
        // In lower case, as new profiles are named. A name that is too long for Cognito reaches nobody.
        let address = email.to_lower_case();
        let reached = async {
            if address.chars().count() > MAX_USER_NAME_CHARS { Ok(None) } else { pool.profile(&address).await }
        };
        let named = async {
            match &before.new_name {
                Some(name) => pool.profile(name).await,
                None => Ok(None),
            }
        };
        let (listed, reached, named) = try_join!(pool.profiles_with_email(email), reached, named)?;
        let (stand_alone, listed): (Vec<_>, Vec<_>) = listed.into_iter().partition(Profile::is_stand_alone);
        let known = before.profiles.iter().map(|owner| &owner.profile).filter(|profile| !profile.is_stand_alone());
        let mut names: Vec<_> = listed.iter().chain(known).collect();
        let just_read =
            |profile: &Profile| reached.iter().chain(&named).any(|reached| reached.user_name == profile.user_name);
        names.retain(|profile| !just_read(profile));
        names.sort_by(|a, b| a.user_name.cmp(&b.user_name));
        names.dedup_by(|a, b| a.user_name == b.user_name);
        let read = try_join_all(names.iter().map(|profile| pool.profile(profile.user_name.as_str()))).await?;
        let has_address = |profile: &Profile| profile.email.as_deref().is_some_and(|own| email.is_same(own));
        // The one that holds the name which a new profile would take.
        let holder = if before.new_name.is_some() { named.as_ref() } else { reached.as_ref() };
        let name_holder = holder.filter(|profile| !has_address(profile)).map(|profile| profile.sub.clone());
        let profiles: BTreeMap<_, _> = read
            .into_iter()
            .flatten()
            .chain(reached)
            .chain(named)
            .chain(stand_alone)
            .filter(has_address)
            .map(|profile| (profile.user_name.clone(), Owner::of(profile, now, providers)))
            .collect();
        Ok(Self {
            profiles: profiles.into_values().collect(),
            current: true,
            creation_refused: before.creation_refused,
            name_holder,
            new_name: before.new_name.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::user_pool::memory::{Account, MemoryPool, PoolKind, Quirks, native};

    const ADA: &str = "ada@example.com";

    /// The user names that current facts hold, if these profiles were known before.
    async fn current(pool: &MemoryPool, email: &str, known: &[Account]) -> Vec<String> {
        let (email, providers) = (Email::parse(email).unwrap(), Providers::default());
        let known = known.iter().map(|account| Owner::of(account.profile(), SystemTime::now(), &providers));
        let before = Owners { profiles: known.collect(), ..Owners::default() };
        let owners = Owners::current(pool, &email, SystemTime::now(), &providers, &before).await.unwrap();
        owners.profiles.into_iter().map(|owner| owner.profile.user_name.as_str().to_owned()).collect()
    }

    #[tokio::test]
    async fn every_native_profile_of_the_list_is_read_again() {
        let pool = MemoryPool::new(PoolKind::UserNames, ["a", "b", "c"].map(|name| native(ADA).named(name)));
        assert_eq!(current(&pool, ADA, &[]).await, ["a", "b", "c"]);
    }

    /// Otherwise a second account would be made beside it.
    #[tokio::test]
    async fn a_profile_that_was_known_is_read_although_a_list_that_lags_does_not_show_it() {
        let late = Quirks { list_lag: 9, ..Quirks::default() };
        let pool = MemoryPool::new(PoolKind::EmailAlias, []).with_quirks(late);
        let account = native(ADA).unverified();
        pool.change(|accounts| accounts.push(account.clone()));
        assert_eq!(current(&pool, ADA, &[]).await, [""; 0]);
        assert_eq!(current(&pool, ADA, std::slice::from_ref(&account)).await, [account.user_name]);
    }

    /// Cognito refuses a look-up by a longer name.
    #[tokio::test]
    async fn whoever_has_an_address_that_is_too_long_for_a_user_name_is_found_by_the_list() {
        for chars in [128, 129, 155] {
            let domain = format!("{}.{}.example", "b".repeat(40), "c".repeat(chars - 114));
            let address = format!("{}@{domain}", "a".repeat(64));
            assert_eq!(address.len(), chars);
            let pool = MemoryPool::new(PoolKind::EmailAlias, [native(&address).named("ada")]);
            assert_eq!(current(&pool, &address, &[]).await, ["ada"], "{chars} characters");
        }
    }
}
