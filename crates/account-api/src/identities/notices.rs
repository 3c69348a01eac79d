//! What an owner does for the safety of their account, and the mails that tell about it: the sessions are ended, the
//! password was changed, pre-sign-up linked a provider.

use super::flow::{Identities, WRITE_TRIES, gone_as};
use super::state::{Notice, Owner, State, What};
use super::ways::{connected_at, label};
use crate::caller::{AHEAD, Caller, FRESH};
use crate::clock::DAY;
use crate::problem::{Code, Problem};
use crate::table::{self, Versioned};
use cognito_core::account_event::{AccountEvent, What as Happened};
use cognito_core::user_pool::ProfileRecord;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a run waits for a link that pre-sign-up has begun: a little longer than pre-sign-up has. If Cognito calls that
/// again, it tells the bus again.
const LOOKS: u32 = 8;
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A link that was told, kept for a day so that it is told once. Two runs at once may tell it twice.
#[derive(Default, Serialize, Deserialize)]
struct Told {}

impl table::Entry for Told {
    fn keep_until(&self, now: u64) -> Option<u64> {
        Some(now + DAY)
    }
}

impl Identities {
    /// Ends every session of the caller's account, the caller's own one too. From then on no sign-in from before counts as
    /// fresh, and none does this again. However often it is asked for, it is done; only the mails are limited.
    pub(crate) async fn sign_out_everywhere(&self, caller: &Caller) -> Result<(), Problem> {
        let owner = &Owner::from(caller);
        self.must_be_signed_in(caller, owner).await?;
        let record = self.open_record(owner).await?;
        let name = self.accounts.checked(&owner.name(), &owner.sub).await?;
        self.accounts.sign_out_everywhere(&name).await.map_err(gone_as(Code::AccountUnusable))?;
        let now = self.table.now();
        let may_tell = match self.counted(&self.notices, &owner.sub).await {
            Err(why) if why.code() != Code::TooManyRequests => return Err(why),
            counted => counted.is_ok(),
        };
        let notice = self.about(What::SignedOutEverywhere, &record).filter(|_| may_tell);
        self.note(owner, |state| state.signed_out(now), notice, &caller.locales).await?;
        tracing::info!(decision = "signed_out_everywhere", sub = owner.sub, "decided");
        Ok(())
    }

    /// Tells the owner that the password was changed. Cognito changes it without a word to anybody, so the caller says so.
    pub(crate) async fn password_changed(&self, caller: &Caller) -> Result<(), Problem> {
        let owner = &Owner::from(caller);
        self.must_be_signed_in(caller, owner).await?;
        let record = self.open_record(owner).await?;
        self.counted(&self.notices, &owner.sub).await?;
        self.note(owner, |state| state, self.about(What::PasswordChanged, &record), &caller.locales).await?;
        tracing::info!(decision = "password_change_told", sub = owner.sub, "decided");
        Ok(())
    }

    /// Refuses a token whose session was ended. API Gateway takes it until it expires. A thief could otherwise end each of the
    /// owner's later sessions with it.
    async fn must_be_signed_in(&self, caller: &Caller, owner: &Owner) -> Result<(), Problem> {
        let read = self.read(&owner.sub).await?;
        if read.value.is_signed_in(caller.signed_in_at()) { Ok(()) } else { Err(Code::SignInAgain.into()) }
    }

    /// Pre-sign-up told that it was about to link an identity. If it did, the application and the owner are told. An event
    /// of long ago, which somebody replays, is no news.
    pub(crate) async fn link_begun(&self, begun: &AccountEvent) -> Result<(), Problem> {
        let Happened::LinkBegun { provider } = &begun.what else { return Ok(()) };
        let (now, at) = (self.table.now(), begun.at);
        if begun.user_pool_id != self.settings.user_pool_id || at.saturating_add(DAY) < now || now + AHEAD < at {
            return Ok(());
        }
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            let Some((owner, record)) = self.by_sub(&begun.sub).await? else { continue };
            let made = made_since(&record, provider, begun.at.saturating_sub(AHEAD))?;
            if made.is_empty() {
                continue;
            }
            for at in made {
                self.tell_of_link(&owner, &record, provider, at).await?;
            }
            return Ok(());
        }
        Ok(())
    }

    /// The account of a `sub`, if it is open. Cognito takes the `sub` of a native profile wherever it takes a user name. Only
    /// if somebody has it for a user name, the pool is searched.
    async fn by_sub(&self, sub: &str) -> Result<Option<(Owner, ProfileRecord)>, Problem> {
        let is_it = |record: &ProfileRecord| record.sub() == sub;
        let found = match self.accounts.found_by(sub).await? {
            Some(record) if !is_it(&record) => match self.accounts.user_name_of_sub(sub).await? {
                Some(name) => self.accounts.record(name.as_str()).await?,
                None => None,
            },
            found => found,
        };
        let open = found.filter(|record| is_it(record) && record.enabled);
        Ok(open.map(|record| (Owner { sub: sub.to_owned(), user_name: record.user_name.clone() }, record)))
    }

    /// Tells of a link that was made then.
    async fn tell_of_link(
        &self,
        owner: &Owner,
        record: &ProfileRecord,
        provider: &str,
        at: u64,
    ) -> Result<(), Problem> {
        let told = format!("told#{}#{provider}#{at}", owner.sub);
        let read: Versioned<Told> = self.table.load(told).await?;
        if read.is_stored() {
            // A mail may be owed still, and nobody else may come.
            return self.complete_later(owner).await;
        }
        self.events.tell_of(&owner.sub, at, [Happened::Linked { provider: provider.to_owned() }]).await;
        // An account that was made for this sign-in has nobody who would be surprised.
        let is_new = record.created.is_some_and(|created| at < created.saturating_add(FRESH));
        let to = self.proven(record).filter(|_| self.settings.link_notices && !is_new);
        let is_owed = to.is_some();
        if let Some(to) = to {
            let locales = record.attributes.get("locale").cloned().into_iter().collect();
            let notice = Notice::new(What::Connected, to, label(provider).to_owned()).in_one_of(locales);
            self.note(owner, |state| state, Some(notice), &[]).await?;
        }
        tracing::info!(decision = "link_told", provider, sub = owner.sub, "decided");
        self.table.replace(read, Told {}).await?;
        if is_owed { self.complete_later(owner).await } else { Ok(()) }
    }

    fn about(&self, what: What, record: &ProfileRecord) -> Option<Notice> {
        Some(Notice::new(what, self.proven(record)?, String::new()))
    }

    /// Stores a change of the account's state, and sends a mail about it.
    async fn note(
        &self,
        owner: &Owner,
        change: impl Fn(State) -> State,
        notice: Option<Notice>,
        locales: &[String],
    ) -> Result<(), Problem> {
        for _ in 0..WRITE_TRIES {
            let read = self.read(&owner.sub).await?;
            let (state, owed) = change(read.value.clone()).owing(notice.clone(), self.table.now());
            if let Some(read) = self.table.replace(read, state).await? {
                return self.tell(owner, read, &owed, locales).await.map(drop);
            }
        }
        Err(Code::TryAgain.into())
    }
}

/// When identities of this provider were linked to the account, in seconds since 1970, if that was not before `since`.
fn made_since(record: &ProfileRecord, provider: &str, since: u64) -> Result<Vec<u64>, Problem> {
    let profile = record.profile().map_err(|why| Problem::from(Code::Misconfigured).because(&why))?;
    let of_provider = profile.identities.iter().filter(|known| known.provider_name.eq_ignore_ascii_case(provider));
    Ok(of_provider.filter_map(connected_at).filter(|at| *at >= since).collect())
}
