//! Completing an invitation: it sets the person's own password, verifies the address and adds the account to the
//! default group.

use super::flow::Invitations;
use super::guest::is_registration;
use super::{Invitation, Mode, return_urls};
use crate::problem::{Code, Problem};
use crate::table::Versioned;
use cognito_core::account_event::What;
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::user_pool::NativeUserName;
use cognito_core::user_pool::{AvailableEmail, PoolErrorKind, Profile, Response, Status};
use serde::Serialize;
use utoipa::ToSchema;

/// For how many seconds after an answer went to the pool the account counts as new and joins the default group.
/// Accounts that sign-ins make have the same time. Later, somebody may have taken it out of the group on purpose.
const NEW_ACCOUNT: u64 = 10 * 60;

/// Seconds to wait for an account that Cognito has locked because somebody entered many wrong passwords. Cognito starts
/// with one second, doubles it with each further wrong password up to 15 minutes, and does not say how long it is
/// (developer guide, "Lockout behavior for failed sign-in attempts").
const LOCKED: u64 = 60;

/// The person can sign in to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Completed {
    /// The account's address, for the sign-in form.
    #[schema(example = "grace@example.com")]
    pub(crate) email: String,
    /// The user name, if the sign-in form does not take the address. That is so in a pool with plain user names, and in
    /// one where the address is an alias if a member handed the link over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// Where to go now, if the invitation says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) return_to: Option<String>,
}

/// The account an invitation is for.
struct Guest {
    profile: Profile,
    /// The address that the invitation went to. The account had it when it was read.
    email: Email,
}

