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

/// The longest user name that `AdminCreateUser` takes, in characters (API model, `UsernameType`).
const MAX_USER_NAME_CHARS: usize = 128;

/// Seconds after an answer was handed to the pool in which the account still counts as new and joins the default group:
/// as long as for accounts that sign-ins make. Later it may have been taken out of the group on purpose.
const NEW_ACCOUNT: u64 = 10 * 60;

/// Who has an address.
enum Owner {
    Nobody,
    /// Somebody who was invited and has not answered.
    Guest(Profile),
    /// Anybody else.
    Somebody,
}

/// The account an invitation is for.
struct Guest {
    profile: Profile,
    /// The address the invitation went to, which the account had when it was read.
    email: Email,
}

/// Whether an account is one that was invited and has not been opened by anybody.
fn is_waiting(profile: &Profile) -> bool {
    profile.status == Status::ForceChangePassword
        && profile.enabled
        && profile.identities.is_empty()
        // With a verified address somebody else's procedure made the account.
        && !profile.email_verified
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
        // Told before anything is looked up, so that it says nothing of who has the address.
        if self.settings.invitations.user_name == InvitedUserName::Email && email.as_str().len() > MAX_USER_NAME_CHARS {
            return Err(Code::InvalidEmail.into());
        }
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
        Ok(if profiles.is_empty() && is_waiting(&profile) { Owner::Guest(profile) } else { Owner::Somebody })
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
        // The list may be seconds old, and a temporary password would lock out whoever has one of their own by now.
        let now = self.pool.profile(guest.user_name.as_str()).await?;
        let is_guest = |now: &Profile| {
            now.sub == guest.sub && is_waiting(now) && now.email.as_deref().is_some_and(|own| email.is_same(own))
        };
        if !now.as_ref().is_some_and(is_guest) {
            return self.tell_the_owner(email, locales).await;
        }
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
            answered_at: None,
        };
        self.replace(&key, held, invitation, Invitation::keep_until).await?.ok_or(Code::TryAgain)?;
        let mail = Mail::Activation { username: user.as_str(), token: token.expose(), days };
        self.mail(email, &mail, name, locales).await
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
        let mut held: Held<Invitation> = self.load(&key).await?;
        self.must_be_open(&held.value, user_name, token)?;
        let guest = self.guest(user_name, &held.value).await?;
        if password.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(self.weak_password().await);
        }
        self.must_be_theirs(&guest).await?;
        let opener = Password::chosen(token.to_owned());
        let response = match guest.profile.status {
            Status::ForceChangePassword => {
                held = self.note_answer(&key, held).await?;
                // Another one may have been sent meanwhile.
                self.must_be_open(&held.value, user_name, token)?;
                self.invitations.respond(&guest.profile.user_name, &opener, &Password::chosen(password)).await?
            }
            _ => Response::Closed,
        };
        match response {
            Response::Accepted => {}
            Response::WeakPassword => return Err(self.weak_password().await),
            Response::Closed => {
                // Answered before, by this person, who was cut off before the rest was done; or replaced meanwhile.
                let now = self.guest(user_name, &held.value).await?;
                if now.profile.status != Status::Confirmed {
                    return Err(Code::InvitationInvalid.into());
                }
            }
        }
        self.settle_guest(&guest, &held.value).await?;
        let completed = Invitation { completed: true, ..held.value.clone() };
        // Lost to somebody with the same token, who did the same.
        self.replace(&key, held, completed, Invitation::keep_until).await?;
        match response {
            Response::Accepted => {
                tracing::info!(decision = "invitation_completed", sub = guest.profile.sub, "decided");
                Ok(guest.email.to_lower_case())
            }
            _ => Err(Code::AlreadyCompleted.into()),
        }
    }

    /// Refuses whoever has no valid token before anything else is said: they learn nothing of accounts and invitations.
    fn must_be_open(&self, invitation: &Invitation, user_name: &str, token: &str) -> Result<(), Problem> {
        let fits = |digest| self.sealer.matches(&["invitation", user_name], token, digest);
        if !invitation.token.as_ref().is_some_and(fits) {
            return Err(Code::InvitationInvalid.into());
        }
        if invitation.completed {
            return Err(Code::AlreadyCompleted.into());
        }
        if self.now() >= invitation.expires_at {
            return Err(Code::InvitationExpired.into());
        }
        Ok(())
    }

    /// Keeps that an answer goes to the pool, before it does: an account that is found confirmed later was confirmed by
    /// this invitation only if that is so. If somebody else's answer came first, theirs is noted.
    async fn note_answer(&self, key: &str, held: Held<Invitation>) -> Result<Held<Invitation>, Problem> {
        let noted = Invitation { answered_at: Some(self.now()), ..held.value.clone() };
        match self.replace(key, held, noted, Invitation::keep_until).await? {
            Some(held) => Ok(held),
            None => self.load(key).await,
        }
    }

    /// The account an invitation is for, if it still has the address the invitation went to.
    async fn guest(&self, user_name: &str, invitation: &Invitation) -> Result<Guest, Problem> {
        let profile = self.pool.profile(user_name).await?.ok_or(Code::InvitationInvalid)?;
        let email = profile.email.as_deref().and_then(|email| Email::parse(email).ok());
        let invited = |email: &Email| {
            let digest = invitation.email.as_ref();
            digest.is_some_and(|digest| self.sealer.matches(&["invited-address"], &email.to_lower_case(), digest))
        };
        let email = email.filter(invited).ok_or(Code::InvitationInvalid)?;
        if profile.user_name.as_str() != user_name {
            return Err(Code::InvitationInvalid.into());
        }
        if !profile.enabled {
            return Err(Code::AccountUnusable.into());
        }
        Ok(Guest { profile, email })
    }

    /// Refuses while somebody else has proven the address: an account without an address would come of it.
    async fn must_be_theirs(&self, guest: &Guest) -> Result<(), Problem> {
        let holders = self.pool.profiles_with_email(&guest.email).await?;
        if holders.iter().any(|holder| holder.email_verified && holder.user_name != guest.profile.user_name) {
            return Err(Code::EmailTaken.into());
        }
        Ok(())
    }

    /// What makes an account out of a password. Every step may have been done before.
    async fn settle_guest(&self, guest: &Guest, invitation: &Invitation) -> Result<(), Problem> {
        // Confirmed, and not by this invitation: by a sign-in through a provider, or by an administrator. What was made
        // of the account then stays.
        let Some(answered_at) = invitation.answered_at else { return Ok(()) };
        let user = &guest.profile.user_name;
        // The address that the link went to, and not whichever the profile has at this moment: its owner may change
        // that one without proof, between any look at it and this call.
        self.pool.set_verified_email(user, &guest.email).await.map_err(|error| match error.kind() {
            PoolErrorKind::AliasExists | PoolErrorKind::UserNameExists => Code::EmailTaken.into(),
            _ => Problem::from(error),
        })?;
        if self.now() >= answered_at + NEW_ACCOUNT {
            return Ok(());
        }
        let Some(group) = &self.settings.invitations.default_group else { return Ok(()) };
        match self.pool.add_to_group(user, group).await {
            Ok(()) => Ok(()),
            // A group that is not there is the operator's to mend, not the guest's.
            Err(error) if !error.is_transient() => {
                let cause = error.to_string();
                tracing::error!(error_code = "group_missing", cause, sub = guest.profile.sub, "a guest is in no group");
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
