use super::{Account, MemoryPool, PoolErrorKind, Status, made_sub, native};
use crate::password::Password;
use crate::user_pool::memory::PoolKind;
use crate::user_pool::{CheckedUserName, Invitations, Invitee, PasswordPolicy, PoolError, Profile, Response};

/// What the memory pool asks of a password: what the deployment template asks of a new pool by default.
pub(super) const POLICY: PasswordPolicy =
    PasswordPolicy { minimum_length: 12, lowercase: true, uppercase: true, numbers: true, symbols: true };

fn is_strong(password: &str) -> bool {
    password.chars().count() >= 12
        && password.chars().any(|c| c.is_ascii_lowercase())
        && password.chars().any(|c| c.is_ascii_uppercase())
        && password.chars().any(|c| c.is_ascii_digit())
        && password.chars().any(|c| c.is_ascii_punctuation())
}

impl Invitations for MemoryPool {
    async fn invite(&self, invitee: &Invitee, temporary: &Password) -> Result<Profile, PoolError> {
        self.call("AdminCreateUser", |state| {
            // API model, `UsernameType`.
            if invitee.user_name.chars().count() > 128 {
                return Err(PoolErrorKind::InvalidParameter);
            }
            let taken = state.accounts.iter().any(|account| match state.kind {
                PoolKind::EmailUserNames => !account.is_stand_alone() && account.has_email(invitee.email.as_str()),
                PoolKind::EmailAlias => account.user_name == invitee.user_name,
            });
            if taken {
                return Err(PoolErrorKind::UserNameExists);
            }
            state.created += 1;
            let mut account = native(&invitee.email.to_lower_case()).unverified();
            account.sub = made_sub(state.created);
            account.user_name = match state.kind {
                PoolKind::EmailUserNames => account.sub.clone(),
                PoolKind::EmailAlias => invitee.user_name.clone(),
            };
            account.status = Status::ForceChangePassword;
            account.password = Some(temporary.expose().to_owned());
            account.created = Some(state.now);
            account.attributes.clone_from(&invitee.attributes);
            let profile = account.profile();
            state.accounts.push(account);
            state.remember();
            Ok(profile)
        })
    }

    async fn renew(&self, user: &CheckedUserName, temporary: &Password) -> Result<(), PoolError> {
        self.update("AdminSetUserPassword", user, |account| {
            account.password = Some(temporary.expose().to_owned());
            account.status = Status::ForceChangePassword;
        })
    }

    async fn opens(&self, user: &CheckedUserName, temporary: &Password) -> Result<bool, PoolError> {
        self.call("AdminInitiateAuth", |state| {
            let waits = |account: &Account| account.status == Status::ForceChangePassword && account.enabled;
            let is_password = |account: &Account| account.password.as_deref() == Some(temporary.expose());
            Ok(state.account_mut(user.as_str()).is_ok_and(|account| waits(account) && is_password(account)))
        })
    }

    async fn respond(
        &self,
        user: &CheckedUserName,
        temporary: &Password,
        chosen: &Password,
    ) -> Result<Response, PoolError> {
        self.call("AdminRespondToAuthChallenge", |state| {
            let Ok(account) = state.account_mut(user.as_str()) else { return Ok(Response::Closed) };
            let opens = account.password.as_deref() == Some(temporary.expose());
            if !opens || account.status != Status::ForceChangePassword || !account.enabled {
                return Ok(Response::Closed);
            }
            if !is_strong(chosen.expose()) {
                return Ok(Response::WeakPassword);
            }
            account.password = Some(chosen.expose().to_owned());
            account.status = Status::Confirmed;
            state.remember();
            Ok(Response::Accepted)
        })
    }

    async fn password_policy(&self) -> Result<PasswordPolicy, PoolError> {
        self.call("DescribeUserPool", |_| Ok(POLICY))
    }
}
