//! The change of an address, carried out: state in the store, mails, and the user pool.

use super::{Ledger, Refusal, Request, Stage, Verdict};
use crate::caller::Caller;
use crate::code;
use crate::mailer::Mailer;
use crate::mask::masked;
use crate::problem::{Code, Problem};
use crate::services::{Held, Services, random_uuid};
use crate::store::Store;
use cognito_core::email::Email;
use cognito_core::user_pool::{Invitations, PoolErrorKind, Profile, Status, UserPool};
use messages::Mail;
use std::time::Duration;

/// Times a write is tried again after somebody else's came first. Each of those changed the state, and no more than
/// [`super::TRIES`] of them in a row leave it such that another write is worth making.
const ROUNDS: u32 = 16;

/// How often, and after how long, it is looked whether somebody else has written the new address.
const LOOKS: u32 = 40;
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often, with which pause between, and how long altogether a mail to the old address is tried before it is left to
/// whoever returns: a mail that hangs must not keep the end of the change from being written in the function's time.
const TELLS: u32 = 3;
const TELL_AGAIN: Duration = Duration::from_millis(250);
const TELL_TIME: Duration = Duration::from_secs(4);

/// A change that is under way, as its owner may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Which address is being proven.
    pub stage: Stage,
    /// Where the last code went, masked.
    pub sent_to: String,
    /// The new address, masked.
    pub new_email: String,
    /// When the code dies, in seconds since 1970.
    pub expires_at: u64,
}

/// What a code led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The current address is proven, and a code went to the new one.
    Advanced(View),
    /// The account has the new address.
    Done,
}

impl From<&Request> for View {
    fn from(request: &Request) -> Self {
        Self {
            stage: request.stage,
            sent_to: masked(request.sent_to()),
            new_email: masked(&request.new),
            expires_at: request.ends_at(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoRequest => Code::NoRequest.into(),
            Refusal::Pending => Code::RequestPending.into(),
            Refusal::TooMany(seconds) => Self::from(Code::TooManyRequests).retry_after(seconds),
            Refusal::Expired => Code::CodeExpired.into(),
            Refusal::TooSoon(seconds) => Self::from(Code::ResendTooSoon).retry_after(seconds),
            Refusal::UsedUp(seconds) => Self::from(Code::ResendsUsedUp).retry_after(seconds),
            Refusal::Committing => Code::CommitInProgress.into(),
        }
    }
}

impl<P: UserPool, I: Invitations, S: Store, M: Mailer> Services<P, I, S, M> {
    /// Begins a change and sends a code to the current address.
    pub(crate) async fn request_change(&self, caller: &Caller, wish: &str, locales: &[&str]) -> Result<View, Problem> {
        let new = Email::parse(wish).ok().filter(|email| email.as_str().is_ascii()).ok_or(Code::InvalidEmail)?;
        let key = key(caller);
        let (mut held, _) = self.settled(caller, &key, locales).await?;
        let profile = self.own_profile(caller).await?;
        let current = self.may_change(&profile)?;
        if new.is_same(current.as_str()) {
            return Err(Code::SameEmail.into());
        }
        let admitted = held.value.admit(self.now())?;
        held = self.replace(&key, held, admitted, Ledger::keep_until).await?.ok_or(Code::TryAgain)?;
        self.must_be_free(&new, &profile).await?;
        let (id, code) = (random_uuid(), code::draw());
        let opened = held.value.open(self.now(), id, current.as_str(), &new.to_lower_case(), &self.sealer, &code);
        // Whoever came in between has opened one as well: theirs stands.
        held = self.replace(&key, held, opened, Ledger::keep_until).await?.ok_or(Code::RequestPending)?;
        let view = View::from(held.value.request(self.now())?);
        if let Err(why) = self.send_code(held.value.request(self.now())?, &code, locales).await {
            let closed = held.value.closed();
            self.replace(&key, held, closed, Ledger::keep_until).await?;
            return Err(why);
        }
        tracing::info!(decision = "email_change_requested", sub = caller.sub, "decided");
        Ok(view)
    }

