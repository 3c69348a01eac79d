//! Invitations, carried out: the user pool, state in the store, and mails.

use super::{Invitation, InvitedUserName, Mode, Quota};
use crate::caller::Caller;
use crate::email_change::DAY;
use crate::mailer::Mailer;
use crate::problem::{Code, Problem};
use crate::services::{Held, Services, random_uuid};
use crate::store::Store;
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::user_pool::{Invitations, Invitee, PoolErrorKind, Profile, Response, Status, UserName, UserPool};
use messages::Mail;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// The longest value of an attribute, in characters (API model, `AttributeValueType`).
const MAX_ATTRIBUTE_CHARS: usize = 2048;

/// The longest password, in characters (API model, `PasswordType`).
const MAX_PASSWORD_CHARS: usize = 256;

/// Who has an address.
enum Owner {
    Nobody,
    /// Somebody who was invited and has not answered.
    Guest(Profile),
    /// Anybody else.
    Somebody,
}

impl<P: UserPool, I: Invitations, S: Store, M: Mailer> Services<P, I, S, M> {
    /// Invites an address, or sends its invitation again.
    ///
    /// Where everybody may invite, the answer and the time it takes are the same whoever has the address; even what
    /// fails after the look-up is logged only, because it may fail for newcomers alone.
    pub(crate) async fn invite_person(
        &self,
        caller: Result<Caller, Problem>,
        address: &str,
        attributes: &BTreeMap<String, String>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let begun = Instant::now();
        let by = match &self.settings.invitations.mode {
            Mode::Off => return Err(Code::NotFound.into()),
            Mode::Public => None,
            Mode::Members(group) => {
                let caller = caller?;
                if !caller.is_in(group) {
                    return Err(Code::NotAnAdmin.into());
                }
                Some(caller)
            }
        };
        let email = Email::parse(address).ok().filter(|email| email.as_str().is_ascii()).ok_or(Code::InvalidEmail)?;
        self.allowed(attributes)?;
        let outcome = self.invite_counted(&email, attributes, locales).await;
        let Some(by) = by else {
            if let Err(why) = outcome {
                why.log(None);
            }
            tokio::time::sleep_until(begun + self.answer_after).await;
            return Ok(());
        };
        outcome?;
        tracing::info!(decision = "invited", sub = by.sub, "decided");
        Ok(())
    }

    fn allowed(&self, attributes: &BTreeMap<String, String>) -> Result<(), Problem> {
        let allowed = &self.settings.invitations.attributes;
        let fits = |(name, value): (&String, &String)| {
            allowed.contains(name)
                && value.chars().count() <= MAX_ATTRIBUTE_CHARS
                && !value.trim().is_empty()
                && !value.chars().any(char::is_control)
        };
        if attributes.iter().all(fits) { Ok(()) } else { Err(Code::AttributeNotAllowed.into()) }
    }

    async fn invite_counted(
        &self,
        email: &Email,
        attributes: &BTreeMap<String, String>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let address = self.sealer.seal(&["invited-address"], &email.to_lower_case());
        let key = format!("invitation-quota#{}", address.as_str());
        let held: Held<Quota> = self.load(&key).await?;
        let too_many = |seconds| Problem::from(Code::TooManyRequests).retry_after(seconds);
        let admitted = held.value.admit(self.now()).map_err(too_many)?;
        // Also what keeps two invitations of one address at once from making two accounts.
        self.replace(&key, held, admitted, Quota::keep_until).await?.ok_or_else(|| too_many(super::PAUSE))?;
        match self.owner(email).await? {
            Owner::Nobody => self.create_guest(email, attributes, locales).await,
            Owner::Guest(profile) => self.invite_again(&profile, email, locales).await,
            Owner::Somebody => self.tell_the_owner(email, locales).await,
        }
    }

