//! The pool as a merge may use it: at a limited rate, and only for what the journal says.

use crate::rate_limit::RateLimits;
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{
    AvailableEmail, CheckedUserName, NewNative, PoolError, PoolErrorKind, Profile, RequiredAttribute, UserName,
    UserPool,
};
use std::sync::{Mutex, PoisonError};

/// A pool that allows only what the journal announced.
///
/// The linker decides again on what it finds. If the pool has changed so that it would touch another profile than the
/// one in the journal, the call fails.
#[derive(Debug)]
pub(super) struct Guard<'a, P> {
    pub(super) pool: &'a P,
    pub(super) limits: &'a RateLimits,
    /// The native profile to link to; `None` if it is to be created.
    pub(super) into: Option<&'a str>,
    /// The only profile that may be deleted: the journal has everything known of it.
    pub(super) deletable: Option<&'a str>,
    /// The attributes that a new native profile gets.
    pub(super) gives: Vec<&'a str>,
    /// Those of them that it was created without, because the pool did not accept them all.
    pub(super) left_out: Mutex<Vec<String>>,
}

impl<'a, P: UserPool> Guard<'a, P> {
    /// A pool in which nothing may be deleted.
    pub(super) fn new(pool: &'a P, limits: &'a RateLimits, into: Option<&'a str>) -> Self {
        Self { pool, limits, into, deletable: None, gives: Vec::new(), left_out: Mutex::default() }
    }

    /// The attributes that the new profile was created without.
    pub(super) fn left_out(&self) -> Vec<String> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn change(&self, user: &CheckedUserName, operation: &'static str) -> Result<(), PoolError> {
        if self.into.is_some_and(|into| into != user.as_str()) {
            return Err(PoolError::new(PoolErrorKind::Other, operation, "not the profile of the plan"));
        }
        self.limits.updates.wait().await;
        Ok(())
    }
}

impl<P: UserPool> UserPool for Guard<'_, P> {
    async fn profiles_with_email(&self, email: &Email) -> Result<Vec<Profile>, PoolError> {
        self.limits.lists.wait().await;
        let mut listed = self.pool.profiles_with_email(email).await?;
        // The list may lag behind and not show a profile that was just created.
        if let Some(into) = self.into.filter(|into| listed.iter().all(|profile| profile.user_name.as_str() != *into)) {
            let profile = self.pool.profile(into).await?;
            let has_address = |profile: &Profile| profile.email.as_deref().is_some_and(|own| email.is_same(own));
            listed.extend(profile.filter(|profile| profile.user_name.as_str() == into && has_address(profile)));
        }
        Ok(listed)
    }

    async fn profile(&self, name: &str) -> Result<Option<Profile>, PoolError> {
        self.pool.profile(name).await
    }

    async fn user_name_of_sub(&self, sub: &str) -> Result<Option<UserName>, PoolError> {
        self.limits.lists.wait().await;
        self.pool.user_name_of_sub(sub).await
    }

    async fn required_attributes(&self) -> Result<Vec<RequiredAttribute>, PoolError> {
        self.pool.required_attributes().await
    }

    async fn create_native(&self, new: &NewNative) -> Result<Profile, PoolError> {
        if self.into.is_some() {
            return Err(PoolError::new(PoolErrorKind::Other, "AdminCreateUser", "not in the plan"));
        }
        self.limits.updates.wait().await;
        let created = self.pool.create_native(new).await?;
        let left_out = self.gives.iter().filter(|name| !new.attributes.contains_key(**name));
        *self.left_out.lock().unwrap_or_else(PoisonError::into_inner) =
            left_out.map(|name| (*name).to_owned()).collect();
        Ok(created)
    }

    async fn replace_password(&self, user: &CheckedUserName, password: &Password) -> Result<(), PoolError> {
        self.change(user, "AdminSetUserPassword").await?;
        self.pool.replace_password(user, password).await
    }

    async fn link(&self, user: &CheckedUserName, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.change(user, "AdminLinkProviderForUser").await?;
        self.pool.link(user, identity).await
    }

    async fn unlink_source(&self, _identity: &SourceIdentity) -> Result<(), PoolError> {
        Err(PoolError::new(PoolErrorKind::Other, "AdminDisableProviderForUser", "not in the journal"))
    }

    async fn set_verified_email(&self, user: &CheckedUserName, email: &AvailableEmail) -> Result<(), PoolError> {
        self.change(user, "AdminUpdateUserAttributes").await?;
        self.pool.set_verified_email(user, email).await
    }

    async fn forget_phone_and_factors(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.change(user, "AdminSetUserMFAPreference").await?;
        self.pool.forget_phone_and_factors(user).await
    }

    async fn has_passkey(&self, user: &CheckedUserName) -> Result<bool, PoolError> {
        self.pool.has_passkey(user).await
    }

    async fn sign_out_everywhere(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.change(user, "AdminUserGlobalSignOut").await?;
        self.pool.sign_out_everywhere(user).await
    }

    async fn delete(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        if self.deletable != Some(user.as_str()) {
            return Err(PoolError::new(PoolErrorKind::Other, "AdminDeleteUser", "not in the journal"));
        }
        self.limits.updates.wait().await;
        self.pool.delete(user).await
    }

    async fn add_to_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        self.change(user, "AdminAddUserToGroup").await?;
        self.pool.add_to_group(user, group).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::user_pool::memory::{MemoryPool, PoolKind, native};

    #[tokio::test]
    async fn nothing_is_deleted_that_is_not_in_the_journal_and_nobody_else_is_changed() {
        let pool = MemoryPool::new(PoolKind::EmailUserNames, [native("ada@example.com"), native("eve@example.com")]);
        let limits = RateLimits::none();
        let checked = |name: &str| CheckedUserName::without_call(&UserName::new(name), "").unwrap();
        let (ada, eve) = (checked("native-ada@example.com"), checked("native-eve@example.com"));
        let guard = Guard::new(&pool, &limits, Some(ada.as_str()));
        assert!(guard.delete(&ada).await.is_err() && guard.delete(&eve).await.is_err());
        assert!(guard.sign_out_everywhere(&eve).await.is_err() && guard.add_to_group(&eve, "Users").await.is_err());
        assert!(guard.add_to_group(&ada, "Users").await.is_ok());
        let replacing = Guard { into: None, deletable: Some(eve.as_str()), ..guard };
        assert!(replacing.delete(&ada).await.is_err() && replacing.delete(&eve).await.is_ok());
        assert_eq!(pool.accounts().len(), 1);
    }
}
