use super::invitations::POLICY;
use super::{Account, MemoryPool, PoolErrorKind, PoolKind, State, native};
use crate::user_pool::{
    Administration, AppClient, AppClients, CheckedUserName, MfaSettings, NewRegistration, Page, PoolError,
    PoolSettings, ProfileRecord, Registered, Status, UserName,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Small, so that tests meet several pages.
const PAGE: usize = 2;

impl Account {
    /// Everything that an operator sees of the account.
    #[must_use]
    pub fn record(&self) -> ProfileRecord {
        let mut attributes = self.attributes.clone();
        attributes.insert("sub".into(), self.sub.clone());
        attributes.insert("email_verified".into(), self.email_verified.to_string());
        attributes.extend(self.email.clone().map(|email| ("email".into(), email)));
        if !self.identities.is_empty() {
            let entry = |linked: &super::LinkedIdentity| {
                let mut entry =
                    json!({ "userId": linked.value, "providerName": linked.provider, "primary": linked.primary });
                if let Some(connected) = linked.milliseconds() {
                    entry["dateCreated"] = connected.into();
                }
                entry
            };
            let list: Vec<_> = self.identities.iter().map(entry).collect();
            attributes.insert("identities".into(), json!(list).to_string());
        }
        let second_factors = self.second_factor.then(|| "SOFTWARE_TOKEN_MFA".to_owned()).into_iter().collect();
        let seconds = |time: SystemTime| Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs());
        ProfileRecord {
            user_name: self.user_name.clone(),
            status: wire(self.status).into(),
            enabled: self.enabled,
            created: self.created.and_then(seconds),
            modified: self.modified.and_then(seconds),
            attributes,
            mfa: MfaSettings { enabled: second_factors, preferred: None },
        }
    }
}

fn page_of(all: Vec<ProfileRecord>, token: Option<&str>) -> Result<Page, PoolErrorKind> {
    let start: usize = token.map_or(Ok(0), str::parse).map_err(|_| PoolErrorKind::InvalidParameter)?;
    let next = (start + PAGE < all.len()).then(|| (start + PAGE).to_string());
    Ok(Page { records: all.into_iter().skip(start).take(PAGE).collect(), next })
}

fn wire(status: Status) -> &'static str {
    match status {
        Status::Unconfirmed => "UNCONFIRMED",
        Status::Confirmed => "CONFIRMED",
        Status::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
        Status::ResetRequired => "RESET_REQUIRED",
        Status::ExternalProvider => "EXTERNAL_PROVIDER",
        Status::Other => "ARCHIVED",
    }
}

impl Administration for MemoryPool {
    /// The settings of most pools.
    async fn settings(&self) -> Result<PoolSettings, PoolError> {
        self.call("DescribeUserPool", "", |state| {
            Ok(PoolSettings {
                estimated_users: 10,
                user_name_attributes: match state.kind {
                    PoolKind::EmailUserNames => vec!["email".into()],
                    PoolKind::EmailAlias | PoolKind::UserNames => Vec::new(),
                },
                email_is_alias: state.kind == PoolKind::EmailAlias,
                mutable_attributes: vec!["given_name".into(), "locale".into()],
                required_attributes: vec!["email".into()],
                auto_verified_attributes: vec!["email".into()],
                administrators_only: false,
                password_policy: POLICY,
            })
        })
        .await
    }

    async fn page(&self, token: Option<&str>) -> Result<Page, PoolError> {
        self.call("ListUsers", "", |state| page_of(state.accounts.iter().map(Account::record).collect(), token)).await
    }

    async fn found_by(&self, name: &str) -> Result<Option<ProfileRecord>, PoolError> {
        self.call("AdminGetUser", name, |state| Ok(state.reached_by(name).map(|at| state.accounts[at].record()))).await
    }

    async fn groups(&self, user: &UserName) -> Result<Vec<String>, PoolError> {
        self.call("AdminListGroupsForUser", user.as_str(), |state| {
            Ok(state.account_mut(user.as_str())?.groups.iter().cloned().collect())
        })
        .await
    }

    async fn members(&self, group: &str, token: Option<&str>) -> Result<Page, PoolError> {
        self.call("ListUsersInGroup", "", |state| {
            if state.groups.iter().all(|name| name != group) {
                return Err(PoolErrorKind::ResourceNotFound);
            }
            let members = state.accounts.iter().filter(|account| account.groups.contains(group));
            page_of(members.map(Account::record).collect(), token)
        })
        .await
    }

    async fn sign_in_factors(&self, user: &UserName) -> Result<Vec<String>, PoolError> {
        self.call("AdminGetUserAuthFactors", user.as_str(), |state| {
            let account = state.account_mut(user.as_str())?;
            let factors = [(account.password.is_some(), "PASSWORD"), (account.passkey, "WEB_AUTHN")];
            Ok(factors.into_iter().filter(|(has, _)| *has).map(|(_, name)| name.to_owned()).collect())
        })
        .await
    }

    async fn write_attributes(
        &self,
        user: &CheckedUserName,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), PoolError> {
        self.update("AdminUpdateUserAttributes", user, |account| {
            for (name, value) in attributes {
                match name.as_str() {
                    "email" => account.email = Some(value.clone()),
                    "email_verified" => account.email_verified = value == "true",
                    _ => drop(account.attributes.insert(name.clone(), value.clone())),
                }
            }
        })
        .await
    }

    async fn remove_attributes(&self, user: &CheckedUserName, names: &[String]) -> Result<(), PoolError> {
        self.update("AdminDeleteUserAttributes", user, |account| {
            account.attributes.retain(|name, _| !names.contains(name));
        })
        .await
    }

    async fn leave_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        self.membership("AdminRemoveUserFromGroup", user, group, |groups| {
            groups.remove(group);
        })
        .await
    }
}

impl MemoryPool {
    /// The same pool with these app clients.
    #[must_use]
    pub fn with_app_clients(self, clients: impl IntoIterator<Item = AppClient>) -> Self {
        self.state().clients = clients.into_iter().collect();
        self
    }
}

impl AppClients for MemoryPool {
    async fn app_clients(&self) -> Result<Vec<AppClient>, PoolError> {
        self.call("ListUserPoolClients", "", |state| Ok(state.clients.clone())).await
    }

    async fn app_client(&self, id: &str) -> Result<Option<AppClient>, PoolError> {
        self.call("DescribeUserPoolClient", "", |state| {
            Ok(state.clients.iter().find(|client| client.id == id).cloned())
        })
        .await
    }

    async fn sign_up(&self, client: &AppClient, new: &NewRegistration<'_>) -> Result<Registered, PoolError> {
        self.call("SignUp", "", |state| state.register(client, new)).await
    }
}

impl State {
    fn register(&mut self, client: &AppClient, new: &NewRegistration<'_>) -> Result<Registered, PoolErrorKind> {
        if self.clients.iter().all(|known| known.id != client.id) {
            return Err(PoolErrorKind::ResourceNotFound);
        }
        if self.reached_by(new.user_name).is_some() {
            return Err(PoolErrorKind::UserNameExists);
        }
        let mut attributes = new.attributes.clone();
        let email = attributes.remove("email");
        let account = Account {
            password: Some(new.password.to_owned()),
            attributes,
            email: email.clone(),
            ..native(&email.unwrap_or_default()).unconfirmed()
        };
        let sub = self.add(new.user_name, account).sub;
        Ok(Registered { sub, confirmed: false, delivery: None })
    }
}
