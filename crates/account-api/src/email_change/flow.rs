//! Carries out the change of an address, with the table, mails and the user pool.

use super::view::{Standing, Verified, View};
use super::{ChangeState, CodeCheck, Request, RequestError, Stage};
use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::ceilings::{Counter, Scope, Ticket};
use crate::challenge;
use crate::code::{self, Sealer};
use crate::events::Events;
use crate::outbox::Outbox;
use crate::problem::{Code, Problem};
use crate::random_uuid;
use crate::table::{Table, Versioned};
use cognito_core::email::Email;
use cognito_core::user_pool::{AvailableEmail, Profile, Status};
use messages::Mail;
use std::sync::Arc;
use std::time::Duration;

/// How often a write is tried again after another call's write came first. Each of those writes changed the state.
/// After [`challenge::TRIES`] of them in a row, there is nothing left to write.
pub(super) const WRITE_TRIES: u32 = 16;

/// How often, and with which pause, a call checks whether another one has written the new address.
const LOOKS: u32 = 40;
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often a call that finds no room under a limit looks again. The same code may have been entered twice at once,
/// and the other call may have taken the last place.
const LOOKS_FOR_A_PLACE: u32 = 3;

/// Changes of addresses.
pub(crate) struct EmailChange {
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) table: Table,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) events: Events,
    pub(crate) sealer: Sealer,
    /// Counts the codes that nobody has entered yet.
    pub(crate) unproven: Counter,
    /// Whether somebody may do here what needs a fresh sign-in, so that it matters when sessions were ended.
    pub(crate) needs_fresh_sign_ins: bool,
    pub(crate) settings: super::Settings,
}

impl From<RequestError> for Problem {
    fn from(refusal: RequestError) -> Self {
        match refusal {
            RequestError::NoRequest => Code::NoRequest.into(),
            RequestError::Pending => Code::RequestPending.into(),
            RequestError::TooMany(seconds) => Self::from(Code::TooManyRequests).retry_after(seconds),
            RequestError::Expired => Code::CodeExpired.into(),
            RequestError::NotResent(why) => why.into(),
            RequestError::Committing => Code::CommitInProgress.into(),
        }
    }
}

impl EmailChange {
    /// Begins a change and sends a code to the current address. The links of both mails name `client`.
    pub(crate) async fn request(&self, caller: &Caller, wish: &str, client: Option<String>) -> Result<View, Problem> {
        let new = Email::parse(wish).ok().filter(|email| email.as_str().is_ascii()).ok_or(Code::InvalidEmail)?;
        let (read, _) = self.settled(caller).await?;
        let profile = self.own_profile(caller).await?;
        let current = self.may_change(&profile, new.as_str())?;
        match (new.is_same(current.as_str()), profile.email_verified) {
            (true, true) => return Err(Code::SameEmail.into()),
            // The mail to the current address names the new one. A stranger could send words to somebody else this way
            // if the current address is not proven.
            (false, false) => return Err(Code::EmailUnverified.into()),
            _ => {}
        }
        let admitted = read.value.admit(self.table.now())?;
        let read = self.table.replace(read, admitted).await?.ok_or(Code::TryAgain)?;
        self.must_be_free(&new, &profile).await?;
        let (id, code) = (random_uuid(), code::draw());
        let opened = read.value.open(self.table.now(), id, current.as_str(), &new.to_lower_case(), &self.sealer, &code);
        let view = self.begin(caller, read, opened.with_client(client), &code).await?;
        tracing::info!(decision = "email_change_requested", sub = caller.sub, "decided");
        Ok(view)
    }

