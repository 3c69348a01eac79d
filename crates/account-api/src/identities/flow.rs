//! Shows the ways to sign in of an account, and changes them. One call at a time changes an account, so that two never
//! take its last two ways in away.

use super::Settings;
use super::state::{Notice, Owner, State, What, Work};
use super::ways::{Account, Fixed, Ways, label};
use crate::accounts::{Accounts, end_sessions};
use crate::caller::Caller;
use crate::ceilings::{Ceilings, Counter};
use crate::code::Sealer;
use crate::events::Events;
use crate::outbox::Outbox;
use crate::problem::{Code, Problem};
use crate::queue::Queue;
use crate::table::{Table, Versioned};
use cognito_core::account_event::What as Happened;
use cognito_core::email::Email;
use cognito_core::provider::{COGNITO_SUBJECT, SourceIdentity};
use cognito_core::user_pool::{Identity, PoolError, PoolErrorKind, Profile, ProfileRecord, UserName};
use merge::{if_told, link_of};
use messages::Mail;
use std::sync::Arc;
use std::time::Duration;

/// How often a write is tried again after another call's write came first.
pub(super) const WRITE_TRIES: u32 = 8;

/// How long a mail may take. After that, a later call sends it.
const TELL_TIME: Duration = Duration::from_secs(3);

/// How often an account may begin a change of its ways to sign in.
pub(crate) const CHANGES_A_DAY: Ceilings = Ceilings { address: 20, domain: u32::MAX, pool: u32::MAX };

/// How many codes a day one account's mailbox is asked for, whoever asks. Each takes five tries, so guessing all day
/// succeeds once in 20,000 days.
pub(crate) const CODES_A_DAY: Ceilings = Ceilings { address: 10, domain: u32::MAX, pool: u32::MAX };

/// People's ways to sign in.
pub(crate) struct Identities {
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) table: Table,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) events: Events,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) sealer: Sealer,
    /// Counts the changes that an account begins.
    pub(crate) counter: Counter,
    /// Of what needs no fresh sign-in. It must not use up what the owner may do against a stranger.
    pub(crate) notices: Counter,
    /// Counts the codes that an account's mailbox is asked for.
    pub(crate) codes: Counter,
    pub(crate) settings: Settings,
}

impl From<Fixed> for Code {
    fn from(fixed: Fixed) -> Self {
        match fixed {
            Fixed::OwnIdentity => Self::OwnIdentity,
            Fixed::OnlyWayIn => Self::OnlyWayIn,
            Fixed::EmailUnverified => Self::EmailUnverified,
            Fixed::AccountUnusable => Self::AccountUnusable,
        }
    }
}

impl Identities {
    /// What the caller's account signs in with.
    pub(crate) async fn list(&self, caller: &Caller) -> Result<Ways, Problem> {
        let owner = &Owner::from(caller);
        self.settled(owner, &caller.locales).await?;
        Ok(self.own_account(owner).await?.ways(&self.sealer))
    }

    /// Takes an identity away from the caller's account, and ends the account's sessions.
    pub(crate) async fn disconnect(&self, caller: &Caller, id: &str) -> Result<(), Problem> {
        let signed_in_at = caller.fresh(self.table.now())?;
        let owner = &Owner::from(caller);
        let (read, completed) = self.settled(owner, &caller.locales).await?;
        if completed.is_some_and(|work| matches!(work, Work::Disconnect { id: done, .. } if done == id)) {
            return Ok(());
        }
        if !read.value.is_signed_in(signed_in_at) {
            return Err(Code::SignInAgain.into());
        }
        let provider = self.removable(&self.own_account(owner).await?, id)?.provider_name.clone();
        self.count(owner).await?;
        let work = Work::Disconnect { id: id.to_owned(), provider };
        let read = self.begin(read, work).await?;
        if let Err(why) = self.untie(owner, id).await {
            self.table.change(read, |state| state.failed(why.is_passing(), self.table.now())).await?;
            return Err(why);
        }
        self.finish_disconnection(owner, read, &caller.locales).await?;
        Ok(())
    }

