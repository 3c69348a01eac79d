//! Carries out a move: one account goes, and its identities sign in to the other one. A call that is cut off leaves a
//! journal, and the next call of either account goes on with it.

use super::flow::{Identities, WRITE_TRIES, gone_as};
use super::merging::{Pool, TableJournal, history_of};
use super::party::Party;
use super::state::{Joined, Move, Notice, Owner, State, What, Work};
use crate::caller::FRESH;
use crate::problem::{Code, Problem};
use crate::table::Versioned;
use cognito_core::account_event::What as Happened;
use cognito_core::email::Email;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{Identity, PoolError, PoolSettings, Profile, ProfileRecord};
use linking::Policy;
use merge::{
    CopyOptions, Journal as _, MergeError, MergeState, Merger, NotJoinable, Planned, RateLimits, Rules, Step,
    StepResult, is_group_of_provider,
};
use std::time::Duration;

/// How long a merge waits before it looks again for a profile that came back.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl Identities {
    /// Takes both accounts for the move: first the one that goes, which leads to the one that stays.
    pub(super) async fn begin_move(
        &self,
        moving: Move,
        goes: &Party,
        stays: &Party,
    ) -> Result<Versioned<State>, Problem> {
        let id = moving.id.clone();
        let going = self.idle(goes).await?;
        let going = self.begin(going, Work::Leave { id, into: stays.owner.sub.clone() }).await?;
        let staying = match self.idle(stays).await {
            Ok(read) => self.begin(read, Work::Absorb(Box::new(moving))).await,
            Err(why) => Err(why),
        };
        if staying.as_ref().is_err_and(|why| matches!(why.code(), Code::IdentityChanging | Code::SignInAgain)) {
            self.table.change(going, |state| state.ended([], self.table.now())).await?;
        }
        staying
    }

    /// The state of an account at which nobody works, and whose sessions nobody ended since.
    async fn idle(&self, party: &Party) -> Result<Versioned<State>, Problem> {
        let read = self.read(&party.owner.sub).await?;
        if read.value.work.is_some() {
            return Err(Code::IdentityChanging.into());
        }
        if read.value.is_signed_in(party.signed_in_at) { Ok(read) } else { Err(Code::SignInAgain.into()) }
    }

    /// Carries a move out, or goes on with one. The caller has the account that stays to itself. If nothing of a move has
    /// happened that cannot be done any more, it ends with [`Code::AccountsChanged`].
    pub(super) async fn carry_out(&self, read: Versioned<State>, locales: &[String]) -> Result<Joined, Problem> {
        let Some(moving) = read.value.moving().cloned() else { return Err(Code::TryAgain.into()) };
        let stays = staying(&moving.step).ok_or(Code::Misconfigured)?;
        let known = history_of(&read.value).merge_of(&moving.goes.user_name).cloned().unwrap_or_default();
        match self.is_in_use_again(&moving, &known).await {
            Ok(false) => {}
            Ok(true) => {
                self.give_up(&moving, read).await?;
                return Err(Code::AccountsChanged.into());
            }
            Err(why) => return Err(self.pause(read, why).await?),
        }
        let mut journal = TableJournal::of(&self.table, read);
        let result = self.merge(&mut journal, &moving.step).await;
        let state = journal.history().merge_of(&moving.goes.user_name).cloned().unwrap_or_default();
        let Some(read) = journal.into_read() else {
            return Err(result.err().unwrap_or_else(|| Code::TryAgain.into()));
        };
        let joined = Joined { id: moving.id.clone(), stays: stays.sub.clone(), goes: moving.goes.sub.clone() };
        match result {
            Ok(()) => {
                let (provider, old_sub) = (&moving.provider, &moving.goes.sub);
                tracing::info!(decision = "identity_connected", provider, sub = stays.sub, old_sub, "decided");
                self.joined(&moving, &stays, read, &joined, locales).await?;
                Ok(joined)
            }
            Err(why) => Err(self.failed(&moving, &stays, read, &state, why).await?),
        }
    }

    /// A move failed. It is tried again later if that may help, and ends otherwise. Returns what to answer.
    async fn failed(
        &self,
        moving: &Move,
        stays: &Owner,
        read: Versioned<State>,
        state: &MergeState,
        why: Problem,
    ) -> Result<Problem, Problem> {
        let mut is_elsewhere = match self.has_moved_on(moving, state).await {
            Ok(has_moved_on) => has_moved_on,
            // Nobody knows, so nothing is given up.
            Err(unknown) => return self.pause(read, unknown).await,
        };
        if why.is_passing() && !state.attempts.is_empty() && !is_elsewhere {
            return self.pause(read, why).await;
        }
        if state.is_half_done() && !is_elsewhere {
            let (sub, old_sub) = (&stays.sub, &moving.goes.sub);
            match self.give_back(moving, state).await {
                // Its owner signed in, and the triggers linked it to that account again.
                Ok(Some(0)) => is_elsewhere = true,
                Ok(Some(_)) => tracing::warn!(decision = "identity_given_back", sub, old_sub, "decided"),
                // Nothing would change that. The identity's next sign-in is one of somebody new.
                Ok(None) => {
                    let error_code = "identity_not_connected";
                    tracing::error!(error_code, sub, old_sub, "an identity has no account until its next sign-in");
                }
                Err(passing) => return self.pause(read, passing).await,
            }
        }
        self.give_up(moving, read).await?;
        Ok(if is_elsewhere { Code::AccountsChanged.into() } else { why })
    }

    /// A later call tries it again.
    async fn pause(&self, read: Versioned<State>, why: Problem) -> Result<Problem, Problem> {
        self.table.change(read, |state| state.paused(self.table.now())).await?;
        Ok(why)
    }

    /// Gives the linked identities that are on their way back to the account that was to go. Returns how many it did not
    /// have; `None` if it is gone, or Cognito does not take them. Fails if that may pass.
    async fn give_back(&self, moving: &Move, state: &MergeState) -> Result<Option<usize>, Problem> {
        let given_back = async {
            let goes = self.accounts.profile(&moving.goes.user_name).await?;
            let Some(goes) = goes.filter(|goes| goes.sub == moving.goes.sub) else { return Ok(None) };
            let name = self.accounts.checked(&moving.goes.name(), &moving.goes.sub).await?;
            let is_there = |identity: &&SourceIdentity| has(&goes, identity.provider(), identity.value());
            let missing: Vec<_> = state.moved.iter().filter(|identity| !is_there(identity)).collect();
            for identity in &missing {
                self.accounts.link(&name, identity).await?;
            }
            Ok((!state.moved.is_empty()).then_some(missing.len()))
        };
        match given_back.await {
            Err(error) if PoolError::is_transient(&error) => Err(error.into()),
            answer => Ok(answer.unwrap_or(None)),
        }
    }

    /// Ends a move without its end.
    async fn give_up(&self, moving: &Move, read: Versioned<State>) -> Result<(), Problem> {
        self.table.change(read, |state| state.ended([], self.table.now())).await?;
        self.let_go(&moving.goes, &moving.id, None).await
    }

    /// Whether a profile of the same name came back that may be in use by now. Only one that is as young as the move, and
    /// has no rights, is absorbed like the one before it.
    async fn is_in_use_again(&self, moving: &Move, state: &MergeState) -> Result<bool, Problem> {
        if state.attempts.is_empty() {
            return Ok(false);
        }
        let is_new = |record: &ProfileRecord| state.attempts.iter().all(|begin| begin.profile.sub() != record.sub());
        let Some(record) = self.accounts.record(&moving.goes.user_name).await?.filter(is_new) else { return Ok(false) };
        if record.created.is_none_or(|created| created > moving.begun_at.saturating_add(FRESH)) {
            return Ok(true);
        }
        let is_right = |group: &String| {
            !is_group_of_provider(group, &self.settings.user_pool_id, &record)
                && self.settings.default_group.as_ref() != Some(group)
        };
        Ok(self.accounts.groups(&record.name()).await?.iter().any(is_right))
    }

    /// One merge with the rules of the crate.
    async fn merge(&self, journal: &mut TableJournal<'_>, step: &Step) -> Result<(), Problem> {
        let rules =
            Rules { providers: self.settings.providers.clone(), policy: Policy::default(), trust_stored_values: false };
        let (pool, limits) = (Pool(&*self.accounts), RateLimits::none());
        let merger = Merger {
            pool: &pool,
            user_pool_id: &self.settings.user_pool_id,
            settings: &PoolSettings::default(),
            rules: &rules,
            copy: &CopyOptions::default(),
            limits: &limits,
            pause: LOOK_AGAIN,
        };
        let planned =
            Planned { line: 0, email: String::new(), merge: vec![step.clone()], leave: Vec::new(), group: None };
        let mut results = Vec::new();
        match merger.merge(journal, &planned, &mut results).await {
            Ok(()) => match results.first() {
                Some(StepResult::Done | StepResult::DoneBefore | StepResult::DoneWithout(_)) => Ok(()),
                Some(StepResult::Skipped(why)) if why == NotJoinable::ShutOut.code() => {
                    Err(Code::AccountUnusable.into())
                }
                Some(StepResult::Skipped(_)) | None => Err(Code::AccountsChanged.into()),
                Some(StepResult::Failed(_)) => Err(Code::Misconfigured.into()),
            },
            Err(MergeError::Pool(error)) => Err(gone_as(Code::AccountsChanged)(error)),
            Err(error @ MergeError::Incomplete { may_pass: false, .. }) => {
                Err(Problem::from(Code::Misconfigured).because(&error))
            }
            Err(error @ (MergeError::Journal(_) | MergeError::Incomplete { .. })) => {
                Err(Problem::from(Code::TryAgain).because(&error))
            }
        }
    }

    /// Whether everything that is on its way has another account by now: its owner signed in, and the triggers linked it
    /// or Cognito made a profile. Then there is nothing to give back.
    async fn has_moved_on(&self, moving: &Move, state: &MergeState) -> Result<bool, Problem> {
        let Some(join) = moving.step.join.as_ref().filter(|_| state.is_half_done()) else { return Ok(false) };
        let Ok(going) = join.goes.profile().profile() else { return Ok(false) };
        let known = [join.stays.profile().sub(), going.sub.as_str()];
        let mut found: Vec<_> = self.accounts.profile(&moving.goes.user_name).await?.into_iter().collect();
        if let Some(Ok(address)) = going.email.as_deref().map(Email::parse) {
            found.extend(self.accounts.profiles_with_email(&address).await?);
        }
        let mut others = found.iter().filter(|profile| !known.contains(&profile.sub.as_str()));
        // A link may be by an attribute.
        let link = state.attempts.last().and_then(|begin| begin.identity.as_ref());
        let has_link = |other: &Profile, identity: &Identity| {
            link.filter(|link| link.provider().eq_ignore_ascii_case(&identity.provider_name))
                .is_some_and(|link| has(other, link.provider(), link.value()))
        };
        let has_all = |other: &&Profile| {
            let has_it = |identity: &Identity| has(other, &identity.provider_name, &identity.user_id);
            going.identities.iter().all(|identity| has_it(identity) || has_link(other, identity))
        };
        Ok(!going.identities.is_empty() && others.any(|other| has_all(&other)))
    }

    /// The two accounts are one. Stores the end, and tells the owner.
    async fn joined(
        &self,
        moving: &Move,
        stays: &Owner,
        read: Versioned<State>,
        joined: &Joined,
        locales: &[String],
    ) -> Result<(), Problem> {
        self.events.tell(&stays.sub, happened(moving)).await;
        let notice = |to: &String| Notice::new(What::Connected, to.clone(), moving.provider.clone());
        let now = self.table.now();
        let ended = |state: State| state.joined(joined.clone(), moving.tell.iter().map(notice), now);
        self.end(stays, read, ended, locales).await?;
        self.let_go(&moving.goes, &moving.id, Some(joined)).await
    }

    /// Ends the move in the state of the account that goes.
    async fn let_go(&self, goes: &Owner, id: &str, joined: Option<&Joined>) -> Result<(), Problem> {
        for _ in 0..WRITE_TRIES {
            let read = self.read(&goes.sub).await?;
            if !matches!(&read.value.work, Some(Work::Leave { id: known, .. }) if known == id) {
                return Ok(());
            }
            let now = self.table.now();
            let after = |state: State| match joined {
                Some(joined) => state.joined(joined.clone(), [], now),
                None => state.ended([], now),
            };
            if self.table.change(read, after).await?.is_some() {
                return Ok(());
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Completes a move from the side of the account that goes. The caller has that account to itself.
    pub(super) async fn complete_leaving(
        &self,
        goes: &Owner,
        read: Versioned<State>,
        id: &str,
        into: &str,
        locales: &[String],
    ) -> Result<(), Problem> {
        let staying = self.read(into).await?;
        let now = self.table.now();
        if staying.value.moving().is_some_and(|moving| moving.id == id) {
            if staying.value.is_held(now) {
                self.table.change(read, State::released).await?;
                return Err(Code::IdentityChanging.into());
            }
            let held = self.table.change(staying, |state| state.held(now)).await?.ok_or(Code::IdentityChanging)?;
            return self.carry_out(held, locales).await.map(drop);
        }
        // It ended, or never began.
        let joined = staying.value.joined.filter(|joined| joined.id == id);
        self.let_go(goes, id, joined.as_ref()).await
    }
}

/// What an application has to know of a move that is complete.
fn happened(moving: &Move) -> Vec<Happened> {
    let goes = moving.step.join.as_ref().and_then(|join| join.goes.profile().profile().ok());
    let identities = goes.map(|goes| goes.identities).unwrap_or_default();
    let linked = identities.into_iter().map(|identity| Happened::Linked { provider: identity.provider_name });
    [Happened::Merged { old_sub: moving.goes.sub.clone() }].into_iter().chain(linked).collect()
}

/// Whether an identity signs in to the account. Subjects compare exactly, as Cognito compares them.
fn has(profile: &Profile, provider: &str, subject: &str) -> bool {
    let is = |known: &Identity| known.user_id == subject && known.provider_name.eq_ignore_ascii_case(provider);
    profile.identities.iter().any(is)
}

/// The account that stays.
fn staying(step: &Step) -> Option<Owner> {
    let record = step.join.as_ref()?.stays.profile();
    Some(Owner { sub: record.sub().to_owned(), user_name: record.user_name.clone() })
}
