//! The operator's port over the memory pool of the tests.

use super::{LinkedAs, Page, PoolFacts, Record, Registry};
use cognito_core::user_pool::memory::{Account, MemoryPool};
use cognito_core::user_pool::{Identity, PoolError, PoolErrorKind, Status, UserName, UserPool};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// The pool's settings are what most pools have.
#[derive(Clone, Debug)]
pub(crate) struct MemoryRegistry {
    pub(crate) pool: MemoryPool,
    pub(crate) facts: PoolFacts,
}

/// Small, so that tests meet several pages.
const PAGE: usize = 2;

impl MemoryRegistry {
    pub(crate) fn new(pool: &MemoryPool) -> Self {
        let facts = PoolFacts {
            estimated_users: 10,
            email_is_user_name: true,
            only_phone_is_user_name: false,
            keeps_address_until_verified: true,
            mutable_attributes: vec!["given_name".into(), "locale".into()],
            required_attributes: vec!["sub".into(), "email".into()],
        };
        Self { pool: pool.clone(), facts }
    }
}

pub(crate) fn record(account: &Account) -> Record {
    let mut attributes = account.attributes.clone();
    attributes.insert("sub".into(), account.sub.clone());
    attributes.insert("email_verified".into(), account.email_verified.to_string());
    if let Some(email) = &account.email {
        attributes.insert("email".into(), email.clone());
    }
    if !account.identities.is_empty() {
        let list: Vec<_> = account
            .identities
            .iter()
            .map(|i| json!({"userId": i.value, "providerName": i.provider, "primary": i.primary}))
            .collect();
        attributes.insert("identities".into(), json!(list).to_string());
    }
    let status = match account.status {
        Status::Unconfirmed => "UNCONFIRMED",
        Status::Confirmed => "CONFIRMED",
        Status::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
        Status::ResetRequired => "RESET_REQUIRED",
        Status::ExternalProvider => "EXTERNAL_PROVIDER",
        Status::Other => "ARCHIVED",
    };
    let created = account.created.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    Record {
        user_name: account.user_name.clone(),
        status: status.into(),
        enabled: account.enabled,
        created: created.map(|age| age.as_secs()),
        attributes,
    }
}

impl MemoryRegistry {
    fn on(&self, user: &UserName, operation: &'static str, change: impl FnOnce(&mut Account)) -> Result<(), PoolError> {
        let mut known = false;
        self.pool.change(|accounts| {
            if let Some(account) = accounts.iter_mut().find(|account| account.user_name == user.as_str()) {
                known = true;
                change(account);
            }
        });
        if known { Ok(()) } else { Err(PoolError::new(PoolErrorKind::UserNotFound, operation, "UserNotFound")) }
    }
}

impl Registry for MemoryRegistry {
    async fn facts(&self) -> Result<PoolFacts, PoolError> {
        Ok(self.facts.clone())
    }

    async fn page(&self, token: Option<&str>) -> Result<Page, PoolError> {
        let start = token.map_or(0, |token| token.parse().unwrap());
        let accounts = self.pool.accounts();
        let next = (start + PAGE < accounts.len()).then(|| (start + PAGE).to_string());
        Ok(Page { records: accounts.iter().skip(start).take(PAGE).map(record).collect(), next })
    }

    async fn record(&self, user_name: &str) -> Result<Option<Record>, PoolError> {
        Ok(self.pool.account(user_name).as_ref().map(record))
    }

    async fn groups(&self, user: &UserName) -> Result<Vec<String>, PoolError> {
        match self.pool.account(user.as_str()) {
            Some(account) => Ok(account.groups.into_iter().collect()),
            None => Err(PoolError::new(PoolErrorKind::UserNotFound, "AdminListGroupsForUser", "UserNotFound")),
        }
    }

    async fn write_attributes(&self, user: &UserName, attributes: &BTreeMap<String, String>) -> Result<(), PoolError> {
        self.on(user, "AdminUpdateUserAttributes", |account| account.attributes.extend(attributes.clone()))
    }

    async fn remove_attributes(&self, user: &UserName, names: &[String]) -> Result<(), PoolError> {
        self.on(user, "AdminDeleteUserAttributes", |account| account.attributes.retain(|name, _| !names.contains(name)))
    }

    async fn leave_group(&self, user: &UserName, group: &str) -> Result<(), PoolError> {
        self.on(user, "AdminRemoveUserFromGroup", |account| account.groups.retain(|name| name != group))
    }

    async fn disconnect(&self, identity: &LinkedAs) -> Result<(), PoolError> {
        let identity =
            Identity { provider_name: identity.provider.clone(), user_id: identity.value.clone(), primary: false };
        self.pool.unlink(&identity).await
    }
}
