//! What the functions ask of a user pool.
//!
//! [`UserPool`] is the port; `Administration` (feature `administration`) adds what only an operator asks.
//! Its implementations are the AWS adapter (feature `aws`) and the
//! memory pool (feature `testing`); `contract` (feature `testing`) holds both to the same behaviour.

#[cfg(feature = "administration")]
mod administration;
mod available_email;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "testing")]
pub mod contract;
mod error;
mod invitations;
#[cfg(feature = "testing")]
pub mod memory;
mod native_user_name;
mod patience;
mod profile;
mod required_attribute;
mod user_name;

#[cfg(feature = "administration")]
pub use administration::{
    Administration, AppClient, AppClients, Delivery, MfaSettings, NewRegistration, Page, PoolSettings, ProfileRecord,
    Registered,
};
pub use available_email::AvailableEmail;
pub use error::{PoolError, PoolErrorKind};
pub use invitations::{Invitations, PasswordPolicy, Response};
pub use native_user_name::NativeUserName;
pub use patience::Patience;
pub use profile::{Identity, NewNative, Profile, Status, UnreadableIdentities};
pub use required_attribute::RequiredAttribute;
pub use user_name::{CheckedUserName, MAX_USER_NAME_CHARS, UserName};

use crate::email::Email;
use crate::password::Password;
use crate::provider::SourceIdentity;

/// Gives access to pools by their ids. Each event brings the id, so a function needs no reference to
/// its own pool, which would be a dependency cycle to deploy.
pub trait UserPools {
    /// The port this opens.
    type Pool: UserPool;

    /// The pool with this id. No call is made.
    fn pool(&self, id: &str) -> Self::Pool;
}

/// One Cognito user pool, in the words of this project.
///
/// Every method makes one API call unless it says otherwise, may be repeated, and returns Cognito's
/// error. A failed look-up is an error, never "nobody".
pub trait UserPool: Sync {
    /// All profiles whose e-mail address is this one ignoring ASCII case, from all pages of
    /// `ListUsers`. The list may lag behind recent changes by seconds.
    fn profiles_with_email(&self, email: &Email) -> impl Future<Output = Result<Vec<Profile>, PoolError>> + Send;

    /// The profile that a person would reach by this name, an exact user name or an alias such as
    /// a verified e-mail address, as it is right now (`AdminGetUser`); `None` if there is none.
    fn profile(&self, name: &str) -> impl Future<Output = Result<Option<Profile>, PoolError>> + Send;

    /// The user name of the profile with this `sub`, stand-alone profiles included. The list it is looked up in may lag
    /// behind by seconds. A text that does not have the form of a `sub` belongs to nobody.
    fn user_name_of_sub(&self, sub: &str) -> impl Future<Output = Result<Option<UserName>, PoolError>> + Send;

    /// The attributes that every new native profile must have, without `sub`, which the pool sets itself.
    fn required_attributes(&self) -> impl Future<Output = Result<Vec<RequiredAttribute>, PoolError>> + Send;

    /// Creates a native profile with a verified e-mail address, without any message, and without
    /// taking the address away from a profile that holds it as an alias.
    fn create_native(&self, new: &NewNative) -> impl Future<Output = Result<Profile, PoolError>> + Send;

    /// The name for calls that change this profile, checked not to reach another. Makes no call if
    /// [`CheckedUserName::without_call`] can tell, otherwise one.
    ///
    /// - A name in the form of a `sub` may be that of another profile ([`Self::user_name_of_sub`]). That answer never changes: a `sub`
    ///   is random, so nobody can choose a name that later becomes another's `sub`.
    /// - Everybody can tell a derived name, and may have taken it as an alias ([`Self::profile`]). That answer may change
    ///   before the call.
    fn checked(
        &self,
        name: &UserName,
        own_sub: &str,
    ) -> impl Future<Output = Result<CheckedUserName, PoolError>> + Send {
        async move {
            if let Some(checked) = CheckedUserName::without_call(name, own_sub) {
                return Ok(checked);
            }
            if NativeUserName::is_derived(name.as_str()) {
                let reached = self.profile(name.as_str()).await?;
                if reached.is_some_and(|reached| !reached.sub.eq_ignore_ascii_case(own_sub)) {
                    let why = "another profile has the user name as an alias";
                    return Err(PoolError::new(PoolErrorKind::HiddenByAlias, "AdminGetUser", why));
                }
                return Ok(CheckedUserName::looked_up(name));
            }
            if self.user_name_of_sub(name.as_str()).await?.is_some() {
                let why = "the user name is the sub of another profile";
                return Err(PoolError::new(PoolErrorKind::BorrowedSub, "ListUsers", why));
            }
            Ok(CheckedUserName::looked_up(name))
        }
    }

    /// Sets a permanent password, which confirms the profile.
    fn replace_password(
        &self,
        user: &CheckedUserName,
        password: &Password,
    ) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Ties an identity that has no profile of its own to a native profile.
    fn link(
        &self,
        user: &CheckedUserName,
        identity: &SourceIdentity,
    ) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Unlinks an identity from the profile that has it. Cognito finds a link only by the attribute that it was made
    /// with, so that attribute and its value must be those of the link.
    fn unlink_source(&self, identity: &SourceIdentity) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Sets the address and marks it as verified, in one call and without a message. The mark is never
    /// written alone, because the person may change the address between our look and our call.
    fn set_verified_email(
        &self,
        user: &CheckedUserName,
        email: &AvailableEmail,
    ) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Removes the phone number and switches every second factor off (two calls). If the pool requires a number, it stays
    /// and is no longer verified (four calls). Then it opens nothing, or this fails: where people sign in with codes in text
    /// messages.
    fn forget_phone_and_factors(&self, user: &CheckedUserName) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Whether the profile holds a passkey, which no administrator's call can remove.
    fn has_passkey(&self, user: &CheckedUserName) -> impl Future<Output = Result<bool, PoolError>> + Send;

    /// Ends every session of the profile.
    fn sign_out_everywhere(&self, user: &CheckedUserName) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Deletes the profile for good.
    fn delete(&self, user: &CheckedUserName) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Puts the profile into a group. It may be in the group already.
    fn add_to_group(&self, user: &CheckedUserName, group: &str) -> impl Future<Output = Result<(), PoolError>> + Send;
}