    async fn owner(&self, email: &Email) -> Result<Owner, Problem> {
        let mut profiles = self.pool.profiles_with_email(email).await?;
        let Some(profile) = profiles.pop() else { return Ok(Owner::Nobody) };
        let waits = profile.status == Status::ForceChangePassword
            && profile.enabled
            && profile.identities.is_empty()
            // With a verified address somebody else's procedure made the account.
            && !profile.email_verified;
        Ok(if profiles.is_empty() && waits { Owner::Guest(profile) } else { Owner::Somebody })
    }

    async fn create_guest(
        &self,
        email: &Email,
        attributes: &BTreeMap<String, String>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let token = Password::temporary();
        let user_name = match self.settings.invitations.user_name {
            InvitedUserName::Email => email.to_lower_case(),
            InvitedUserName::Uuid => random_uuid(),
        };
        let invitee = Invitee { user_name, email: email.clone(), attributes: attributes.clone() };
        let profile = match self.invitations.invite(&invitee, &token).await {
            Ok(profile) => profile,
            Err(error) if matches!(error.kind(), PoolErrorKind::UserNameExists | PoolErrorKind::AliasExists) => {
                return self.tell_the_owner(email, locales).await;
            }
            Err(error) => return Err(error.into()),
        };
        tracing::info!(decision = "guest_created", sub = profile.sub, "decided");
        let own: Vec<&str> =
            attributes.get("locale").map(String::as_str).into_iter().chain(locales.iter().copied()).collect();
        let name = attributes.get("given_name").or_else(|| attributes.get("name")).map(String::as_str);
        self.send_invitation(&profile.user_name, email, &token, name, &own).await
    }

    /// The former token dies in the pool first: a link that is sent is the only one that opens.
    async fn invite_again(&self, guest: &Profile, email: &Email, locales: &[&str]) -> Result<(), Problem> {
        let token = Password::temporary();
        self.invitations.renew(&guest.user_name, &token).await?;
        tracing::info!(decision = "guest_invited_again", sub = guest.sub, "decided");
        // The attributes are those of the first invitation: in a pool open to everybody this may be anybody.
        self.send_invitation(&guest.user_name, email, &token, None, locales).await
    }

    async fn tell_the_owner(&self, email: &Email, locales: &[&str]) -> Result<(), Problem> {
        if self.settings.invitations.mode != Mode::Public {
            return Err(Code::AccountExists.into());
        }
        self.mail(email, &Mail::AccountExists, None, locales).await
    }

    async fn send_invitation(
        &self,
        user: &UserName,
        email: &Email,
        token: &Password,
        name: Option<&str>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let days = self.settings.invitations.days;
        let key = key(user.as_str());
        let held: Held<Invitation> = self.load(&key).await?;
        let invitation = Invitation {
            email: Some(self.sealer.seal(&["invited-address"], &email.to_lower_case())),
            token: Some(self.sealer.seal(&["invitation", user.as_str()], token.expose())),
            expires_at: self.now() + u64::from(days) * DAY,
            completed: false,
        };
        self.replace(&key, held, invitation, Invitation::keep_until).await?.ok_or(Code::TryAgain)?;
        let app = self.settings.messages.branding.app_url.as_deref().ok_or(Code::Misconfigured)?;
        let link = messages::Link::to(app, "/activate").with("username", user.as_str()).with("token", token.expose());
        self.mail(email, &Mail::Activation { link: &link.into_url(), days }, name, locales).await
    }

