//! The end of a change: it writes the address to the pool, ends the sessions and tells the old address. If a run is cut
//! off, the next call completes it.

use super::flow::{EmailChange, WRITE_TRIES, belongs_to, has_proven};
use super::view::Verified;
use super::{ChangeState, Request};
use crate::accounts::end_sessions;
use crate::caller::Caller;
use crate::identities::flow::note_signed_out;
use crate::mask::masked;
use crate::problem::{Code, Problem};
use crate::table::Versioned;
use cognito_core::account_event::What;
use cognito_core::email::Email;
use cognito_core::user_pool::PoolErrorKind;
use messages::Mail;
use std::time::Duration;

/// How often a mail to the old address is tried, how long the pause between two tries is, and how long all tries may
/// take. After that, a later call sends it. A mail that hangs must not use up the time that the function needs to write
/// the end of the change.
const TELL_TRIES: u32 = 3;
const TELL_AGAIN: Duration = Duration::from_millis(250);
const TELL_TIME: Duration = Duration::from_secs(4);

impl EmailChange {
    /// Writes the new address to the pool. Only the holder of the lease comes here. An earlier holder may have been cut
    /// off after any step, so each step checks first whether it is done already.
    pub(super) async fn commit(&self, caller: &Caller, read: Versioned<ChangeState>) -> Result<Verified, Problem> {
        let request = read.value.request(self.table.now())?.clone();
        let new = Email::parse(&request.new).map_err(|_| Code::Misconfigured)?;
        let written = self.write_address(caller, &request, &new).await;
        let ended = if written.is_ok() { self.end_sessions(caller).await } else { written };
        if let Err(why) = ended {
            let is_final = matches!(why.code(), Code::EmailTaken | Code::AccountChanged);
            self.table.change(read, |state| if is_final { state.closed() } else { state.released() }).await?;
            return Err(why);
        }
        self.finish(caller, read, &request).await?;
        Ok(Verified::DONE)
    }

    /// Ends a change that the pool has. Only the holder of the lease comes here. The old address is told before the end
    /// is written, because two mails are better than none. A mail that could not be sent is owed from then on.
    async fn finish(
        &self,
        caller: &Caller,
        read: Versioned<ChangeState>,
        request: &Request,
    ) -> Result<Versioned<ChangeState>, Problem> {
        // A person who keeps their address needs no mail about it.
        let told = request.keeps_address() || self.tell(caller, &request.current, &masked(&request.new)).await;
        if !request.keeps_address() {
            self.events.tell(&caller.sub, [What::EmailChanged]).await;
        }
        let finished = read.value.finished(self.table.now(), told);
        let Some(read) = self.table.replace(read, finished).await? else {
            let read = self.read(caller).await?;
            return if read.value.is_done(&request.id) { Ok(read) } else { Err(Code::TryAgain.into()) };
        };
        request.counted().give_back(&self.table).await;
        tracing::info!(decision = "email_changed", sub = caller.sub, "decided");
        Ok(read)
    }

    /// Completes what an earlier call left open, and returns the account's state. The flag says whether that completed
    /// a change.
    pub(super) async fn settled(&self, caller: &Caller) -> Result<(Versioned<ChangeState>, bool), Problem> {
        for _ in 0..WRITE_TRIES {
            let read = self.read(caller).await?;
            let Some(request) = read.value.in_doubt(self.table.now()).cloned() else {
                return Ok((self.pay_notice(caller, read).await?, false));
            };
            // The profile is read after the state, and the result is written only if the state is unchanged. So no
            // other call writes in between.
            let profile = self.accounts.profile(caller.user_name.as_str()).await?;
            if !profile.is_some_and(|profile| profile.sub == caller.sub && has_proven(&profile, &request.new)) {
                let value = read.value.unwritten();
                return Ok((read.with(value), false));
            }
            // If many calls come back at once, only the holder of the lease tells the old address.
            let now = self.table.now();
            if let Some(read) = self.table.change(read, |state| state.leased(now)).await? {
                self.end_sessions(caller).await?;
                return Ok((self.finish(caller, read, &request).await?, true));
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Tells an old address that could not be told when the change ended.
    async fn pay_notice(
        &self,
        caller: &Caller,
        read: Versioned<ChangeState>,
    ) -> Result<Versioned<ChangeState>, Problem> {
        let Some((notice, tried)) = read.value.notice_due(self.table.now()) else { return Ok(read) };
        let notice = notice.clone();
        let Some(read) = self.table.replace(read, tried).await? else {
            return self.read(caller).await;
        };
        if !self.tell(caller, &notice.to, &notice.new).await {
            return Ok(read);
        }
        match self.table.change(read, |state| state.notice_sent()).await? {
            Some(read) => Ok(read),
            // The stored state still owes the mail, so it is sent twice, a minute apart.
            None => self.read(caller).await,
        }
    }

    /// Ends every session of the account, because a person with access to the old mailbox may be signed in.
    async fn end_sessions(&self, caller: &Caller) -> Result<(), Problem> {
        if !self.settings.end_sessions {
            return Ok(());
        }
        end_sessions(&*self.accounts, &caller.user_name, &caller.sub).await?;
        if self.needs_fresh_sign_ins { note_signed_out(&self.table, &caller.sub).await } else { Ok(()) }
    }

    async fn write_address(&self, caller: &Caller, request: &Request, new: &Email) -> Result<(), Problem> {
        // Read again, because time has passed since the code was checked.
        let profile = self.own_profile(caller).await?;
        if has_proven(&profile, new.as_str()) {
            return Ok(());
        }
        if !belongs_to(request, &profile) {
            return Err(Code::AccountChanged.into());
        }
        let available = self.must_be_free(new, &profile).await?;
        let user = self.accounts.checked(&profile.user_name, &profile.sub).await?;
        self.accounts.set_verified_email(&user, &available).await.map_err(|error| match error.kind() {
            // The pool's refusal is final. The list that it gave may have been some seconds old.
            PoolErrorKind::AliasExists | PoolErrorKind::UserNameExists => Code::EmailTaken.into(),
            PoolErrorKind::UserNotFound => Code::AccountChanged.into(),
            _ => Problem::from(error),
        })
    }

    /// Tells an address that the account has another one now. Returns whether the mail was taken.
    async fn tell(&self, caller: &Caller, old: &str, new_email: &str) -> bool {
        let mail = Mail::EmailChanged { new_email };
        let Ok(old) = Email::parse(old) else { return true };
        let send = || self.outbox.send_in(&caller.locales, &old, &mail, None);
        let tries = async {
            for _ in 1..TELL_TRIES {
                if send().await.is_ok() {
                    return Ok(());
                }
                tokio::time::sleep(TELL_AGAIN).await;
            }
            send().await
        };
        let told = tokio::time::timeout(TELL_TIME, tries).await.unwrap_or_else(|_| Err(Code::MailNotSent.into()));
        told.inspect_err(|why| why.log(Some(&caller.sub))).is_ok()
    }
}
