//! What members of the group do with invitations: they list them, look at one, send one again, and revoke one.

use super::flow::{Invitations, Sent};
use super::guest::{is_registration, is_waiting_for};
use super::listing::{LIST, Listing, State, place_at};
use super::{Asker, Invitation, Mode};
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::table::Versioned;
use cognito_core::email::Email;
use cognito_core::user_pool::{PoolErrorKind, Profile, Status};
use futures_util::future::try_join_all;

/// The most invitations on a page of the list. Each costs one read.
const PAGE: u16 = 25;

/// How many seconds after an answer went to the pool it may still be under way. The function runs for 15 seconds.
const ANSWERING: u64 = 30;

/// How often a revocation is tried against others who write.
const TRIES: u32 = 5;

/// An invitation as a member sees it.
pub(crate) struct Seen {
    pub(crate) listing: Listing,
    pub(crate) state: State,
    pub(crate) invitation: Invitation,
}

impl Invitations {
    /// One page of the invitations that have not expired, the last one sent first. `before` is the place where the page
    /// before ended. Returns the place where this page ends, if there are more.
    pub(crate) async fn list(
        &self,
        caller: Result<Caller, Problem>,
        before: Option<&str>,
    ) -> Result<(Vec<Seen>, Option<String>), Problem> {
        self.member(caller)?;
        let from = place_at(self.table.now() + 1);
        // No place is later than this one.
        let to = before.unwrap_or("~");
        if to <= from.as_str() {
            return Ok((Vec::new(), None));
        }
        let mut listings: Vec<Listing> = self.table.list(LIST, &from, to, PAGE + 1).await?;
        let more = listings.len() > usize::from(PAGE);
        listings.truncate(usize::from(PAGE));
        let next = listings.last().filter(|_| more).map(Listing::place);
        Ok((try_join_all(listings.into_iter().map(|listing| self.seen(listing))).await?, next))
    }

    /// One invitation. Unlike the list, this asks the pool whether the account was opened in another way.
    pub(crate) async fn look_at(&self, caller: Result<Caller, Problem>, id: &str) -> Result<Seen, Problem> {
        self.member(caller)?;
        let mut seen = self.seen(self.find(id).await?.value).await?;
        if seen.state == State::Open {
            seen.state = match self.accounts.profile(&seen.listing.user_name).await? {
                Some(profile) if seen.is_unanswered(&profile) => State::Open,
                Some(profile) if seen.is_open_account(&profile) => State::Answered,
                _ => State::Revoked,
            };
        }
        Ok(seen)
    }

    /// Sends an invitation again, with a new token and its whole time. The link before is void.
    pub(crate) async fn resend(
        &self,
        caller: Result<Caller, Problem>,
        id: &str,
        asker: Asker<'_>,
    ) -> Result<Sent, Problem> {
        let by = self.member(caller)?;
        let listing = self.find(id).await?;
        let email = Email::parse(&listing.value.email).map_err(|_| Code::Misconfigured)?;
        let seen = self.seen(listing.value.clone()).await?;
        self.must_be_unanswered(&seen).await?;
        let sent = self.counted(&email, self.renew(listing, &email, asker)).await?;
        tracing::info!(decision = "invitation_sent_again", sub = by.id_in_log(), "decided");
        Ok(sent)
    }

    async fn renew(&self, listing: Versioned<Listing>, email: &Email, asker: Asker<'_>) -> Result<Sent, Problem> {
        let read = self.read(&listing.value.user_name).await?;
        let mut seen = Seen::new(listing.value.clone(), read.value.clone());
        self.must_be_unanswered(&seen).await?;
        let renewed = read.value.renewed(self.expiry());
        // The listing comes first, so that no invitation is open when it has expired.
        let again = Listing { sent_at: self.table.now(), expires_at: renewed.expires_at, ..listing.value.clone() };
        let written = self.table.replace(listing, again).await?.ok_or(Code::TryAgain)?;
        // This write decides against a revocation, an answer, and another resend. The account comes after it, so that a
        // guest who answers now does not lose the password just chosen.
        seen.invitation = self.table.replace(read, renewed).await?.ok_or(Code::TryAgain)?.value;
        let profile = self.must_be_unanswered(&seen).await?;
        if profile.status == Status::ForceChangePassword {
            let user = self.checked(&profile).await?;
            self.accounts.renew(&user, &self.temporary_password(email)).await?;
        }
        let inviter = written.value.inviter.as_deref();
        let link = self.send_link(&profile.user_name, email, &seen.invitation, None, inviter, asker).await?;
        Ok(Sent { id: seen.invitation.id, link })
    }

