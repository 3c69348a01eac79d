use super::{CheckedUserName, NewNative, PoolError, Profile};
use crate::password::Password;

/// Inviting people: what the account API needs of a pool in addition to [`UserPool`](super::UserPool).
pub trait Invitations: Sync {
    /// Creates a native profile with an unverified address and a temporary password that works once. Sends no message.
    fn invite(&self, new: &NewNative, temporary: &Password) -> impl Future<Output = Result<Profile, PoolError>> + Send;

    /// Replaces the temporary password of somebody who was invited, so that the old one no longer works.
    fn renew(&self, user: &CheckedUserName, temporary: &Password)
    -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Whether the account waits and its temporary password is this one. Changes nothing.
    fn opens(
        &self,
        user: &CheckedUserName,
        temporary: &Password,
    ) -> impl Future<Output = Result<bool, PoolError>> + Send;

    /// Signs in with the temporary password and replaces it with the chosen one, which confirms the profile. Tokens that
    /// the pool issues are revoked and given to nobody. Makes up to four calls.
    fn respond(
        &self,
        user: &CheckedUserName,
        temporary: &Password,
        chosen: &Password,
    ) -> impl Future<Output = Result<Response, PoolError>> + Send;

    /// What the pool asks of a password.
    fn password_policy(&self) -> impl Future<Output = Result<PasswordPolicy, PoolError>> + Send;
}

/// How the pool took a person's response to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// The account has the chosen password now.
    Accepted,
    /// The temporary password does not open the account. It is wrong, replaced, expired or used, or the pool accepts no
    /// password for a while, because somebody entered many wrong ones. Only AWS's text tells these apart, and texts are
    /// never read.
    Closed,
    /// The chosen password does not meet the pool's policy. The temporary one stays.
    WeakPassword,
}

/// What a pool asks of a password (API model, `PasswordPolicyType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the fields are those of the API")]
pub struct PasswordPolicy {
    /// The least number of characters, 6 to 99.
    pub minimum_length: u32,
    /// Whether it needs a lower-case letter.
    pub lowercase: bool,
    /// Whether it needs an upper-case letter.
    pub uppercase: bool,
    /// Whether it needs a digit.
    pub numbers: bool,
    /// Whether it needs a symbol.
    pub symbols: bool,
}
