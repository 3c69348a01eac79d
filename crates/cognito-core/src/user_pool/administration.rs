//! What an operator asks of a pool: whole profiles, page by page, and the pool's own settings.
//!
//! No trigger function enables this: their roles do not allow the calls.

mod record;
mod registration;

pub use record::{MfaSettings, ProfileRecord};
pub use registration::{AppClient, Delivery, NewRegistration, Registered};

use super::{CheckedUserName, NativeUserName, PasswordPolicy, PoolError, UserName, UserPool};
use std::collections::BTreeMap;

/// One user pool, as an operator sees it. Every method makes one API call unless it says otherwise, and may be
/// repeated.
pub trait Administration: UserPool {
    /// How the pool is set up.
    fn settings(&self) -> impl Future<Output = Result<PoolSettings, PoolError>> + Send;

    /// At most 60 profiles, from the start or from where `token` says.
    fn page(&self, token: Option<&str>) -> impl Future<Output = Result<Page, PoolError>> + Send;

    /// The current profile with this user name, `sub` (native profiles only) or alias; `None` if there is none.
    fn found_by(&self, name: &str) -> impl Future<Output = Result<Option<ProfileRecord>, PoolError>> + Send;

    /// The current profile with exactly this user name; `None` if there is none. Another profile may have the name as
    /// an alias; this never returns that one.
    fn record(&self, user_name: &str) -> impl Future<Output = Result<Option<ProfileRecord>, PoolError>> + Send {
        async move { Ok(self.found_by(user_name).await?.filter(|record| record.user_name == user_name)) }
    }

    /// The groups of a profile, from all pages.
    fn groups(&self, user: &UserName) -> impl Future<Output = Result<Vec<String>, PoolError>> + Send;

    /// At most 60 members of a group, from the start or from where `token` says.
    fn members(&self, group: &str, token: Option<&str>) -> impl Future<Output = Result<Page, PoolError>> + Send;

    /// What a profile can sign in with in addition to its identities, in AWS's words: `PASSWORD`, `WEB_AUTHN`,
    /// `EMAIL_OTP`, `SMS_OTP`.
    fn sign_in_factors(&self, user: &UserName) -> impl Future<Output = Result<Vec<String>, PoolError>> + Send;

    /// Sets attributes.
    fn write_attributes(
        &self,
        user: &CheckedUserName,
        attributes: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Removes attributes. One that the profile does not have is no error.
    fn remove_attributes(
        &self,
        user: &CheckedUserName,
        names: &[String],
    ) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Takes a profile out of a group.
    fn leave_group(&self, user: &CheckedUserName, group: &str) -> impl Future<Output = Result<(), PoolError>> + Send;
}

/// The ways into a pool that apps have, and registering through one as an app does.
pub trait AppClients: Sync {
    /// Every app client. One call per page and one per client.
    fn app_clients(&self) -> impl Future<Output = Result<Vec<AppClient>, PoolError>> + Send;

    /// An app client; `None` if the pool has none with this id.
    fn app_client(&self, id: &str) -> impl Future<Output = Result<Option<AppClient>, PoolError>> + Send;

    /// Registers somebody, which sends the code.
    ///
    /// The only method that must not be repeated, and the SDK does not repeat it either. So
    /// [`PoolErrorKind::UserNameExists`](super::PoolErrorKind::UserNameExists) never means that this registration was made
    /// before: somebody has the name, or it is not free again yet.
    fn sign_up(
        &self,
        client: &AppClient,
        new: &NewRegistration<'_>,
    ) -> impl Future<Output = Result<Registered, PoolError>> + Send;
}

/// How a pool is set up (`DescribeUserPool`): the few settings that a merge or a registration goes by.
///
/// To write settings back, use the JSON that Cognito sent, which also has the settings that the SDK does not know. This
/// port does not handle it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSettings {
    /// Cognito's own estimate of the number of profiles.
    pub estimated_users: u64,
    /// The attributes that stand for the user name, `email` or `phone_number`; none if people choose names.
    pub user_name_attributes: Vec<String>,
    /// Whether the address is an alias: a sign-in name beside the user name.
    pub email_is_alias: bool,
    /// The attributes that may be changed later.
    pub mutable_attributes: Vec<String>,
    /// The attributes that every new native profile must have. Without `sub`, which Cognito sets itself.
    pub required_attributes: Vec<String>,
    /// The attributes to which a code is sent at registration, `email` or `phone_number`.
    pub auto_verified_attributes: Vec<String>,
    /// Only administrators create profiles (`AllowAdminCreateUserOnly`).
    pub administrators_only: bool,
    /// What a password must be like.
    pub password_policy: PasswordPolicy,
}

impl PoolSettings {
    /// Whether the address is the user name, so that new native profiles are named by it.
    #[must_use]
    pub fn email_is_user_name(&self) -> bool {
        self.user_name_attributes.iter().any(|name| name == "email")
    }

    /// What new native profiles are named.
    #[must_use]
    pub fn native_user_name(&self) -> NativeUserName {
        if self.email_is_user_name() {
            NativeUserName::Email
        } else if self.email_is_alias {
            NativeUserName::Uuid
        } else {
            NativeUserName::Derived
        }
    }

    /// Whether people sign in with a phone number and nothing else, so that nobody can be named by an address.
    #[must_use]
    pub fn only_phone_is_user_name(&self) -> bool {
        self.user_name_attributes == ["phone_number"]
    }
}

/// One page of the pool.
#[derive(Clone, Debug)]
pub struct Page {
    /// The profiles. There may be none although more pages follow.
    pub records: Vec<ProfileRecord>,
    /// Where the next page starts, valid for an hour; `None` at the end.
    pub next: Option<String>,
}
