//! The change of an address, carried out: state in the table, mails, and the user pool.

use super::view::{Verified, View};
use super::{ChangeState, CodeCheck, Request, RequestError, Stage};
use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::ceilings::{Counter, Scope};
use crate::code::{self, Sealer};
use crate::outbox::Outbox;
use crate::problem::{Code, Problem};
use crate::random_uuid;
use crate::settings::EmailChangeSettings;
use crate::table::{Table, Versioned};
use cognito_core::email::Email;
use cognito_core::user_pool::{AvailableEmail, Profile, Status};
use messages::Mail;
use std::sync::Arc;
use std::time::Duration;

/// Times a write is tried again after somebody else's came first. Each of those changed the state, and no more than
/// [`super::TRIES`] of them in a row leave it such that another write is worth making.
pub(super) const ROUNDS: u32 = 16;

/// How often, and after how long, it is looked whether somebody else has written the new address.
const LOOKS: u32 = 40;
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Codes to new addresses are counted for everybody: an account alone may guess little, but many accounts could guess
/// much at the addresses of one domain.
pub(super) const COUNTED: [Scope; 3] = [Scope::Address, Scope::Domain, Scope::Pool];

/// Changes of addresses.
pub(crate) struct EmailChange {
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) table: Table,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) sealer: Sealer,
    /// Counts the changes whose new address nobody has proven.
    pub(crate) unproven: Counter,
    pub(crate) settings: EmailChangeSettings,
}

impl From<RequestError> for Problem {
    fn from(refusal: RequestError) -> Self {
        match refusal {
            RequestError::NoRequest => Code::NoRequest.into(),
            RequestError::Pending => Code::RequestPending.into(),
            RequestError::TooMany(seconds) => Self::from(Code::TooManyRequests).retry_after(seconds),
            RequestError::Expired => Code::CodeExpired.into(),
            RequestError::TooSoon(seconds) => Self::from(Code::ResendTooSoon).retry_after(seconds),
            RequestError::UsedUp(seconds) => Self::from(Code::ResendsUsedUp).retry_after(seconds),
            RequestError::Committing => Code::CommitInProgress.into(),
        }
    }
}

impl EmailChange {
    /// Begins a change and sends a code to the current address.
    pub(crate) async fn request(&self, caller: &Caller, wish: &str, locales: &[&str]) -> Result<View, Problem> {
        let new = Email::parse(wish).ok().filter(|email| email.as_str().is_ascii()).ok_or(Code::InvalidEmail)?;
        let key = key(caller);
        let (mut read, _) = self.settled(caller, &key, locales).await?;
        let profile = self.own_profile(caller).await?;
        let current = self.may_change(&profile)?;
        if new.is_same(current.as_str()) {
            return Err(Code::SameEmail.into());
        }
        let admitted = read.value.admit(self.table.now())?;
        read = self.table.replace(&key, read, admitted).await?.ok_or(Code::TryAgain)?;
        self.must_be_free(&new, &profile).await?;
        let (id, code) = (random_uuid(), code::draw());
        let opened = read.value.open(self.table.now(), id, current.as_str(), &new.to_lower_case(), &self.sealer, &code);
        // Whoever came in between has opened one as well: theirs stands.
        read = self.table.replace(&key, read, opened).await?.ok_or(Code::RequestPending)?;
        let view = View::from(read.value.request(self.table.now())?);
        if let Err(why) = self.send_code(read.value.request(self.table.now())?, &code, locales).await {
            let closed = read.value.closed();
            self.table.replace(&key, read, closed).await?;
            return Err(why);
        }
        tracing::info!(decision = "email_change_requested", sub = caller.sub, "decided");
        Ok(view)
    }

    /// Where a change stands.
    pub(crate) async fn status(&self, caller: &Caller, locales: &[&str]) -> Result<View, Problem> {
        let (read, _) = self.settled(caller, &key(caller), locales).await?;
        let request = read.value.request(self.table.now()).map_err(|_| Code::NoRequest)?;
        let profile = self.own_profile(caller).await?;
        if belongs_to(request, &profile) { Ok(View::from(request)) } else { Err(Code::NoRequest.into()) }
    }