    /// Where a change stands.
    pub(crate) async fn change_status(&self, caller: &Caller, locales: &[&str]) -> Result<View, Problem> {
        let (held, _) = self.settled(caller, &key(caller), locales).await?;
        let request = held.value.request(self.now()).map_err(|_| Code::NoRequest)?;
        let profile = self.own_profile(caller).await?;
        if belongs_to(request, &profile) { Ok(View::from(request)) } else { Err(Code::NoRequest.into()) }
    }

    /// Ends a change; there may be none.
    pub(crate) async fn cancel_change(&self, caller: &Caller, locales: &[&str]) -> Result<(), Problem> {
        let key = key(caller);
        for _ in 0..ROUNDS {
            let (held, finished) = self.settled(caller, &key, locales).await?;
            if finished {
                return Err(Code::AlreadyChanged.into());
            }
            if held.value.request(self.now()) == Err(Refusal::NoRequest) {
                return Ok(());
            }
            let cancelled = held.value.cancel()?;
            if self.replace(&key, held, cancelled, Ledger::keep_until).await?.is_some() {
                tracing::info!(decision = "email_change_cancelled", sub = caller.sub, "decided");
                return Ok(());
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Sends another code in place of the last one.
    pub(crate) async fn resend_code(&self, caller: &Caller, locales: &[&str]) -> Result<View, Problem> {
        let key = key(caller);
        let profile = self.own_profile(caller).await?;
        for _ in 0..ROUNDS {
            let (held, _) = self.settled(caller, &key, locales).await?;
            let held = self.still_the_same(&key, held, &profile).await?;
            let code = code::draw();
            let renewed = held.value.resend(self.now(), &self.sealer, &code)?;
            let Some(held) = self.replace(&key, held, renewed, Ledger::keep_until).await? else { continue };
            let view = View::from(held.value.request(self.now())?);
            self.deliver(&key, held, &code, locales).await?;
            tracing::info!(decision = "email_change_code_resent", sub = caller.sub, "decided");
            return Ok(view);
        }
        Err(Code::TryAgain.into())
    }

    /// Takes a code: proves the current address, or proves the new one and changes the account.
    pub(crate) async fn verify_code(
        &self,
        caller: &Caller,
        given: &str,
        locales: &[&str],
    ) -> Result<Progress, Problem> {
        // Not a guess if it cannot be a code, so it costs no try.
        let given = &*code::typed(given).ok_or(Code::InvalidRequest)?;
        let key = key(caller);
        let profile = self.own_profile(caller).await?;
        for _ in 0..ROUNDS {
            let (held, _) = self.settled(caller, &key, locales).await?;
            let next = code::draw();
            let held = match held.value.verify(self.now(), &self.sealer, given, &next) {
                Verdict::DoneBefore => return Ok(Progress::Done),
                _ => self.still_the_same(&key, held, &profile).await?,
            };
            match held.value.verify(self.now(), &self.sealer, given, &next) {
                Verdict::Refused(refusal) => return Err(refusal.into()),
                Verdict::DoneBefore => return Ok(Progress::Done),
                Verdict::AdvancedBefore => return Ok(Progress::Advanced(View::from(held.value.request(self.now())?))),
                Verdict::Busy => return self.wait_for_the_other(&key, given).await,
                Verdict::WrongMeanwhile(left) => return Err(Problem::from(Code::WrongCode).tries_left(left)),
                Verdict::Wrong(ledger, left) => {
                    if self.replace(&key, held, ledger, Ledger::keep_until).await?.is_some() {
                        return Err(Problem::from(Code::WrongCode).tries_left(left));
                    }
                }
                Verdict::Dead(ledger) => {
                    if self.replace(&key, held, ledger, Ledger::keep_until).await?.is_some() {
                        tracing::warn!(decision = "email_change_dead", sub = caller.sub, "decided");
                        return Err(Code::TooManyTries.into());
                    }
                }
                Verdict::Advance(ledger) => {
                    if let Some(held) = self.replace(&key, held, ledger, Ledger::keep_until).await? {
                        let view = View::from(held.value.request(self.now())?);
                        self.deliver(&key, held, &next, locales).await?;
                        tracing::info!(decision = "email_change_advanced", sub = caller.sub, "decided");
                        return Ok(Progress::Advanced(view));
                    }
                }
                Verdict::Commit(ledger) => {
                    if let Some(held) = self.replace(&key, held, ledger, Ledger::keep_until).await? {
                        return self.commit(caller, &key, held, locales).await;
                    }
                }
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Writes the new address to the pool. Only the holder of the lease comes here; a predecessor may have been cut off
    /// after any of the steps, so each of them is looked at before it is done.
    async fn commit(
        &self,
        caller: &Caller,
        key: &str,
        held: Held<Ledger>,
        locales: &[&str],
    ) -> Result<Progress, Problem> {
        let request = held.value.request(self.now())?.clone();
        let new = Email::parse(&request.new).map_err(|_| Code::Misconfigured)?;
        if let Err(why) = self.write_address(caller, &request, &new).await {
            let is_final = matches!(why.code(), Code::EmailTaken | Code::AccountChanged);
            let after = if is_final { held.value.closed() } else { held.value.released() };
            self.replace(key, held, after, Ledger::keep_until).await?;
            return Err(why);
        }
        self.finish(caller, key, held, &request, locales).await?;
        Ok(Progress::Done)
    }

    /// Ends a change that the pool has, by whoever holds the lease. Of a mail twice and no mail at all, twice is better: the
    /// old address is told before the end is written, and what could not be sent is owed from then on.
    async fn finish(
        &self,
        caller: &Caller,
        key: &str,
        held: Held<Ledger>,
        request: &Request,
        locales: &[&str],
    ) -> Result<Held<Ledger>, Problem> {
        let told = self.tell(caller, &request.current, &masked(&request.new), locales).await;
        let finished = held.value.finished(self.now(), told);
        let held = if let Some(held) = self.replace(key, held, finished, Ledger::keep_until).await? {
            held
        } else {
            let held: Held<Ledger> = self.load(key).await?;
            if !held.value.is_done(&request.id) {
                return Err(Code::TryAgain.into());
            }
            held
        };
        tracing::info!(decision = "email_changed", sub = caller.sub, "decided");
        Ok(held)
    }

    /// The state of an account, after what an earlier call left open was brought to its end; true if a change was
    /// completed by that.
    async fn settled(&self, caller: &Caller, key: &str, locales: &[&str]) -> Result<(Held<Ledger>, bool), Problem> {
        for _ in 0..ROUNDS {
            let held: Held<Ledger> = self.load(key).await?;
            let Some(request) = held.value.in_doubt(self.now()).cloned() else {
                return Ok((self.pay_notice(caller, key, held, locales).await?, false));
            };
            // Read after the state, and what follows is written only in place of that state: nobody writes meanwhile.
            let profile = self.pool.profile(caller.user_name.as_str()).await?;
            if !profile.is_some_and(|profile| profile.sub == caller.sub && has_proven(&profile, &request.new)) {
                let value = held.value.unwritten();
                return Ok((held.with(value), false));
            }
            // Of many who return at once, one tells the old address.
            let leased = held.value.leased(self.now());
            if let Some(held) = self.replace(key, held, leased, Ledger::keep_until).await? {
                return Ok((self.finish(caller, key, held, &request, locales).await?, true));
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Tells an old address that could not be told with the end of the change.
    async fn pay_notice(
        &self,
        caller: &Caller,
        key: &str,
        held: Held<Ledger>,
        locales: &[&str],
    ) -> Result<Held<Ledger>, Problem> {
        let Some((notice, tried)) = held.value.owed(self.now()) else { return Ok(held) };
        let notice = notice.clone();
        let Some(held) = self.replace(key, held, tried, Ledger::keep_until).await? else {
            return self.load(key).await;
        };
        if !self.tell(caller, &notice.to, &notice.new, locales).await {
            return Ok(held);
        }
        let told = held.value.told();
        match self.replace(key, held, told, Ledger::keep_until).await? {
            Some(held) => Ok(held),
            // Still owed there: a mail twice, in a minute.
            None => self.load(key).await,
        }
    }

    async fn write_address(&self, caller: &Caller, request: &Request, new: &Email) -> Result<(), Problem> {
        // Read anew: time has passed since the code was judged.
        let profile = self.own_profile(caller).await?;
        if has_proven(&profile, new.as_str()) {
            return Ok(());
        }
        if !belongs_to(request, &profile) {
            return Err(Code::AccountChanged.into());
        }
        self.must_be_free(new, &profile).await?;
        self.pool.set_verified_email(&profile.user_name, new).await.map_err(|error| match error.kind() {
            // The pool's own word is final: the list it gave may have been seconds old.
            PoolErrorKind::AliasExists | PoolErrorKind::UserNameExists => Code::EmailTaken.into(),
            PoolErrorKind::UserNotFound => Code::AccountChanged.into(),
            _ => Problem::from(error),
        })
    }

    /// Tells an address that it is the account's no longer; whether the mail was taken.
    async fn tell(&self, caller: &Caller, old: &str, new_email: &str, locales: &[&str]) -> bool {
        let mail = Mail::EmailChanged { new_email };
        let Ok(old) = Email::parse(old) else { return true };
        let tries = async {
            for _ in 1..TELLS {
                if self.mail(&old, &mail, None, locales).await.is_ok() {
                    return Ok(());
                }
                tokio::time::sleep(TELL_AGAIN).await;
            }
            self.mail(&old, &mail, None, locales).await
        };
        let told = tokio::time::timeout(TELL_TIME, tries).await.unwrap_or_else(|_| Err(Code::MailNotSent.into()));
        told.inspect_err(|why| why.log(Some(&caller.sub))).is_ok()
    }

    /// Somebody else holds the lease: their answer is this one's, too.
    async fn wait_for_the_other(&self, key: &str, given: &str) -> Result<Progress, Problem> {
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK_AGAIN).await;
            let held: Held<Ledger> = self.load(key).await?;
            match held.value.verify(self.now(), &self.sealer, given, given) {
                Verdict::DoneBefore => return Ok(Progress::Done),
                Verdict::Busy => {}
                // Refused by the pool, or given up: who asks again finds out.
                _ => break,
            }
        }
        Err(Code::CommitInProgress.into())
    }

    /// The caller's account as it is right now.
    async fn own_profile(&self, caller: &Caller) -> Result<Profile, Problem> {
        let profile = self.pool.profile(caller.user_name.as_str()).await?;
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

    /// Refuses an address that any other profile has, verified or not: two profiles with one address are what this
    /// project is there to prevent.
    async fn must_be_free(&self, new: &Email, own: &Profile) -> Result<(), Problem> {
        let holders = self.pool.profiles_with_email(new).await?;
        if holders.iter().any(|holder| holder.sub != own.sub || holder.user_name != own.user_name) {
            return Err(Code::EmailTaken.into());
        }
        Ok(())
    }

    /// Ends a change that is no longer this account's: its address was changed by other means, so whoever proved the
    /// address that was there before proves nothing.
    async fn still_the_same(&self, key: &str, held: Held<Ledger>, own: &Profile) -> Result<Held<Ledger>, Problem> {
        let request = held.value.request(self.now())?;
        if belongs_to(request, own) && self.may_change(own).is_ok() {
            return Ok(held);
        }
        let closed = held.value.closed();
        self.replace(key, held, closed, Ledger::keep_until).await?;
        Err(Code::AccountChanged.into())
    }

    /// Sends a code; if it is not taken, the next one need not wait.
    async fn deliver(&self, key: &str, held: Held<Ledger>, code: &str, locales: &[&str]) -> Result<(), Problem> {
        let Err(why) = self.send_code(held.value.request(self.now())?, code, locales).await else { return Ok(()) };
        let unsent = held.value.unsent();
        self.replace(key, held, unsent, Ledger::keep_until).await?;
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
        self.mail(&to, &mail, None, locales).await
    }
}

/// Whether the account still has the address that the change was begun with. While the new one is being written it may
/// have that one already.
fn belongs_to(request: &Request, profile: &Profile) -> bool {
    let has = |address: &str| profile.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(address));
    has(&request.current) || (request.is_committing() && has(&request.new))
}

/// Whether the account has an address, and as a proven one.
fn has_proven(profile: &Profile, address: &str) -> bool {
    profile.email_verified && profile.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(address))
}

fn key(caller: &Caller) -> String {
    format!("email-change#{}", caller.sub)
}
