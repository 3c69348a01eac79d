//! The port in memory, for tests: a user pool that behaves as Cognito does where it matters for
//! accounts, and can be asked afterwards who gets in.

mod account;
#[cfg(feature = "administration")]
mod administration;
mod invitations;

pub use account::{Account, LinkedIdentity, federated, invited, native};

use super::{
    AvailableEmail, CheckedUserName, MAX_USER_NAME_CHARS, NewNative, PoolError, PoolErrorKind, Profile,
    RequiredAttribute, Status, UserName, UserPool, UserPools,
};
use crate::email::Email;
use crate::password::Password;
use crate::provider::SourceIdentity;
use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// How the pool identifies people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// `UsernameAttributes: [email]`: the address is the user name, native profiles never share one.
    EmailUserNames,
    /// `AliasAttributes: [email]`: several profiles may carry an address, one may have it verified.
    EmailAlias,
    /// Neither: people choose a user name, and several profiles may have an address verified.
    UserNames,
}

/// What AWS does sometimes, or did once. Tests switch it on.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Quirks {
    /// Linking to a profile that still has a temporary password is refused (amplify-js#497).
    pub refuse_link_before_password: bool,
    /// Linking an identity a second time to the same profile is refused (amplify-js#13334).
    pub refuse_link_again: bool,
    /// `ListUsers` shows the pool as it was this many changes ago, at most 15.
    pub list_lag: usize,
    /// A stand-alone federated profile keeps its verified address from being created again.
    pub stand_alone_holds_alias: bool,
    /// A verified mark on a second profile takes the address from the first without an error (aws-sdk-ios#515,
    /// boto3#3213). Without this quirk the call is refused.
    pub alias_moves: bool,
    /// User names and aliases are compared by the case rules of Unicode, where the Kelvin sign is a `k`. This does not
    /// change how addresses are listed.
    pub folds_unicode_names: bool,
    /// The phone number is a user name as well, so that no two profiles have the same.
    pub phone_is_user_name: bool,
    /// `preferred_username` is an alias, and is found before a user name.
    pub alias_comes_first: bool,
    /// Every link is refused, as where the provider's mapping fills an immutable attribute.
    pub refuse_every_link: bool,
    /// `name` is a required attribute.
    pub requires_name: bool,
    /// `phone_number` is a required attribute.
    pub requires_phone_number: bool,
    /// Why a new native profile is refused, beyond what the pool refuses by itself; `None` if it is not.
    pub refuses: Option<fn(&NewNative) -> Option<PoolErrorKind>>,
    /// Nobody is invited, as where an attribute does not fit the pool.
    pub refuse_every_invitation: bool,
    /// No password opens an account, as for a while after many wrong ones (developer guide, "Lockout behavior for failed
    /// sign-in attempts").
    pub refuse_every_password: bool,
    /// This operation has no quota left, by its name at AWS.
    pub throttled: Option<&'static str>,
    /// AWS answers no call.
    pub unavailable: bool,
}

/// How many states of the pool are kept, the present one included: more than any story of a test makes, and few beside the
/// thousands that a pool under fire makes.
const REMEMBERED: usize = 64;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It happens and its reply arrives.
    Happens,
    /// It fails before it has any effect.
    Fails,
    /// It happens, and the reply is lost.
    ReplyLost,
}

/// Stands between a caller and the pool.
pub trait Interceptor: Send + Sync {
    /// Holds a call as long as it likes, and says what becomes of it. `operation` is AWS's name, `of` the name that the call is
    /// made with; it is empty where a call is about no single profile.
    fn before<'a>(&'a self, operation: &'static str, of: &'a str) -> Pin<Box<dyn Future<Output = Fate> + Send + 'a>>;

    /// A call has just happened, with this reply. Its caller does not know yet.
    fn after(&self, _operation: &'static str, _reply: &dyn fmt::Debug) {}
}

/// Changes a pool as somebody else would. Gets the operation that is about to be called.
type Change = dyn FnMut(&'static str, &mut Vec<Account>) + Send;

#[derive(Clone)]
struct State {
    kind: PoolKind,
    quirks: Quirks,
    now: SystemTime,
    groups: Vec<String>,
    #[cfg(feature = "administration")]
    clients: Vec<super::AppClient>,
    accounts: Vec<Account>,
    history: Vec<Vec<Account>>,
    created: u32,
    calls: Vec<&'static str>,
    before_each_call: Option<Arc<Mutex<Change>>>,
}

/// A user pool in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryPool {
    state: Arc<Mutex<State>>,
    interceptor: Option<Arc<dyn Interceptor>>,
}

