//! The people of one user pool, as an operator's commands read and change them: the only place of these commands
//! that names SDK types.

mod account;
mod registration;

#[cfg(test)]
pub(crate) use account::tests as account_for_tests;
pub(crate) use account::{Account, LinkedIdentity};
pub(crate) use registration::{AppClient, Delivery, NewcomerRules, PasswordRules, Registered, Registration};

use crate::terminal::Refused;
use anyhow::{Result, bail};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, ProviderUserIdentifierType};
use cognito_core::email::Email;
use cognito_core::user_pool::aws::{AwsUserPool, AwsUserPools, failed};
use cognito_core::user_pool::{PoolError, PoolErrorKind, UserName, UserPool, UserPools};

/// The user pool of a command. Every method is one API call unless it says otherwise; a failed one is a
/// [`PoolError`], which names the operation, AWS's code and the request, and never repeats personal data.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    client: Client,
    pool: AwsUserPool,
    id: String,
}

impl Directory {
    /// The pool with this id. Makes no call.
    #[must_use]
    pub(crate) fn new(client: Client, id: &str) -> Self {
        Self { pool: AwsUserPools::new(client.clone()).pool(id), client, id: id.to_owned() }
    }

    /// The profile that a user name, a `sub` or an alias leads to, as it is right now; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The call fails, or the profile cannot be read.
    pub(crate) async fn account(&self, name: &str) -> Result<Option<Account>, PoolError> {
        match self.client.admin_get_user().user_pool_id(&self.id).username(name).send().await {
            Ok(user) => Account::read(&user).map(Some),
            Err(error) => match failed("AdminGetUser")(error) {
                gone if gone.kind() == PoolErrorKind::UserNotFound => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Every profile that `user` may mean: a user name, a `sub` or an e-mail address. Up to three calls and one per
    /// profile; an exact user name comes first.
    ///
    /// # Errors
    ///
    /// A call fails.
    pub(crate) async fn find(&self, user: &str) -> Result<Vec<Account>, PoolError> {
        let mut found: Vec<Account> = self.account(user).await?.into_iter().collect();
        let names = match Email::parse(user) {
            Ok(email) => self.names_with_email(&email).await?,
            Err(_) if found.is_empty() && is_sub(user) => self.names_with_sub(user).await?,
            Err(_) => Vec::new(),
        };
        for name in names {
            if found.iter().all(|known| known.user_name != name) {
                found.extend(self.account(&name).await?);
            }
        }
        Ok(found)
    }

    /// The one profile that `user` means, to change it. Calls as [`Directory::find`].
    ///
    /// # Errors
    ///
    /// A call fails, there is no such profile, or several have the address: a [`Refused`].
    pub(crate) async fn only(&self, user: &str) -> Result<Account> {
        let mut found = self.find(user).await?;
        if let Some(exact) = found.iter().position(|account| account.user_name == user) {
            return Ok(found.swap_remove(exact));
        }
        match (found.pop(), found.len()) {
            (None, _) => bail!("no profile of this pool has that user name, sub or e-mail address"),
            (Some(account), 0) => Ok(account),
            (Some(_), others) => bail!(Refused(format!(
                "{} profiles have that e-mail address, so name one by its user name: `cognito-triggers show` lists \
                 them, `cognito-triggers link` makes one of them",
                others + 1
            ))),
        }
    }

    /// The profiles that have an account's address beside that account, as they are right now. One call per page of
    /// the list, and one per profile.
    ///
    /// # Errors
    ///
    /// A call fails, or the address cannot be looked up.
    pub(crate) async fn others_with_email(&self, account: &Account, email: &str) -> Result<Vec<Account>> {
        let email = Email::parse(email)?;
        let mut others = Vec::new();
        for name in self.names_with_email(&email).await? {
            if name != account.user_name {
                others.extend(self.account(&name).await?);
            }
        }
        others.retain(|other| other.email().is_some_and(|theirs| email.is_same(theirs)));
        Ok(others)
    }

    /// The names of the groups a profile is in.
    ///
    /// # Errors
    ///
    /// The call fails.
    pub(crate) async fn groups(&self, account: &Account) -> Result<Vec<String>, PoolError> {
        let call = self.client.admin_list_groups_for_user().user_pool_id(&self.id).username(&account.user_name);
        let mut pages = call.into_paginator().stop_on_duplicate_token(false).send();
        let mut groups = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("AdminListGroupsForUser"))?;
            groups.extend(page.groups().iter().filter_map(|group| group.group_name().map(str::to_owned)));
        }
        Ok(groups)
    }

    /// What a profile can sign in with beside its identities, in AWS's words: `PASSWORD`, `WEB_AUTHN`, `EMAIL_OTP`,
    /// `SMS_OTP`.
    ///
    /// # Errors
    ///
    /// The call fails.
    pub(crate) async fn sign_in_factors(&self, account: &Account) -> Result<Vec<String>, PoolError> {
        let call = self.client.admin_get_user_auth_factors().user_pool_id(&self.id).username(&account.user_name);
        let factors = call.send().await.map_err(failed("AdminGetUserAuthFactors"))?;
        Ok(factors.configured_user_auth_factors().iter().map(|factor| factor.as_str().to_owned()).collect())
    }

    /// Unties an identity from whatever profile holds it. `attribute` and `value` are what the link was made with.
    ///
    /// # Errors
    ///
    /// The call fails; [`PoolErrorKind::ResourceNotFound`] or [`PoolErrorKind::InvalidParameter`] if Cognito knows no
    /// such link.
    pub(crate) async fn unlink(&self, provider: &str, attribute: &str, value: &str) -> Result<(), PoolError> {
        let user = ProviderUserIdentifierType::builder()
            .provider_name(provider)
            .provider_attribute_name(attribute)
            .provider_attribute_value(value);
        let call = self.client.admin_disable_provider_for_user().user_pool_id(&self.id).user(user.build());
        call.send().await.map_err(failed("AdminDisableProviderForUser"))?;
        Ok(())
    }

    /// Sets `email_verified` for the address that the profile has.
    ///
    /// # Errors
    ///
    /// The call fails; [`PoolErrorKind::AliasExists`] if the address is another profile's alias.
    pub(crate) async fn set_email_verified(&self, account: &Account, verified: bool) -> Result<(), PoolError> {
        let flag = attribute("email_verified", if verified { "true" } else { "false" })?;
        let call = self.client.admin_update_user_attributes().user_pool_id(&self.id).username(&account.user_name);
        call.user_attributes(flag).send().await.map_err(failed("AdminUpdateUserAttributes"))?;
        Ok(())
    }

    /// Deletes the profile for good.
    ///
    /// # Errors
    ///
    /// The call fails.
    pub(crate) async fn delete(&self, user_name: &str) -> Result<(), PoolError> {
        self.pool.delete(&UserName::new(user_name)).await
    }

    async fn names_with_email(&self, email: &Email) -> Result<Vec<String>, PoolError> {
        let listed = self.pool.profiles_with_email(email).await?;
        Ok(listed.into_iter().map(|profile| profile.user_name.as_str().to_owned()).collect())
    }

    async fn names_with_sub(&self, sub: &str) -> Result<Vec<String>, PoolError> {
        let call = self.client.list_users().user_pool_id(&self.id).filter(format!("sub = \"{sub}\""));
        let listed = call.send().await.map_err(failed("ListUsers"))?;
        Ok(listed.users().iter().filter_map(|user| user.username().map(str::to_owned)).collect())
    }
}

/// Whether a text has the form of a `sub`, a UUID: nothing in it that a filter could misread.
fn is_sub(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn attribute(name: &str, value: &str) -> Result<AttributeType, PoolError> {
    AttributeType::builder()
        .name(name)
        .value(value)
        .build()
        .map_err(|_| PoolError::new(PoolErrorKind::Other, "UserAttributes", "an attribute without a name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_is_put_into_a_filter_for_a_sub() {
        assert!(is_sub("5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11"));
        for text in ["", "somebody", "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e1\"", "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e111"] {
            assert!(!is_sub(text), "{text}");
        }
    }
}