    /// Completes an invitation: the person's own password, a verified address, the default group. The answer is the
    /// address, which the token's owner knows.
    pub(crate) async fn complete_invitation(
        &self,
        user_name: &str,
        token: &str,
        password: String,
    ) -> Result<String, Problem> {
        if self.settings.invitations.mode == Mode::Off {
            return Err(Code::NotFound.into());
        }
        let key = key(user_name);
        let held: Held<Invitation> = self.load(&key).await?;
        let invitation = &held.value;
        let fits = |digest| self.sealer.matches(&["invitation", user_name], token, digest);
        // Before anything else is said: who has no valid token learns nothing of accounts and invitations.
        if !invitation.token.as_ref().is_some_and(fits) {
            return Err(Code::InvitationInvalid.into());
        }
        if invitation.completed {
            return Err(Code::AlreadyCompleted.into());
        }
        if self.now() >= invitation.expires_at {
            return Err(Code::InvitationExpired.into());
        }
        let guest = self.guest(user_name, invitation).await?;
        if password.chars().count() > MAX_PASSWORD_CHARS
            || password.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(self.weak_password().await);
        }
        self.must_be_theirs(&guest).await?;
        let user = &guest.user_name;
        let token = Password::chosen(token.to_owned());
        let response = match guest.status {
            Status::ForceChangePassword => self.invitations.respond(user, &token, &Password::chosen(password)).await?,
            _ => Response::Closed,
        };
        match response {
            Response::Accepted => {}
            Response::WeakPassword => return Err(self.weak_password().await),
            Response::Closed => {
                // Answered before, by this person, who was cut off before the rest was done; or replaced meanwhile.
                let now = self.guest(user_name, invitation).await?;
                if now.status != Status::Confirmed {
                    return Err(Code::InvitationInvalid.into());
                }
            }
        }
        let email = guest.email.clone().unwrap_or_default();
        self.settle_guest(&guest).await?;
        let completed = Invitation { completed: true, ..held.value.clone() };
        // Lost to somebody with the same token, who did the same.
        self.replace(&key, held, completed, Invitation::keep_until).await?;
        match response {
            Response::Accepted => {
                tracing::info!(decision = "invitation_completed", sub = guest.sub, "decided");
                Ok(email)
            }
            _ => Err(Code::AlreadyCompleted.into()),
        }
    }

    /// The account an invitation is for, if it still has the address the invitation went to.
    async fn guest(&self, user_name: &str, invitation: &Invitation) -> Result<Profile, Problem> {
        let profile = self.pool.profile(user_name).await?.ok_or(Code::InvitationInvalid)?;
        let address = profile.email.as_deref().unwrap_or_default().to_ascii_lowercase();
        let invited = |digest| self.sealer.matches(&["invited-address"], &address, digest);
        if profile.user_name.as_str() != user_name || !invitation.email.as_ref().is_some_and(invited) {
            return Err(Code::InvitationInvalid.into());
        }
        if !profile.enabled {
            return Err(Code::AccountUnusable.into());
        }
        Ok(profile)
    }

    /// Refuses while somebody else has proven the address: an account without an address would come of it.
    async fn must_be_theirs(&self, guest: &Profile) -> Result<(), Problem> {
        let email = guest.email.as_deref().and_then(|email| Email::parse(email).ok()).ok_or(Code::InvitationInvalid)?;
        let holders = self.pool.profiles_with_email(&email).await?;
        if holders.iter().any(|holder| holder.email_verified && holder.user_name != guest.user_name) {
            return Err(Code::EmailTaken.into());
        }
        Ok(())
    }

    /// What makes an account out of a password. Every step may have been done before.
    async fn settle_guest(&self, guest: &Profile) -> Result<(), Problem> {
        self.pool.mark_email_verified(&guest.user_name).await.map_err(|error| match error.kind() {
            PoolErrorKind::AliasExists | PoolErrorKind::UserNameExists => Code::EmailTaken.into(),
            _ => Problem::from(error),
        })?;
        let Some(group) = &self.settings.invitations.default_group else { return Ok(()) };
        match self.pool.add_to_group(&guest.user_name, group).await {
            Ok(()) => Ok(()),
            // A group that is not there is the operator's to mend, not the guest's.
            Err(error) if !error.is_transient() => {
                let cause = error.to_string();
                tracing::error!(error_code = "group_missing", cause, sub = guest.sub, "a guest is in no group");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn weak_password(&self) -> Problem {
        let problem = Problem::from(Code::WeakPassword);
        match self.invitations.password_policy().await {
            Ok(policy) => problem.password_policy(policy),
            Err(why) => problem.because(&why),
        }
    }
}

fn key(user_name: &str) -> String {
    format!("invitation#{user_name}")
}