    /// Counts the first code, writes the change and sends the code. Undoes all of it if SES does not take the mail.
    async fn begin(
        &self,
        caller: &Caller,
        read: Versioned<ChangeState>,
        opened: ChangeState,
        code: &str,
    ) -> Result<View, Problem> {
        let ticket = self.count(opened.request(self.table.now())?).await?.map_err(too_many)?;
        let opened = opened.with_counted(ticket.clone());
        let Some(read) = self.table.replace(read, opened).await? else {
            // Another call has begun a change in between, and that one stands.
            ticket.give_back(&self.table).await;
            return Err(Code::RequestPending.into());
        };
        let request = read.value.request(self.table.now())?;
        let Err(why) = self.send_code(caller, request, code).await else { return Ok(request.into()) };
        if self.table.change(read, |state| state.closed()).await?.is_some() {
            ticket.give_back(&self.table).await;
        }
        Err(why)
    }

    /// Counts a code before it exists. One account can guess little, but many accounts could guess a lot at the
    /// addresses of one domain. So a code to a new address counts in all three scopes. The current address is proven
    /// already, so only the number of mails to it matters.
    async fn count(&self, request: &Request) -> Result<Result<Ticket, (Scope, u64)>, Problem> {
        let to = Email::parse(request.sent_to()).map_err(|_| Code::Misconfigured)?;
        let scopes: &[Scope] = match request.stage {
            Stage::Current => &[Scope::Address],
            Stage::New => &[Scope::Address, Scope::Domain, Scope::Pool],
        };
        self.unproven.add(&self.table, &to, scopes).await
    }

    /// Where a change stands.
    pub(crate) async fn status(&self, caller: &Caller) -> Result<Standing, Problem> {
        let (read, _) = self.settled(caller).await?;
        let Ok(request) = read.value.request(self.table.now()) else { return Ok(Standing::NONE) };
        let profile = self.own_profile(caller).await?;
        Ok(if belongs_to(request, &profile) { Standing::UnderWay(View::from(request)) } else { Standing::NONE })
    }