impl fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryPool(…)")
    }
}

impl MemoryPool {
    /// A pool with these accounts, one group, `Users`, and one app client, `app`.
    #[must_use]
    pub fn new(kind: PoolKind, accounts: impl IntoIterator<Item = Account>) -> Self {
        let accounts: Vec<Account> = accounts.into_iter().collect();
        let state = State {
            kind,
            quirks: Quirks::default(),
            now: SystemTime::now(),
            groups: vec!["Users".into()],
            #[cfg(feature = "administration")]
            clients: vec![super::AppClient::new("app", Vec::new(), None)],
            history: vec![accounts.clone()],
            accounts,
            created: 0,
            calls: Vec::new(),
            before_each_call: None,
        };
        Self { state: Arc::new(Mutex::new(state)), interceptor: None }
    }

    /// The same pool, as somebody reaches it whose every call passes here.
    #[must_use]
    pub fn behind(&self, interceptor: Arc<dyn Interceptor>) -> Self {
        Self { state: Arc::clone(&self.state), interceptor: Some(interceptor) }
    }

    /// The same pool with quirks.
    #[must_use]
    pub fn with_quirks(self, quirks: Quirks) -> Self {
        self.state().quirks = quirks;
        self
    }

    /// Takes over everything that another pool has.
    pub fn copy_from(&self, other: &Self) {
        let copied = other.state().clone();
        *self.state() = copied;
    }

    /// Other quirks from now on.
    pub fn set_quirks(&self, quirks: Quirks) {
        self.state().quirks = quirks;
    }

    /// The time: that of new profiles, and by which temporary passwords expire.
    pub fn set_now(&self, now: SystemTime) {
        self.state().now = now;
    }