impl Invitations {
    /// Completes an invitation.
    pub(crate) async fn complete(&self, user_name: &str, token: &str, password: String) -> Result<Completed, Problem> {
        if self.settings.mode == Mode::Off {
            return Err(Code::NotFound.into());
        }
        let mut read = self.read(user_name).await?;
        self.must_be_open(&read.value, user_name, token)?;
        let guest = self.guest(user_name, &read.value).await?;
        if password.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(self.weak_password().await);
        }
        let address = self.must_be_theirs(&guest).await?;
        let temporary = self.temporary_password(&guest.email);
        let mut answered_before = read.value.answered_at;
        let response = match guest.profile.status {
            Status::Unconfirmed | Status::ForceChangePassword => {
                self.close_registration(&guest, &temporary).await?;
                (read, answered_before) = self.note_answer(read).await?;
                // Another invitation may have replaced this one since.
                self.must_be_open(&read.value, user_name, token)?;
                let user = self.checked(&guest.profile).await?;
                self.accounts.respond(&user, &temporary, &Password::chosen(password)).await?
            }
            _ => Response::Closed,
        };
        match response {
            Response::Accepted => {}
            Response::WeakPassword => {
                self.take_back_the_note(read, answered_before).await?;
                return Err(self.weak_password().await);
            }
            Response::Closed => {
                // This person answered before and was cut off before the rest was done, or another invitation has
                // replaced this one.
                let current = self.guest(user_name, &read.value).await?;
                if current.profile.status != Status::Confirmed {
                    return Err(self.why_closed(user_name, token, &current).await?);
                }
            }
        }
        self.settle_guest(&guest, &address, &read.value).await?;
        self.events.tell(&guest.profile.sub, [What::InvitationCompleted]).await;
        let completed = Invitation { completed: true, ..read.value.clone() };
        let told = self.told(&guest, &completed);
        // If this write loses, a call with the same token came first and did the same.
        self.table.replace(read, completed).await?;
        match response {
            Response::Accepted => {
                tracing::info!(decision = "invitation_completed", sub = guest.profile.sub, "decided");
                Ok(told)
            }
            _ => Err(Code::AlreadyCompleted.into()),
        }
    }

    fn told(&self, guest: &Guest, invitation: &Invitation) -> Completed {
        let signs_in_with_address = match self.settings.user_name {
            NativeUserName::Email => true,
            // An alias works at the sign-in only when it is verified.
            NativeUserName::Uuid => !invitation.handed_out,
            NativeUserName::Derived => false,
        };
        let return_to = invitation.return_to.clone();
        Completed {
            email: guest.email.to_lower_case(),
            username: (!signs_in_with_address).then(|| guest.profile.user_name.as_str().to_owned()),
            // The operator may have taken it off the list since.
            return_to: return_to.filter(|address| return_urls::allow(&self.settings.return_urls, address)),
        }
    }

    /// Turns a registration into a guest's account that waits. A stranger may have registered with the address before
    /// its owner did, so nothing that they left may open the account or receive its codes. This must come before the
    /// answer is noted, because that note says that nobody else can confirm the account.
    async fn close_registration(&self, guest: &Guest, temporary: &Password) -> Result<(), Problem> {
        if !is_registration(&guest.profile) {
            return Ok(());
        }
        let user = &self.checked(&guest.profile).await?;
        self.accounts.forget_phone_and_factors(user).await?;
        self.accounts.renew(user, temporary).await?;
        // An application may have confirmed the account a moment ago, and somebody may have signed in.
        self.accounts.sign_out_everywhere(user).await?;
        Ok(())
    }

    /// Why a waiting account did not open.
    async fn why_closed(&self, user_name: &str, token: &str, guest: &Guest) -> Result<Problem, Problem> {
        self.must_be_open(&self.read(user_name).await?.value, user_name, token)?;
        Ok(match guest.profile.status {
            // The link is the current one, so its password is right. Somebody entered wrong passwords, and Cognito
            // locked the account for a while. The guest must not throw the link away because of that.
            Status::ForceChangePassword => Problem::from(Code::TryAgain).retry_after(LOCKED).caused_outside(),
            _ => Code::InvitationInvalid.into(),
        })
    }

    /// Checks the token before anything else is said, so that a caller without a valid one learns nothing about
    /// accounts and invitations.
    fn must_be_open(&self, invitation: &Invitation, user_name: &str, token: &str) -> Result<(), Problem> {
        if !invitation.has_token(user_name, token, &self.sealer) {
            return Err(Code::InvitationInvalid.into());
        }
        if invitation.completed {
            return Err(Code::AlreadyCompleted.into());
        }
        if self.table.now() >= invitation.expires_at {
            return Err(Code::InvitationExpired.into());
        }
        Ok(())
    }

    /// Notes, before an answer goes to the pool, that it does. A later call needs this to know whether this invitation
    /// confirmed the account. If another call noted its answer first, that note stands. Returns the invitation, and the
    /// note that it has without this answer.
    async fn note_answer(&self, read: Versioned<Invitation>) -> Result<(Versioned<Invitation>, Option<u64>), Problem> {
        let (key, before, now) = (read.key.clone(), read.value.answered_at, self.table.now());
        let noted = |invitation| Invitation { answered_at: Some(now), ..invitation };
        if let Some(read) = self.table.change(read, noted).await? {
            return Ok((read, before));
        }
        let read: Versioned<Invitation> = self.table.load(key).await?;
        let before = read.value.answered_at;
        Ok((read, before))
    }

    /// Takes back the note of an answer that the pool refused. Otherwise a guest who sends weak passwords could keep
    /// members from revoking the invitation for as long as they like. The note of another call stays: its answer may
    /// still be under way.
    async fn take_back_the_note(&self, read: Versioned<Invitation>, answered_at: Option<u64>) -> Result<(), Problem> {
        if read.value.answered_at != answered_at {
            self.table.change(read, |invitation| Invitation { answered_at, ..invitation }).await?;
        }
        Ok(())
    }

    /// The account that an invitation is for, if it still has the address that the invitation went to.
    async fn guest(&self, user_name: &str, invitation: &Invitation) -> Result<Guest, Problem> {
        let profile = self.accounts.profile(user_name).await?.ok_or(Code::InvitationInvalid)?;
        let email = profile.email.as_deref().and_then(|email| Email::parse(email).ok());
        let invited = |email: &Email| invitation.is_for(email, &self.sealer);
        let email = email.filter(invited).ok_or(Code::InvitationInvalid)?;
        if profile.user_name.as_str() != user_name || !invitation.may_open(&profile.sub) {
            return Err(Code::InvitationInvalid.into());
        }
        if !profile.enabled {
            return Err(Code::AccountUnusable.into());
        }
        Ok(Guest { profile, email })
    }

    /// Refuses if another account has proven the address, because this account would end up without one.
    async fn must_be_theirs(&self, guest: &Guest) -> Result<AvailableEmail, Problem> {
        let holders = self.accounts.profiles_with_email(&guest.email).await?;
        let proves = |holder: &Profile| holder.has_proven_address(&self.settings.providers);
        if holders.iter().any(|holder| holder.user_name != guest.profile.user_name && proves(holder)) {
            return Err(Code::EmailTaken.into());
        }
        AvailableEmail::among(&guest.email, &holders, &guest.profile.user_name).ok_or(Code::EmailTaken.into())
    }

    /// What remains to do once the password is set. Every step may have been done before.
    async fn settle_guest(
        &self,
        guest: &Guest,
        address: &AvailableEmail,
        invitation: &Invitation,
    ) -> Result<(), Problem> {
        // This invitation did not confirm the account. A sign-in through a provider or an administrator did, and their
        // changes stay.
        let Some(answered_at) = invitation.answered_at else { return Ok(()) };
        let user = &self.checked(&guest.profile).await?;
        // Writes the address that the link went to, not the one that the profile has at this moment. The account's
        // owner can change that one without proof at any time before this call.
        // A link that a member handed over proves nothing about the mailbox.
        if !invitation.handed_out {
            self.accounts.set_verified_email(user, address).await.map_err(|error| match error.kind() {
                PoolErrorKind::AliasExists | PoolErrorKind::UserNameExists => Code::EmailTaken.into(),
                _ => Problem::from(error),
            })?;
        }
        if self.table.now() >= answered_at + NEW_ACCOUNT {
            return Ok(());
        }
        // The operator may have taken the group off the list since.
        let chosen = invitation.group.iter().filter(|group| self.settings.groups.contains(group));
        for group in self.settings.default_group.iter().chain(chosen) {
            match self.accounts.add_to_group(user, group).await {
                Ok(()) => {}
                // The operator must create a missing group. The guest cannot.
                Err(error) if !error.is_transient() => {
                    let (cause, sub) = (error.to_string(), &guest.profile.sub);
                    tracing::error!(error_code = "group_missing", cause, sub, "a guest is not in the group");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn weak_password(&self) -> Problem {
        let problem = Problem::from(Code::WeakPassword);
        match self.accounts.password_policy().await {
            Ok(policy) => problem.password_policy(policy),
            Err(why) => problem.because(&why),
        }
    }
}