    /// The identity that may be taken away.
    fn removable<'a>(&self, account: &'a Account, id: &str) -> Result<&'a Identity, Code> {
        let identity = account.identity(id, &self.sealer).ok_or(Code::NoSuchIdentity)?;
        account.fixed(identity).map_or(Ok(identity), |fixed| Err(fixed.into()))
    }

    /// Takes one identity away. The profile counts, not the answer of the call.
    async fn untie(&self, owner: &Owner, id: &str) -> Result<(), Problem> {
        // Read again now that no other call changes the account.
        let account = self.own_account(owner).await?;
        let identity = self.removable(&account, id)?;
        for source in self.sources(identity) {
            match self.accounts.unlink_source(&source).await {
                Err(error) if error.is_not_linked() => {}
                answer => answer?,
            }
            if !self.has(owner, id).await? {
                return Ok(());
            }
        }
        Err(Code::CannotUntie.into())
    }

    /// What Cognito may find the link by: only what it was made with. The setting may have been another one then.
    fn sources(&self, identity: &Identity) -> Vec<SourceIdentity> {
        let by_subject = SourceIdentity::linked_by(&identity.provider_name, COGNITO_SUBJECT, &identity.user_id);
        let usual = link_of(identity, &self.settings.providers).ok().filter(|usual| *usual != by_subject);
        usual.into_iter().chain([by_subject]).collect()
    }

    /// The identity is gone. Ends the sessions, stores the end, and tells the owner.
    async fn finish_disconnection(
        &self,
        owner: &Owner,
        read: Versioned<State>,
        locales: &[String],
    ) -> Result<Versioned<State>, Problem> {
        let Some(Work::Disconnect { provider, .. }) = &read.value.work else { return Ok(read) };
        if let Err(why) = end_sessions(&*self.accounts, &owner.name(), &owner.sub).await {
            self.table.change(read, State::released).await?;
            return Err(why);
        }
        let address = match self.accounts.record(&owner.user_name).await {
            Ok(record) => record.filter(|record| record.sub() == owner.sub).and_then(|record| self.proven(&record)),
            Err(why) => {
                self.table.change(read, State::released).await?;
                return Err(why.into());
            }
        };
        let notice = address.map(|to| Notice::new(What::Disconnected, to, label(provider).to_owned()));
        tracing::info!(decision = "identity_disconnected", provider, sub = owner.sub, "decided");
        self.events.tell(&owner.sub, [Happened::Unlinked { provider: provider.clone() }]).await;
        let now = self.table.now();
        self.end(owner, read, |state| state.ended(notice.clone(), now).signed_out(now), locales).await
    }

    /// Stores the end of the work, and sends the mails about it.
    pub(super) async fn end(
        &self,
        owner: &Owner,
        read: Versioned<State>,
        ended: impl Fn(State) -> State,
        locales: &[String],
    ) -> Result<Versioned<State>, Problem> {
        let read = replace_at_work(&self.table, read, ended).await?.ok_or(Code::TryAgain)?;
        let owed = read.value.just_owed();
        self.tell(owner, read, &owed, locales).await
    }

    /// What is stored of an account.
    pub(super) async fn read(&self, sub: &str) -> Result<Versioned<State>, Problem> {
        self.table.load(key(sub)).await
    }

    /// Completes what an earlier call left open and sends what is owed. Returns the account's state, and the work that
    /// this completed.
    pub(super) async fn settled(
        &self,
        owner: &Owner,
        locales: &[String],
    ) -> Result<(Versioned<State>, Option<Work>), Problem> {
        for _ in 0..WRITE_TRIES {
            let read = self.read(&owner.sub).await?;
            let now = self.table.now();
            let Some(work) = read.value.work.clone() else {
                let Some((due, tried)) = read.value.due(now) else { return Ok((read, None)) };
                let Some(read) = self.table.replace(read, tried).await? else { continue };
                return Ok((self.tell(owner, read, &due, locales).await?, None));
            };
            if read.value.is_held(now) {
                return Err(Code::IdentityChanging.into());
            }
            let Some(read) = self.table.change(read, |state| state.held(now)).await? else { continue };
            return self.complete(owner, read, work, locales).await;
        }
        Err(Code::TryAgain.into())
    }

    /// Completes the work of a call that was cut off.
    async fn complete(
        &self,
        owner: &Owner,
        read: Versioned<State>,
        work: Work,
        locales: &[String],
    ) -> Result<(Versioned<State>, Option<Work>), Problem> {
        match &work {
            Work::Disconnect { id, .. } => {
                if self.has(owner, id).await? {
                    // Nothing has happened, and the account may have lost its other ways in since.
                    let ended = self.table.change(read, |state| state.ended([], self.table.now())).await?;
                    return Ok((ended.ok_or(Code::TryAgain)?, None));
                }
                Ok((self.finish_disconnection(owner, read, locales).await?, Some(work)))
            }
            Work::Absorb(_) => {
                let joined = self.carry_out(read, locales).await.map(drop);
                self.completed(owner, work, joined).await
            }
            Work::Delete { .. } => {
                let read = self.carry_out_deletion(owner, read).await?;
                let is_done = read.value.is_deleted;
                Ok((read, is_done.then_some(work)))
            }
            Work::Leave { id, into } => {
                let left = self.complete_leaving(owner, read, id, into, locales).await;
                self.completed(owner, work, left).await
            }
        }
    }

    /// A move that can no longer be done, and of which nothing has happened, is complete, too.
    async fn completed(
        &self,
        owner: &Owner,
        work: Work,
        result: Result<(), Problem>,
    ) -> Result<(Versioned<State>, Option<Work>), Problem> {
        let read = self.read(&owner.sub).await?;
        match result {
            Err(why) if read.value.work.is_some() => Err(why),
            _ => Ok((read, Some(work))),
        }
    }

    /// Takes the account for one piece of work.
    pub(super) async fn begin(&self, read: Versioned<State>, work: Work) -> Result<Versioned<State>, Problem> {
        let begun = self.table.change(read, |state| state.beginning(work, self.table.now())).await?;
        begun.ok_or_else(|| Code::IdentityChanging.into())
    }

    /// Counts a change that the account begins.
    pub(super) async fn count(&self, owner: &Owner) -> Result<(), Problem> {
        self.counted(&self.counter, &owner.sub).await
    }

    /// Counts one more for an account.
    pub(super) async fn counted(&self, counter: &Counter, sub: &str) -> Result<(), Problem> {
        match counter.add_of(&self.table, sub).await? {
            Ok(_) => Ok(()),
            Err((_, seconds)) => Err(Problem::from(Code::TooManyRequests).retry_after(seconds)),
        }
    }

    /// Whether the account has the identity now. Nobody has one of an account that is gone.
    async fn has(&self, owner: &Owner, id: &str) -> Result<bool, Problem> {
        let record = self.accounts.record(&owner.user_name).await?;
        let Some(record) = record.filter(|record| record.sub() == owner.sub) else { return Ok(false) };
        Ok(read_account(&record, None)?.identity(id, &self.sealer).is_some())
    }

    /// An account as it is now, if it is open.
    async fn own_account(&self, owner: &Owner) -> Result<Account, Problem> {
        let record = self.open_record(owner).await?;
        // A stand-alone profile has none, and Cognito counts the call as activity.
        let factors = if record.is_stand_alone() {
            Some(Vec::new())
        } else {
            let answer = self.accounts.sign_in_factors(&owner.name()).await;
            if let Err(error) = &answer
                && error.kind() == PoolErrorKind::Denied
            {
                let (error_code, cause) = (Code::Misconfigured.name(), error.to_string());
                tracing::warn!(error_code, cause, sub = owner.sub, "passkeys count as none: nobody says who has one");
            }
            if_told(answer).map_err(gone_as(Code::AccountUnusable))?
        };
        read_account(&record, factors)
    }

    /// The profile of an account that is open.
    pub(super) async fn open_record(&self, owner: &Owner) -> Result<ProfileRecord, Problem> {
        let record = self.accounts.record(&owner.user_name).await?;
        // The user name may belong to another account by now. The `sub` never does.
        let record = record.filter(|record| record.sub() == owner.sub && record.enabled);
        record.ok_or_else(|| Code::AccountUnusable.into())
    }

    /// The address of an account, if somebody proved it. Nobody else gets mail about the account.
    pub(super) fn proven(&self, record: &ProfileRecord) -> Option<String> {
        let is_proven = |profile: &Profile| profile.has_proven_address(&self.settings.providers);
        record.profile().ok().filter(is_proven)?.email
    }

    /// Sends mails. What could not be sent stays owed.
    pub(super) async fn tell(
        &self,
        owner: &Owner,
        read: Versioned<State>,
        notices: &[Notice],
        locales: &[String],
    ) -> Result<Versioned<State>, Problem> {
        let mut sent = Vec::new();
        for notice in notices {
            let provider = notice.provider.as_str();
            let mail = match notice.what {
                What::Connected => Mail::IdentityConnected { provider },
                What::Disconnected => Mail::IdentityDisconnected { provider },
                What::SignedOutEverywhere => Mail::SignedOutEverywhere,
                What::PasswordChanged => Mail::PasswordChanged,
                What::Deleted => Mail::AccountDeleted,
            };
            let Ok(to) = Email::parse(&notice.to) else { continue };
            let locales = if notice.locales.is_empty() { locales } else { &notice.locales };
            let sending = self.outbox.send_in(locales, &to, &mail, None);
            let told = tokio::time::timeout(TELL_TIME, sending).await.unwrap_or_else(|_| Err(Code::MailNotSent.into()));
            match told {
                Ok(()) => sent.push(notice.clone()),
                Err(why) => why.log(Some(&owner.sub)),
            }
        }
        if sent.is_empty() {
            return Ok(read);
        }
        match self.table.change(read, |state| state.told(&sent)).await? {
            Some(read) => Ok(read),
            // The stored state still owes the mail, so it is sent twice, a minute apart.
            None => self.read(&owner.sub).await,
        }
    }
}