    /// Ends a change; there may be none.
    pub(crate) async fn cancel(&self, caller: &Caller, locales: &[&str]) -> Result<(), Problem> {
        let key = key(caller);
        for _ in 0..ROUNDS {
            let (read, finished) = self.settled(caller, &key, locales).await?;
            if finished {
                return Err(Code::AlreadyChanged.into());
            }
            if read.value.request(self.table.now()) == Err(RequestError::NoRequest) {
                return Ok(());
            }
            let cancelled = read.value.cancel()?;
            if self.table.replace(&key, read, cancelled).await?.is_some() {
                tracing::info!(decision = "email_change_cancelled", sub = caller.sub, "decided");
                return Ok(());
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Sends another code in place of the last one.
    pub(crate) async fn resend(&self, caller: &Caller, locales: &[&str]) -> Result<View, Problem> {
        let key = key(caller);
        let profile = self.own_profile(caller).await?;
        for _ in 0..ROUNDS {
            let (read, _) = self.settled(caller, &key, locales).await?;
            let read = self.still_the_same(&key, read, &profile).await?;
            let code = code::draw();
            let renewed = read.value.resend(self.table.now(), &self.sealer, &code)?;
            let Some(read) = self.table.replace(&key, read, renewed).await? else { continue };
            let view = View::from(read.value.request(self.table.now())?);
            self.deliver(&key, read, &code, locales).await?;
            tracing::info!(decision = "email_change_code_resent", sub = caller.sub, "decided");
            return Ok(view);
        }
        Err(Code::TryAgain.into())
    }

    /// Takes a code: proves the current address, or proves the new one and changes the account.
    pub(crate) async fn verify(&self, caller: &Caller, given: &str, locales: &[&str]) -> Result<Verified, Problem> {
        // Not a guess if it cannot be a code, so it costs no try.
        let given = &*code::typed(given).ok_or(Code::InvalidRequest)?;
        let key = key(caller);
        let profile = self.own_profile(caller).await?;
        for _ in 0..ROUNDS {
            let (read, _) = self.settled(caller, &key, locales).await?;
            let next = code::draw();
            let read = match read.value.verify(self.table.now(), &self.sealer, given, &next) {
                CodeCheck::DoneBefore => return Ok(Verified::DONE),
                _ => self.still_the_same(&key, read, &profile).await?,
            };
            match read.value.verify(self.table.now(), &self.sealer, given, &next) {
                CodeCheck::Refused(error) => return Err(error.into()),
                CodeCheck::DoneBefore => return Ok(Verified::DONE),
                CodeCheck::AdvancedBefore => {
                    return Ok(Verified::Advanced(View::from(read.value.request(self.table.now())?)));
                }
                CodeCheck::Busy => return self.wait_for_the_other(&key, given).await,
                CodeCheck::WrongMeanwhile(left) => return Err(Problem::from(Code::WrongCode).tries_left(left)),
                CodeCheck::Wrong(state, left) => {
                    if self.table.replace(&key, read, state).await?.is_some() {
                        return Err(Problem::from(Code::WrongCode).tries_left(left));
                    }
                }
                CodeCheck::LastTryWrong(state) => {
                    if self.table.replace(&key, read, state).await?.is_some() {
                        tracing::warn!(decision = "email_change_dead", sub = caller.sub, "decided");
                        return Err(Code::TooManyTries.into());
                    }
                }
                CodeCheck::Advance(state) => {
                    if let Some(read) = self.table.replace(&key, read, state).await? {
                        return self.advance(caller, &key, read, &next, locales).await;
                    }
                }
                CodeCheck::Commit(state) => {
                    if let Some(read) = self.table.replace(&key, read, state).await? {
                        return self.commit(caller, &key, read, locales).await;
                    }
                }
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Sends the code to the new address, if so many are not under way already that somebody may be guessing.
    async fn advance(
        &self,
        caller: &Caller,
        key: &str,
        read: Versioned<ChangeState>,
        code: &str,
        locales: &[&str],
    ) -> Result<Verified, Problem> {
        let request = read.value.request(self.table.now())?;
        let (view, new) = (View::from(request), Email::parse(&request.new).map_err(|_| Code::Misconfigured)?);
        if let Err((_, seconds)) = self.unproven.add(&self.table, &new, &COUNTED).await? {
            let closed = read.value.closed();
            self.table.replace(key, read, closed).await?;
            return Err(Problem::from(Code::TooManyRequests).retry_after(seconds));
        }
        self.deliver(key, read, code, locales).await?;
        tracing::info!(decision = "email_change_advanced", sub = caller.sub, "decided");
        Ok(Verified::Advanced(view))
    }

    /// Somebody else holds the lease: their answer is this one's, too.
    async fn wait_for_the_other(&self, key: &str, given: &str) -> Result<Verified, Problem> {
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK_AGAIN).await;
            let read: Versioned<ChangeState> = self.table.load(key).await?;
            match read.value.verify(self.table.now(), &self.sealer, given, given) {
                CodeCheck::DoneBefore => return Ok(Verified::DONE),
                CodeCheck::Busy => {}
                // Refused by the pool, or given up: who asks again finds out.
                _ => break,
            }
        }
        Err(Code::CommitInProgress.into())
    }

    /// The caller's account as it is right now.
    pub(super) async fn own_profile(&self, caller: &Caller) -> Result<Profile, Problem> {
        let profile = self.accounts.profile(caller.user_name.as_str()).await?;
        // The name may belong to somebody else by now; the sub never does.
        let profile = profile.filter(|profile| profile.sub == caller.sub).ok_or(Code::AccountUnusable)?;
        if !profile.enabled {
            return Err(Code::AccountUnusable.into());
        }
        Ok(profile)
    }

    /// The address that has to approve a change.
    fn may_change(&self, profile: &Profile) -> Result<Email, Problem> {
        if profile.is_stand_alone() {
            return Err(Code::FederatedAccount.into());
        }
        if !profile.identities.is_empty() && !self.settings.linked_may_change {
            return Err(Code::LinkedAccount.into());
        }
        if profile.status != Status::Confirmed {
            return Err(Code::AccountUnusable.into());
        }
        profile.email.as_deref().and_then(|email| Email::parse(email).ok()).ok_or_else(|| Code::NoCurrentEmail.into())
    }

    /// Refuses an address that somebody else has proven. Where the address is the user name, the pool refuses one that any
    /// other native profile has; that is told before a code is sent. A profile that only names the address blocks nobody.
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

    /// Ends a change that is no longer this account's: its address was changed by other means, so whoever proved the
    /// address that was there before proves nothing.
    async fn still_the_same(
        &self,
        key: &str,
        read: Versioned<ChangeState>,
        own: &Profile,
    ) -> Result<Versioned<ChangeState>, Problem> {
        let request = read.value.request(self.table.now())?;
        if belongs_to(request, own) && self.may_change(own).is_ok() {
            return Ok(read);
        }
        let closed = read.value.closed();
        self.table.replace(key, read, closed).await?;
        Err(Code::AccountChanged.into())
    }

    /// Sends a code; if it is not taken, the next one need not wait.
    async fn deliver(
        &self,
        key: &str,
        read: Versioned<ChangeState>,
        code: &str,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let Err(why) = self.send_code(read.value.request(self.table.now())?, code, locales).await else {
            return Ok(());
        };
        let unsent = read.value.unsent();
        self.table.replace(key, read, unsent).await?;
        Err(why)
    }

    async fn send_code(&self, request: &Request, code: &str, locales: &[&str]) -> Result<(), Problem> {
        let minutes = u32::try_from(super::CODE_LIFE / 60).unwrap_or(u32::MAX);
        let mail = match request.stage {
            // In full: whoever reads this mailbox has to see whether the address is theirs or an attacker's.
            Stage::Current => Mail::EmailChangeCurrent { code, new_email: &request.new, minutes },
            Stage::New => Mail::EmailChangeNew { code, minutes },
        };
        let to = Email::parse(request.sent_to()).map_err(|_| Code::Misconfigured)?;
        self.outbox.send(&to, &mail, None, locales).await
    }
}

/// Whether the account still has the address that the change was begun with. While the new one is being written it may
/// have that one already.
pub(super) fn belongs_to(request: &Request, profile: &Profile) -> bool {
    let has = |address: &str| profile.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(address));
    has(&request.current) || (request.is_committing() && has(&request.new))
}

/// Whether the account has an address, and as a proven one.
pub(super) fn has_proven(profile: &Profile, address: &str) -> bool {
    profile.email_verified && profile.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(address))
}

fn key(caller: &Caller) -> String {
    format!("email-change#{}", caller.sub)
}
