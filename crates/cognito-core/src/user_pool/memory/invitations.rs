use super::{Account, MemoryPool, PoolErrorKind, State, Status, native};
use crate::password::Password;
use crate::user_pool::memory::PoolKind;
use crate::user_pool::{
    CheckedUserName, Invitations, MAX_USER_NAME_CHARS, NewNative, PasswordPolicy, PoolError, Profile, Response,
};
use std::time::Duration;

/// What the memory pool asks of a password: what the deployment template asks of a new pool by default.
pub(super) const POLICY: PasswordPolicy =
    PasswordPolicy { minimum_length: 12, lowercase: true, uppercase: true, numbers: true, symbols: true };

/// How long a temporary password opens an account: Cognito's default (API model, `TemporaryPasswordValidityDays`).
const TEMPORARY: Duration = Duration::from_hours(7 * 24);

fn is_strong(password: &str) -> bool {
    password.chars().count() >= 12
        && password.chars().any(|c| c.is_ascii_lowercase())
        && password.chars().any(|c| c.is_ascii_uppercase())
        && password.chars().any(|c| c.is_ascii_digit())
        && password.chars().any(|c| c.is_ascii_punctuation())
}

impl State {
    /// The account that waits, if its temporary password is this one and has not expired.
    fn opened(&mut self, user: &CheckedUserName, temporary: &Password) -> Option<&mut Account> {
        let (now, closed) = (self.now, self.quirks.refuse_every_password);
        let account = self.account_mut(user.as_str()).ok()?;
        let waits = account.status == Status::ForceChangePassword && account.enabled && !closed;
        let is_current = account.temporary_until.is_none_or(|until| now < until);
        let is_password = account.password.as_deref() == Some(temporary.expose());
        (waits && is_current && is_password).then_some(account)
    }
}

impl Invitations for MemoryPool {
    async fn invite(&self, new: &NewNative, temporary: &Password) -> Result<Profile, PoolError> {
        self.call("AdminCreateUser", "", |state| {
            if new.user_name.chars().count() > MAX_USER_NAME_CHARS || state.quirks.refuse_every_invitation {
                return Err(PoolErrorKind::InvalidParameter);
            }
            let taken = state.accounts.iter().any(|account| match state.kind {
                PoolKind::EmailUserNames => !account.is_stand_alone() && account.has_email(new.email.as_str()),
                PoolKind::EmailAlias | PoolKind::UserNames => account.user_name == new.user_name,
            });
            if taken {
                return Err(PoolErrorKind::UserNameExists);
            }
            let account = Account {
                status: Status::ForceChangePassword,
                password: Some(temporary.expose().to_owned()),
                temporary_until: Some(state.now + TEMPORARY),
                attributes: new.attributes.clone(),
                ..native(&new.email.to_lower_case()).unverified()
            };
            Ok(state.add(&new.user_name, account))
        })
        .await
    }

    async fn renew(&self, user: &CheckedUserName, temporary: &Password) -> Result<(), PoolError> {
        let until = self.state().now + TEMPORARY;
        self.update("AdminSetUserPassword", user, |account| {
            account.password = Some(temporary.expose().to_owned());
            account.temporary_until = Some(until);
            account.status = Status::ForceChangePassword;
        })
        .await
    }

    async fn opens(&self, user: &CheckedUserName, temporary: &Password) -> Result<bool, PoolError> {
        self.call("AdminInitiateAuth", user.as_str(), |state| Ok(state.opened(user, temporary).is_some())).await
    }

    async fn respond(
        &self,
        user: &CheckedUserName,
        temporary: &Password,
        chosen: &Password,
    ) -> Result<Response, PoolError> {
        self.call("AdminRespondToAuthChallenge", user.as_str(), |state| {
            let Some(account) = state.opened(user, temporary) else { return Ok(Response::Closed) };
            if !is_strong(chosen.expose()) {
                return Ok(Response::WeakPassword);
            }
            account.password = Some(chosen.expose().to_owned());
            account.status = Status::Confirmed;
            state.remember();
            Ok(Response::Accepted)
        })
        .await
    }

    async fn password_policy(&self) -> Result<PasswordPolicy, PoolError> {
        self.call("DescribeUserPool", "", |_| Ok(POLICY)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::Email;
    use crate::user_pool::UserPool;
    use std::time::SystemTime;

    #[tokio::test]
    async fn a_temporary_password_expires_until_it_is_renewed() {
        let pool = MemoryPool::new(PoolKind::EmailUserNames, []);
        let (first, second) = (Password::random(), Password::random());
        let email = Email::parse("grace@example.com").unwrap();
        let invitee = NewNative { user_name: email.to_lower_case(), email, attributes: [].into() };
        let later = |days: u64| pool.set_now(SystemTime::UNIX_EPOCH + Duration::from_hours(days * 24));
        later(0);
        let profile = pool.invite(&invitee, &first).await.unwrap();
        let user = &pool.checked(&profile.user_name, &profile.sub).await.unwrap();
        later(6);
        assert_eq!(pool.opens(user, &first).await, Ok(true));
        later(7);
        assert_eq!(pool.opens(user, &first).await, Ok(false));
        let chosen = Password::chosen("The-Guest's-own-1".to_owned());
        assert_eq!(pool.respond(user, &first, &chosen).await, Ok(Response::Closed));
        pool.renew(user, &second).await.unwrap();
        assert_eq!(pool.respond(user, &second, &chosen).await, Ok(Response::Accepted));
    }
}