/// Replaces the state of an account that the caller works at. Others may write meanwhile what the work does not depend on,
/// such as a mail that is owed. `None` if another call has taken the work over.
pub(super) async fn replace_at_work(
    table: &Table,
    mut read: Versioned<State>,
    change: impl Fn(State) -> State,
) -> Result<Option<Versioned<State>>, Problem> {
    for _ in 0..WRITE_TRIES {
        let (key, written) = (read.key.clone(), read.value.clone());
        if let Some(read) = table.change(read, &change).await? {
            return Ok(Some(read));
        }
        read = table.load(key).await?;
        if !read.value.is_same_work(&written) {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Notes that every session of an account is ended, so that no sign-in from before counts as fresh.
pub(crate) async fn note_signed_out(table: &Table, sub: &str) -> Result<(), Problem> {
    for _ in 0..WRITE_TRIES {
        let read: Versioned<State> = table.load(key(sub)).await?;
        if table.change(read, |state| state.signed_out(table.now())).await?.is_some() {
            return Ok(());
        }
    }
    Err(Code::TryAgain.into())
}

/// A profile that was deleted between two calls is gone. It is not a pool that is set up wrong.
pub(super) fn gone_as(code: Code) -> impl Fn(PoolError) -> Problem {
    move |error| if error.kind() == PoolErrorKind::UserNotFound { code.into() } else { error.into() }
}

fn read_account(record: &ProfileRecord, factors: Option<Vec<String>>) -> Result<Account, Problem> {
    Account::read(record, factors).map_err(|why| Problem::from(Code::Misconfigured).because(&why))
}

impl From<&Caller> for Owner {
    fn from(caller: &Caller) -> Self {
        Self { sub: caller.sub.clone(), user_name: caller.user_name.as_str().to_owned() }
    }
}

impl Owner {
    pub(super) fn name(&self) -> UserName {
        UserName::new(&self.user_name)
    }
}

fn key(sub: &str) -> String {
    format!("identities#{sub}")
}