    /// Ends a change, if there is one.
    pub(crate) async fn cancel(&self, caller: &Caller) -> Result<(), Problem> {
        for _ in 0..WRITE_TRIES {
            let (read, finished) = self.settled(caller).await?;
            if finished {
                return Err(Code::AlreadyChanged.into());
            }
            if read.value.request(self.table.now()) == Err(RequestError::NoRequest) {
                return Ok(());
            }
            let cancelled = read.value.cancel()?;
            if self.table.replace(read, cancelled).await?.is_some() {
                tracing::info!(decision = "email_change_cancelled", sub = caller.sub, "decided");
                return Ok(());
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Sends another code in place of the last one.
    pub(crate) async fn resend(&self, caller: &Caller) -> Result<View, Problem> {
        let profile = self.own_profile(caller).await?;
        for _ in 0..WRITE_TRIES {
            let (read, _) = self.settled(caller).await?;
            let read = self.still_the_same(read, &profile).await?;
            let code = code::draw();
            let renewed = read.value.resend(self.table.now(), &self.sealer, &code)?;
            let Some(read) = self.table.replace(read, renewed).await? else { continue };
            let view = self.deliver(caller, read, &code).await?;
            tracing::info!(decision = "email_change_code_resent", sub = caller.sub, "decided");
            return Ok(view);
        }
        Err(Code::TryAgain.into())
    }

    /// Takes a code. It proves the current address, or it proves the new one and changes the account. With an `id`, the
    /// code counts for that change only. So people approve the change that they see, even if somebody else has their
    /// session.
    pub(crate) async fn verify(&self, caller: &Caller, given: &str, id: Option<&str>) -> Result<Verified, Problem> {
        // A text that cannot be a code is not a guess, so it costs no try.
        let given = &*code::typed(given).ok_or(Code::InvalidRequest)?;
        let profile = self.own_profile(caller).await?;
        let mut full = 0;
        for _ in 0..WRITE_TRIES {
            let (read, _) = self.settled(caller).await?;
            let next = code::draw();
            let check = read.value.verify(self.table.now(), &self.sealer, given, &next);
            if id.is_some_and(|id| !read.value.is_about(&check, id)) {
                return Err(Code::AccountChanged.into());
            }
            let read = match check {
                CodeCheck::DoneBefore => return Ok(Verified::DONE),
                _ => self.still_the_same(read, &profile).await?,
            };
            match read.value.verify(self.table.now(), &self.sealer, given, &next) {
                CodeCheck::Refused(error) => return Err(error.into()),
                CodeCheck::DoneBefore => return Ok(Verified::DONE),
                CodeCheck::AdvancedBefore => {
                    return Ok(Verified::Advanced(View::from(read.value.request(self.table.now())?)));
                }
                CodeCheck::Busy => return self.wait_for_the_other(caller, given).await,
                CodeCheck::WrongMeanwhile(left) => return Err(Problem::from(Code::WrongCode).tries_left(left)),
                CodeCheck::Wrong(state, left) => {
                    if self.table.replace(read, state).await?.is_some() {
                        return Err(Problem::from(Code::WrongCode).tries_left(left));
                    }
                }
                CodeCheck::LastTryWrong(state) => {
                    if self.table.replace(read, state).await?.is_some() {
                        tracing::warn!(decision = "email_change_dead", sub = caller.sub, "decided");
                        return Err(Code::TooManyTries.into());
                    }
                }
                CodeCheck::Advance(state) => {
                    if let Some(read) = self.advance(read, &state, &mut full).await? {
                        let view = self.deliver(caller, read, &next).await?;
                        tracing::info!(decision = "email_change_advanced", sub = caller.sub, "decided");
                        return Ok(Verified::Advanced(view));
                    }
                }
                CodeCheck::Commit(state) => {
                    if let Some(read) = self.table.replace(read, state).await? {
                        return self.commit(caller, read).await;
                    }
                }
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Counts the code to the new address and then writes it, so that every code is counted. If a limit is reached,
    /// somebody may be guessing, and the change ends. Returns `None` if the caller has to read the state again, because
    /// another call wrote it or may be about to. `full` counts how often there was no room.
    async fn advance(
        &self,
        read: Versioned<ChangeState>,
        state: &ChangeState,
        full: &mut u32,
    ) -> Result<Option<Versioned<ChangeState>>, Problem> {
        let before = read.value.request(self.table.now())?.counted();
        match self.count(state.request(self.table.now())?).await? {
            Ok(ticket) => {
                // If no answer comes, the code may have been written, so it stays counted.
                let written = self.table.replace(read, state.with_counted(ticket.clone())).await?;
                let to_give_back = if written.is_some() { before } else { ticket };
                to_give_back.give_back(&self.table).await;
                Ok(written)
            }
            Err(_) if *full < LOOKS_FOR_A_PLACE => {
                *full += 1;
                tokio::time::sleep(LOOK_AGAIN).await;
                Ok(None)
            }
            Err(no_place) => {
                if self.table.change(read, |state| state.closed()).await?.is_none() {
                    return Ok(None);
                }
                before.give_back(&self.table).await;
                Err(too_many(no_place))
            }
        }
    }

    /// Waits for the call that holds the lease, and gives the same answer.
    async fn wait_for_the_other(&self, caller: &Caller, given: &str) -> Result<Verified, Problem> {
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK_AGAIN).await;
            match self.read(caller).await?.value.verify(self.table.now(), &self.sealer, given, given) {
                CodeCheck::DoneBefore => return Ok(Verified::DONE),
                CodeCheck::Busy => {}
                // The pool refused, or the other call gave up. The next request finds out which.
                _ => break,
            }
        }
        Err(Code::CommitInProgress.into())
    }

    /// What is stored of the caller's account.
    pub(super) async fn read(&self, caller: &Caller) -> Result<Versioned<ChangeState>, Problem> {
        self.table.load(format!("email-change#{}", caller.sub)).await
    }

    /// The caller's account as it is now.
    pub(super) async fn own_profile(&self, caller: &Caller) -> Result<Profile, Problem> {
        let profile = self.accounts.profile(caller.user_name.as_str()).await?;
        // The user name may belong to another account by now. The `sub` never does.
        let profile = profile.filter(|profile| profile.sub == caller.sub).ok_or(Code::AccountUnusable)?;
        if !profile.enabled {
            return Err(Code::AccountUnusable.into());
        }
        Ok(profile)
    }

    /// Returns the address that has to approve the change, or the reason why the account may not change. A linked
    /// account may always prove the address that it has. No provider overwrites it with another one, and a sign-in
    /// through a provider may have marked it as unverified.
    fn may_change(&self, profile: &Profile, new: &str) -> Result<Email, Problem> {
        let current = profile.email.as_deref().and_then(|email| Email::parse(email).ok());
        if profile.is_stand_alone() {
            return Err(Code::FederatedAccount.into());
        }
        let keeps = current.as_ref().is_some_and(|current| current.is_same(new));
        if !profile.identities.is_empty() && !self.settings.linked_may_change && !keeps {
            return Err(Code::LinkedAccount.into());
        }
        if profile.status != Status::Confirmed {
            return Err(Code::AccountUnusable.into());
        }
        current.ok_or_else(|| Code::NoCurrentEmail.into())
    }

    /// Refuses an address that another account has proven. Where the address is the user name, the pool refuses an
    /// address that any other native profile has, so the API says that before it sends a code. A profile that only
    /// names the address blocks nobody.
    pub(super) async fn must_be_free(&self, new: &Email, own: &Profile) -> Result<AvailableEmail, Problem> {
        let holders = self.accounts.profiles_with_email(new).await?;
        let mut others = holders.iter().filter(|holder| holder.sub != own.sub || holder.user_name != own.user_name);
        let blocks = |other: &Profile| {
            let is_user_name = self.settings.email_is_user_name && !other.is_stand_alone();
            is_user_name || other.has_proven_address(&self.settings.providers)
        };
        let available = AvailableEmail::among(new, &holders, &own.user_name).filter(|_| !others.any(blocks));
        available.ok_or(Code::EmailTaken.into())
    }

    /// Ends a change if the account's address was changed by other means. Proof of the earlier address proves nothing
    /// then.
    async fn still_the_same(
        &self,
        read: Versioned<ChangeState>,
        own: &Profile,
    ) -> Result<Versioned<ChangeState>, Problem> {
        let request = read.value.request(self.table.now())?;
        if belongs_to(request, own) && self.may_change(own, &request.new).is_ok() {
            return Ok(read);
        }
        self.table.change(read, |state| state.closed()).await?;
        Err(Code::AccountChanged.into())
    }

    /// Sends a code, and returns how the change stands. If SES does not take the mail, the next one need not wait.
    async fn deliver(&self, caller: &Caller, read: Versioned<ChangeState>, code: &str) -> Result<View, Problem> {
        let request = read.value.request(self.table.now())?;
        let Err(why) = self.send_code(caller, request, code).await else { return Ok(request.into()) };
        self.table.change(read, |state| state.unsent()).await?;
        Err(why)
    }

    async fn send_code(&self, caller: &Caller, request: &Request, code: &str) -> Result<(), Problem> {
        let minutes = challenge::minutes();
        let mail = match request.stage {
            // In full, so that the reader can tell their own address from an attacker's.
            Stage::Current => Mail::EmailChangeCurrent { code, new_email: &request.new, minutes },
            Stage::New => Mail::EmailChangeNew { code, minutes },
        };
        let to = Email::parse(request.sent_to()).map_err(|_| Code::Misconfigured)?;
        self.outbox.send_in(&caller.locales, &to, &mail, request.client.as_deref()).await
    }
}

/// Whether the account still has the address that the change began with. While the new address is being written, the
/// account may have that one already.
pub(super) fn belongs_to(request: &Request, profile: &Profile) -> bool {
    let has = |address: &str| profile.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(address));
    has(&request.current) || (request.is_committing() && has(&request.new))
}

/// Whether the account has this address and has proven it.
pub(super) fn has_proven(profile: &Profile, address: &str) -> bool {
    profile.email_verified && profile.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(address))
}

fn too_many((_, seconds): (Scope, u64)) -> Problem {
    Problem::from(Code::TooManyRequests).retry_after(seconds)
}
