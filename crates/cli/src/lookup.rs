//! Finds the profiles that an operator means.

use anyhow::{Result, bail};
use cognito_core::email::Email;
use cognito_core::user_pool::{Administration, PoolError, Profile, ProfileRecord};

/// Every profile that `user` may mean: a user name, a `sub` or an e-mail address. An exact user name comes first.
/// Makes up to three calls, and one per profile.
///
/// # Errors
///
/// Fails if a call fails.
pub(crate) async fn find(pool: &impl Administration, user: &str) -> Result<Vec<ProfileRecord>, PoolError> {
    let mut found: Vec<_> = pool.found_by(user).await?.into_iter().collect();
    let email = Email::parse(user).ok();
    let names = match &email {
        Some(email) => pool.profiles_with_email(email).await?.into_iter().map(|profile| profile.user_name).collect(),
        // The user name of a stand-alone profile has to be looked up; a native one was found by its `sub` already.
        None if found.is_empty() => pool.user_name_of_sub(user).await?.into_iter().collect(),
        None => Vec::new(),
    };
    // A user name may look like the `sub` or an alias of somebody else. So only the profile of exactly that name
    // counts, and only with the address that was asked for.
    let is_meant = |record: &ProfileRecord| match &email {
        Some(email) => record.attribute("email").is_some_and(|theirs| email.is_same(theirs)),
        None => record.sub() == user,
    };
    for name in names {
        if found.iter().all(|known| known.user_name != name.as_str()) {
            found.extend(pool.record(name.as_str()).await?.filter(is_meant));
        }
    }
    Ok(found)
}

/// The one profile that `user` means, to change it. Makes the same calls as [`find`].
///
/// # Errors
///
/// Returns [`Refused`](crate::terminal::Refused) if there is no such profile, or if several have the address. Also
/// fails if a call fails.
pub(crate) async fn only(pool: &impl Administration, user: &str) -> Result<ProfileRecord> {
    let mut found = find(pool, user).await?;
    if let Some(exact) = found.iter().position(|record| record.user_name == user) {
        let record = found.swap_remove(exact);
        if let Ok(email) = Email::parse(user)
            && !record.attribute("email").is_some_and(|theirs| email.is_same(theirs))
        {
            refuse!(
                "that address is the user name of a profile with another address. Name the profile that you mean by its sub: \
                 `cognito-triggers show` lists them"
            );
        }
        return Ok(record);
    }
    match (found.pop(), found.len()) {
        (None, _) => bail!("no profile of this pool has that user name, sub or e-mail address"),
        (Some(record), 0) => Ok(record),
        (Some(_), others) => refuse!(
            "{} profiles have that e-mail address. Name one by its user name: `cognito-triggers show` lists them. If they \
             belong to one person, `cognito-triggers link` merges them",
            others + 1
        ),
    }
}

/// The other profiles with a profile's address. Native ones are read one by one. Stand-alone ones are taken from the
/// list, because nobody signs in to them by an address. Makes one call per page of the list, and one per native
/// profile.
///
/// # Errors
///
/// Fails if a call fails, or if the address cannot be looked up.
pub(crate) async fn others_with_email(
    pool: &impl Administration,
    record: &ProfileRecord,
    email: &str,
) -> Result<Vec<Profile>> {
    let email = Email::parse(email)?;
    let mut others = Vec::new();
    for listed in pool.profiles_with_email(&email).await? {
        if listed.user_name.as_str() == record.user_name {
            continue;
        }
        if listed.is_stand_alone() {
            others.push(listed);
        } else {
            let now = pool.profile(listed.user_name.as_str()).await?;
            others.extend(now.filter(|now| now.user_name == listed.user_name));
        }
    }
    others.retain(|other| other.email.as_deref().is_some_and(|theirs| email.is_same(theirs)));
    Ok(others)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::terminal::Refused;
    use cognito_core::user_pool::memory::{Account, MemoryPool, PoolKind, federated, native};

    const SUB: &str = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";

    /// A confirmed native profile with a verified address, `ada`.
    pub(crate) fn ada() -> Account {
        Account { sub: SUB.into(), ..native("ada@example.com").named("ada") }
    }

    #[tokio::test]
    async fn a_profile_is_found_by_its_name_its_sub_or_its_address() {
        let google = Account { sub: SUB.into(), ..federated("Google", "1", "ada@example.com") };
        let pool = MemoryPool::new(PoolKind::EmailAlias, [native("ada@example.com").named("n"), google]);
        for (user, expected) in [("n", "n"), ("sub-n", "n"), ("Google_1", "Google_1"), (SUB, "Google_1")] {
            assert_eq!(only(&pool, user).await.unwrap().user_name, expected, "{user}");
        }
        assert_eq!(find(&pool, "ADA@example.com").await.unwrap().len(), 2);
        let several = only(&pool, "ada@example.com").await.unwrap_err();
        assert!(several.downcast_ref::<Refused>().unwrap().0.contains("2 profiles"), "{several}");
        assert!(only(&pool, "nobody").await.unwrap_err().downcast_ref::<Refused>().is_none());
        let one = pool.record("n").await.unwrap().unwrap();
        let others = others_with_email(&pool, &one, "ada@example.com").await.unwrap();
        assert_eq!(others.iter().map(|other| other.user_name.as_str()).collect::<Vec<_>>(), ["Google_1"]);
        assert_eq!(pool.calls().last(), Some(&"ListUsers"), "the list says enough of a stand-alone profile");
    }

    #[tokio::test]
    async fn an_address_never_leads_to_a_profile_with_another_address() {
        let target = Account { sub: SUB.into(), ..native("ceo@corp.example").unverified().named("p2") };
        let bait = native("eve@mail.example").named(SUB).unverified();
        let pool = MemoryPool::new(PoolKind::EmailAlias, [target, bait]);
        let found = find(&pool, "eve@mail.example").await.unwrap();
        assert!(found.iter().all(|record| record.user_name != "p2"), "{found:?}");
    }

    #[tokio::test]
    async fn a_user_name_that_is_the_address_of_somebody_else_is_refused() {
        let eve = native("ceo@corp.example").unverified().named("ada@example.com");
        let pool = MemoryPool::new(PoolKind::EmailAlias, [native("ada@example.com").unverified().named("ada"), eve]);
        let why = only(&pool, "ada@example.com").await.unwrap_err();
        assert!(why.is::<Refused>() && why.to_string().contains("sub"), "{why}");
    }
}