    /// Takes an invitation back. Its link is void at once. If this API made the account, and nobody has opened it, the
    /// account is deleted, so that nobody comes into it in another way. A repeated call finishes one that was cut off.
    pub(crate) async fn revoke(&self, caller: Result<Caller, Problem>, id: &str) -> Result<(), Problem> {
        let by = self.member(caller)?;
        let listing = self.find(id).await?.value;
        for _ in 0..TRIES {
            let read = self.read(&listing.user_name).await?;
            let seen = Seen::new(listing.clone(), read.value.clone());
            match seen.state {
                // A newer invitation has its place, which has an account to wait for.
                State::Revoked if !seen.is_the_current_one() => return Ok(()),
                State::Revoked => return self.delete_account(&seen).await,
                State::Answered => return Err(Code::AlreadyCompleted.into()),
                State::Open => {}
            }
            self.must_not_be_answering(&seen.invitation)?;
            let profile = self.accounts.profile(&listing.user_name).await?;
            if profile.is_some_and(|profile| seen.is_open_account(&profile)) {
                return Err(Code::AlreadyCompleted.into());
            }
            if self.table.change(read, |invitation| invitation.void(self.table.now())).await?.is_some() {
                tracing::info!(decision = "invitation_revoked", sub = by.id_in_log(), "decided");
                return self.delete_account(&seen).await;
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Deletes the account of a revoked invitation if nothing but the invitation needs it.
    async fn delete_account(&self, seen: &Seen) -> Result<(), Problem> {
        if seen.invitation.made_sub.is_none() {
            return Ok(());
        }
        let profile = self.accounts.profile(&seen.listing.user_name).await?;
        let is_guest = |profile: &Profile| seen.is_waiting(profile) && seen.invitation.made(&profile.sub);
        let Some(profile) = profile.filter(is_guest) else { return Ok(()) };
        let user = self.checked(&profile).await?;
        match self.accounts.delete(&user).await {
            Err(error) if error.kind() != PoolErrorKind::UserNotFound => Err(error.into()),
            _ => {
                tracing::info!(decision = "guest_deleted", sub = profile.sub, "decided");
                Ok(())
            }
        }
    }

    /// The caller, if they may see invitations. This comes before anything is looked up, so that nobody else learns
    /// which ones there are.
    fn member(&self, caller: Result<Caller, Problem>) -> Result<Caller, Problem> {
        match &self.settings.mode {
            Mode::Members(group) => caller?.member_of(group),
            Mode::Off | Mode::Public => Err(Code::NotFound.into()),
        }
    }

    /// The invitation with this id, unless it has expired. The table may keep it some days longer.
    async fn find(&self, id: &str) -> Result<Versioned<Listing>, Problem> {
        let key = Listing::key(id).ok_or(Code::NotFound)?;
        let listing: Versioned<Listing> = self.table.load(key).await?;
        let lives = listing.is_stored() && self.table.now() < listing.value.expires_at;
        if lives { Ok(listing) } else { Err(Code::NotFound.into()) }
    }

    async fn seen(&self, listing: Listing) -> Result<Seen, Problem> {
        let invitation = self.read(&listing.user_name).await?.value;
        Ok(Seen::new(listing, invitation))
    }

    /// The account of an invitation that waits for its answer.
    async fn must_be_unanswered(&self, seen: &Seen) -> Result<Profile, Problem> {
        match seen.state {
            State::Open => self.must_not_be_answering(&seen.invitation)?,
            State::Answered => return Err(Code::AlreadyCompleted.into()),
            State::Revoked => return Err(Code::InvitationInvalid.into()),
        }
        match self.accounts.profile(&seen.listing.user_name).await? {
            Some(profile) if seen.is_unanswered(&profile) => Ok(profile),
            Some(profile) if seen.is_open_account(&profile) => Err(Code::AlreadyCompleted.into()),
            _ => Err(Code::InvitationInvalid.into()),
        }
    }

    /// Refuses while the pool may be answering the guest. A guest who is told that the account is open must keep it.
    pub(super) fn must_not_be_answering(&self, invitation: &Invitation) -> Result<(), Problem> {
        let free_at = invitation.answered_at.map_or(0, |at| at + ANSWERING);
        match free_at.checked_sub(self.table.now()).filter(|seconds| *seconds > 0) {
            Some(seconds) => Err(Problem::from(Code::TryAgain).retry_after(seconds).caused_outside()),
            None => Ok(()),
        }
    }
}

impl Seen {
    fn new(listing: Listing, invitation: Invitation) -> Self {
        let state = listing.state(&invitation);
        Self { listing, state, invitation }
    }

    fn is_the_current_one(&self) -> bool {
        self.invitation.id.as_deref() == Some(&self.listing.id)
    }

    fn is_its_account(&self, profile: &Profile) -> bool {
        profile.user_name.as_str() == self.listing.user_name
    }

    fn is_waiting(&self, profile: &Profile) -> bool {
        let email = Email::parse(&self.listing.email);
        self.is_its_account(profile) && email.is_ok_and(|email| is_waiting_for(profile, &email))
    }

    fn is_unanswered(&self, profile: &Profile) -> bool {
        let has_address = profile.email.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(&self.listing.email));
        let is_waiting =
            self.is_waiting(profile) || (self.is_its_account(profile) && is_registration(profile) && has_address);
        is_waiting && self.invitation.may_open(&profile.sub)
    }

    fn is_open_account(&self, profile: &Profile) -> bool {
        let opened = matches!(profile.status, Status::Confirmed | Status::ResetRequired);
        self.is_its_account(profile) && opened
    }
}