    /// All accounts as they are now.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.state().accounts.clone()
    }

    /// The account with this exact user name.
    #[must_use]
    pub fn account(&self, user_name: &str) -> Option<Account> {
        self.state().accounts.iter().find(|account| account.user_name == user_name).cloned()
    }

    /// The accounts that an identity signs in to; more than one is a broken pool.
    #[must_use]
    pub fn owners_of(&self, provider: &str, subject: &str) -> Vec<Account> {
        self.state().accounts.iter().filter(|account| account.has_identity(provider, subject)).cloned().collect()
    }

    /// The calls made so far, by the name of AWS's operation.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.state().calls.clone()
    }

    /// Changes the pool as an administrator or another process would.
    pub fn change(&self, change: impl FnOnce(&mut Vec<Account>)) {
        let mut state = self.state();
        change(&mut state.accounts);
        state.remember();
    }

    /// Deletes a group with everybody's membership, as an administrator would.
    pub fn delete_group(&self, group: &str) {
        self.state().groups.retain(|name| name != group);
        self.change(|accounts| {
            for account in accounts {
                account.groups.remove(group);
            }
        });
    }

    /// Makes a change before each call from now on, as somebody else would. It gets the name of AWS's operation.
    pub fn before_each_call(&self, change: impl FnMut(&'static str, &mut Vec<Account>) + Send + 'static) {
        self.state().before_each_call = Some(Arc::new(Mutex::new(change)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call; `of` as for [`Interceptor::before`].
    async fn call<T: fmt::Debug>(
        &self,
        operation: &'static str,
        of: &str,
        work: impl FnOnce(&mut State) -> Result<T, PoolErrorKind>,
    ) -> Result<T, PoolError> {
        let Some(interceptor) = &self.interceptor else { return self.happens(operation, work) };
        let lost = || Err(PoolError::new(PoolErrorKind::Unavailable, operation, "simulated"));
        let fate = interceptor.before(operation, of).await;
        if fate == Fate::Fails {
            return lost();
        }
        let reply = self.happens(operation, work);
        interceptor.after(operation, &reply);
        if fate == Fate::ReplyLost { reply.and_then(|_| lost()) } else { reply }
    }

    fn happens<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut State) -> Result<T, PoolErrorKind>,
    ) -> Result<T, PoolError> {
        let mut state = self.state();
        state.let_others_act_before(operation);
        state.calls.push(operation);
        let answer = match state.quirks {
            Quirks { unavailable: true, .. } => Err(PoolErrorKind::Unavailable),
            Quirks { throttled, .. } if throttled == Some(operation) => Err(PoolErrorKind::Throttled),
            _ => work(&mut state),
        };
        answer.map_err(|kind| PoolError::new(kind, operation, format!("{kind:?}")))
    }

    async fn update(
        &self,
        operation: &'static str,
        user: &CheckedUserName,
        change: impl FnOnce(&mut Account),
    ) -> Result<(), PoolError> {
        let update = |state: &mut State| {
            change(state.account_mut(user.as_str())?);
            state.remember();
            Ok(())
        };
        self.call(operation, user.as_str(), update).await
    }

    /// Makes a call that changes in which groups an account is.
    async fn membership(
        &self,
        operation: &'static str,
        user: &CheckedUserName,
        group: &str,
        change: impl FnOnce(&mut BTreeSet<String>),
    ) -> Result<(), PoolError> {
        self.call(operation, user.as_str(), |state| {
            let known = state.groups.iter().any(|name| name == group);
            let account = state.account_mut(user.as_str())?;
            if !known {
                return Err(PoolErrorKind::ResourceNotFound);
            }
            change(&mut account.groups);
            state.remember();
            Ok(())
        })
        .await
    }
}

impl State {
    fn account_mut(&mut self, name: &str) -> Result<&mut Account, PoolErrorKind> {
        let at = self.reached_by(name).ok_or(PoolErrorKind::UserNotFound)?;
        Ok(&mut self.accounts[at])
    }

    /// The account a person reaches by this name: the exact user name, then an alias.
    fn reached_by(&self, name: &str) -> Option<usize> {
        let by_alias = |account: &Account| match self.kind {
            PoolKind::EmailUserNames => !account.is_stand_alone() && self.is_alias(account, name),
            PoolKind::EmailAlias => account.email_verified && self.is_alias(account, name),
            PoolKind::UserNames => false,
        };
        let prefers = |account: &Account| account.attributes.get("preferred_username").is_some_and(|own| own == name);
        let called = |account: &Account| self.quirks.phone_is_user_name && account.phone.as_deref() == Some(name);
        self.accounts
            .iter()
            .position(|account| self.quirks.alias_comes_first && prefers(account))
            .or_else(|| self.accounts.iter().position(|account| account.user_name == name || account.sub == name))
            .or_else(|| self.accounts.iter().position(|account| by_alias(account) || called(account)))
    }

    /// Whether the pool finds the account by this text, as its address.
    fn is_alias(&self, account: &Account, name: &str) -> bool {
        let is_folded = |own: &String| self.quirks.folds_unicode_names && own.to_lowercase() == name.to_lowercase();
        account.has_email(name) || account.email.as_ref().is_some_and(is_folded)
    }

    fn let_others_act_before(&mut self, operation: &'static str) {
        if let Some(change) = self.before_each_call.clone() {
            change.lock().unwrap_or_else(PoisonError::into_inner)(operation, &mut self.accounts);
            self.remember();
        }
    }

    fn remember(&mut self) {
        if self.history.len() == REMEMBERED {
            self.history.remove(0);
        }
        self.history.push(self.accounts.clone());
    }

    fn create(&mut self, new: &NewNative) -> Result<Profile, PoolErrorKind> {
        let has = |name| new.attributes.contains_key(name);
        let lacks =
            (self.quirks.requires_name && !has("name")) || (self.quirks.requires_phone_number && !has("phone_number"));
        if lacks {
            return Err(PoolErrorKind::InvalidParameter);
        }
        let email = new.email.as_str();
        let holds_address = |account: &Account| {
            self.is_alias(account, email) && (!account.is_stand_alone() || self.quirks.stand_alone_holds_alias)
        };
        let phone = new.attributes.get("phone_number").filter(|_| self.quirks.phone_is_user_name);
        let is_named = |a: &Account| a.user_name == new.user_name || (phone.is_some() && a.phone.as_ref() == phone);
        if self.accounts.iter().any(is_named) {
            return Err(PoolErrorKind::UserNameExists);
        }
        match self.kind {
            PoolKind::EmailUserNames if self.accounts.iter().any(holds_address) => {
                return Err(PoolErrorKind::UserNameExists);
            }
            PoolKind::EmailAlias if self.accounts.iter().any(|a| a.email_verified && holds_address(a)) => {
                return Err(PoolErrorKind::AliasExists);
            }
            _ => {}
        }
        if let Some(kind) = self.quirks.refuses.and_then(|refuses| refuses(new)) {
            return Err(kind);
        }
        let password = Some(format!("temporary-{}", self.created + 1));
        let attributes = new.attributes.clone();
        let account = Account { status: Status::ForceChangePassword, password, attributes, ..native(email) };
        Ok(self.add(&new.user_name, account))
    }

    /// Adds a native account for which this user name was asked.
    fn add(&mut self, user_name: &str, account: Account) -> Profile {
        self.created += 1;
        // Of the form that Cognito gives, and the same in each run.
        let sub = format!("00000000-0000-4000-a000-{:012}", self.created);
        let user_name = match self.kind {
            PoolKind::EmailUserNames => sub.clone(),
            PoolKind::EmailAlias | PoolKind::UserNames => user_name.to_owned(),
        };
        let account = Account { user_name, sub, created: Some(self.now), ..account };
        let profile = account.profile();
        self.accounts.push(account);
        self.remember();
        profile
    }

    fn link(&mut self, user: &CheckedUserName, source: &SourceIdentity) -> Result<(), PoolErrorKind> {
        let quirks = self.quirks;
        if quirks.refuse_every_link {
            return Err(PoolErrorKind::InvalidParameter);
        }
        let (provider, value) = (source.provider(), source.value());
        if !self.accounts.iter().any(|account| account.user_name == user.as_str()) {
            return Err(PoolErrorKind::UserNotFound);
        }
        let is_it = |known: &LinkedIdentity| known.is(provider, value) && known.attribute == source.attribute();
        if let Some(owner) = self.accounts.iter().find(|account| account.identities.iter().any(is_it)) {
            // One identity has one owner; AWS answers both cases below with InvalidParameter.
            let harmless = owner.user_name == user.as_str() && !quirks.refuse_link_again;
            return if harmless { Ok(()) } else { Err(PoolErrorKind::InvalidParameter) };
        }
        let now = self.now;
        let account = self.account_mut(user.as_str())?;
        if account.identities.len() >= 5 {
            return Err(PoolErrorKind::LimitExceeded);
        }
        if quirks.refuse_link_before_password && account.status == Status::ForceChangePassword {
            return Err(PoolErrorKind::AliasExists);
        }
        let linked = LinkedIdentity { connected: Some(now), ..LinkedIdentity::new(provider, value) };
        account.identities.push(LinkedIdentity { attribute: source.attribute().to_owned(), ..linked });
        self.remember();
        Ok(())
    }
}

impl UserPool for MemoryPool {
    async fn profiles_with_email(&self, email: &Email) -> Result<Vec<Profile>, PoolError> {
        self.call("ListUsers", "", |state| {
            let seen = state.history.len().saturating_sub(1 + state.quirks.list_lag);
            let listed = state.history[seen].iter().filter(|account| account.has_email(email.as_str()));
            // `ListUsers` shows no second factors.
            Ok(listed.map(|account| Profile { has_second_factor: false, ..account.profile() }).collect())
        })
        .await
    }

    async fn profile(&self, name: &str) -> Result<Option<Profile>, PoolError> {
        self.call("AdminGetUser", name, |state| {
            if name.chars().count() > MAX_USER_NAME_CHARS {
                return Err(PoolErrorKind::InvalidParameter);
            }
            Ok(state.reached_by(name).map(|at| state.accounts[at].profile()))
        })
        .await
    }

    async fn user_name_of_sub(&self, sub: &str) -> Result<Option<UserName>, PoolError> {
        self.call("ListUsers", "", |state| {
            let found = state.accounts.iter().find(|account| account.sub.eq_ignore_ascii_case(sub));
            Ok(found.map(|account| UserName::new(&account.user_name)))
        })
        .await
    }

    async fn required_attributes(&self) -> Result<Vec<RequiredAttribute>, PoolError> {
        let required =
            |name: &str| RequiredAttribute { name: name.to_owned(), min_length: Some(1), max_length: Some(2048) };
        self.call("DescribeUserPool", "", |state| {
            let name = state.quirks.requires_name.then(|| required("name"));
            let phone = state.quirks.requires_phone_number.then(|| required("phone_number"));
            Ok([required("email")].into_iter().chain(name).chain(phone).collect())
        })
        .await
    }

    async fn create_native(&self, new: &NewNative) -> Result<Profile, PoolError> {
        self.call("AdminCreateUser", "", |state| state.create(new)).await
    }

    async fn replace_password(&self, user: &CheckedUserName, password: &Password) -> Result<(), PoolError> {
        self.update("AdminSetUserPassword", user, |account| {
            account.password = Some(password.expose().to_owned());
            account.status = Status::Confirmed;
        })
        .await
    }

    async fn link(&self, user: &CheckedUserName, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.call("AdminLinkProviderForUser", user.as_str(), |state| state.link(user, identity)).await
    }

    async fn unlink_source(&self, identity: &SourceIdentity) -> Result<(), PoolError> {
        let (provider, value) = (identity.provider(), identity.value());
        self.call("AdminDisableProviderForUser", "", |state| {
            let is_it = |known: &LinkedIdentity| known.is(provider, value) && known.attribute == identity.attribute();
            let is_owner = |account: &&mut Account| account.identities.iter().any(is_it);
            let owner = state.accounts.iter_mut().find(is_owner).ok_or(PoolErrorKind::UserNotFound)?;
            // A profile that was made for the identity keeps it, and nobody signs in to it any more.
            owner.enabled &= !owner.identities.iter().any(|known| is_it(known) && known.primary);
            owner.identities.retain(|known| !is_it(known) || known.primary);
            state.remember();
            Ok(())
        })
        .await
    }

    async fn set_verified_email(&self, user: &CheckedUserName, email: &AvailableEmail) -> Result<(), PoolError> {
        let email = email.email();
        self.call("AdminUpdateUserAttributes", user.as_str(), |state| {
            let moves = state.quirks.alias_moves;
            // Where the address is no name, any number of profiles may have it as verified.
            let one_holder = state.kind != PoolKind::UserNames;
            let is_holder = |account: &&mut Account| {
                let another = one_holder && account.user_name != user.as_str();
                another && account.email_verified && account.has_email(email.as_str())
            };
            for holder in state.accounts.iter_mut().filter(is_holder) {
                if !moves {
                    return Err(PoolErrorKind::AliasExists);
                }
                holder.email_verified = false;
            }
            let account = state.account_mut(user.as_str())?;
            account.email = Some(email.to_lower_case());
            account.email_verified = true;
            account.pending_email = None;
            state.remember();
            Ok(())
        })
        .await
    }

    async fn forget_phone_and_factors(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.update("AdminSetUserMFAPreference", user, |account| account.second_factor = false).await?;
        let stays = self.state().quirks.requires_phone_number;
        let forget = |account: &mut Account| {
            account.phone = account.phone.take().filter(|_| stays);
            account.phone_verified = false;
        };
        self.update("AdminDeleteUserAttributes", user, forget).await
    }

    async fn has_passkey(&self, user: &CheckedUserName) -> Result<bool, PoolError> {
        self.call("AdminGetUserAuthFactors", user.as_str(), |state| Ok(state.account_mut(user.as_str())?.passkey)).await
    }

    async fn sign_out_everywhere(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.update("AdminUserGlobalSignOut", user, |account| account.sessions.clear()).await
    }

    async fn delete(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.call("AdminDeleteUser", user.as_str(), |state| {
            let at = state.reached_by(user.as_str()).ok_or(PoolErrorKind::UserNotFound)?;
            state.accounts.remove(at);
            state.remember();
            Ok(())
        })
        .await
    }

    async fn add_to_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        self.membership("AdminAddUserToGroup", user, group, |groups| {
            groups.insert(group.to_owned());
        })
        .await
    }
}

impl UserPools for MemoryPool {
    type Pool = Self;

    fn pool(&self, _id: &str) -> Self {
        self.clone()
    }
}
