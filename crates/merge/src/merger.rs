//! Carries a plan out, one profile after the other.
//!
//! Two profiles that the operator named go the same way, by rules of their own: see `join`.
//!
//! For each profile: read everything again and decide again; store everything that will be lost; create the native
//! profile if there is none, and copy groups and attributes to it; delete the stand-alone profile; settle the
//! identity as the trigger would, which links it.
//!
//! Everything that can fail for good is tried before the deletion. If something fails after a deletion all the same,
//! the whole run stops, because everybody may meet the same cause.
//!
//! In some pools a stand-alone profile prevents a native one with its address. There it is deleted first. If there are
//! several, the first one's identity is linked after the last one is deleted.
//!
//! Between deletion and link the identity has no profile. A person who signs in just then gets a new one, or the
//! trigger links them. So if the link fails, the profile is looked for again: one that came back is stored and
//! deleted like the first, and one that is linked already is done.

mod group;
mod guard;
mod join;
mod outcome;
mod prepare;
mod recheck;
mod settle;

pub use outcome::{Incomplete, MergeError, StepResult};

use crate::journal::{Begin, Entry, Journal, MergeState};
use crate::plan::{CopyOptions, Planned, Step};
use crate::rate_limit::RateLimits;
use crate::requirements::Requirements;
use crate::rules::Rules;
use cognito_core::user_pool::{Administration, Patience, PoolSettings, ProfileRecord};
use guard::Guard;
use linking::{Linker, NativeProfile, Policy, Refusal};
use outcome::Stop;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// How often to look for a profile that came back. All looks together take about a second.
const LOOKS: u32 = 3;

/// Merges profiles of one pool.
#[derive(Debug)]
pub struct Merger<'a, P> {
    /// The pool.
    pub pool: &'a P,
    /// The pool's id. Groups that Cognito makes for a provider begin with it.
    pub user_pool_id: &'a str,
    /// How the pool is set up.
    pub settings: &'a PoolSettings,
    /// The rules of the plan.
    pub rules: &'a Rules,
    /// What native profiles take over.
    pub copy: &'a CopyOptions,
    /// How fast calls are made.
    pub limits: &'a RateLimits,
    /// How long to wait before the second look for a profile; twice as long before the third.
    pub pause: Duration,
}

/// What earlier steps of the same address did.
#[derive(Debug, Default)]
struct EarlierSteps {
    /// The native profiles that they created or found.
    natives: BTreeSet<String>,
    /// Whether one of them deleted its profile and waits until the address is free.
    wait_for_address: bool,
}

impl<P: Administration> Merger<'_, P> {
    /// Merges the profiles of one address. Adds to `results` how each ended.
    ///
    /// # Errors
    ///
    /// Returns [`MergeError`] if it would be pointless or harmful to go on. A run with the same plan and journal
    /// continues from there.
    pub async fn merge(
        &self,
        journal: &mut impl Journal,
        planned: &Planned,
        results: &mut Vec<StepResult>,
    ) -> Result<(), MergeError> {
        let mut earlier = EarlierSteps::default();
        let mut waiting = Vec::new();
        for step in &planned.merge {
            match self.step(journal, planned, step, &earlier).await {
                Err(Stop::AddressTaken) => {
                    earlier.wait_for_address = true;
                    waiting.push(step);
                }
                result => results.push(self.note(journal, planned.line, &step.delete, result).await?),
            }
            let linked = journal.history().merge_of(&step.delete).and_then(|state| state.linked.as_ref());
            earlier.natives.extend(linked.map(|linked| linked.into.clone()));
        }
        earlier.wait_for_address = false;
        for step in waiting {
            let result = self.step(journal, planned, step, &earlier).await;
            results.push(self.note(journal, planned.line, &step.delete, result).await?);
        }
        if let Some(step) = &planned.group {
            let result = self.add_to_group(journal, &planned.email, step).await;
            results.push(self.note(journal, planned.line, &step.user_name, result).await?);
        }
        Ok(())
    }

    async fn step(
        &self,
        journal: &mut impl Journal,
        planned: &Planned,
        step: &Step,
        earlier: &EarlierSteps,
    ) -> Result<StepResult, Stop> {
        let mut why = String::new();
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(self.pause * look).await;
            }
            let state = journal.history().merge_of(&step.delete).cloned().unwrap_or_default();
            if state.done {
                return Ok(StepResult::DoneBefore);
            }
            let deleted = self.delete_stand_alone(journal, planned, step, earlier, &state).await;
            // Once this profile is deleted, by this run or an earlier one, its identity must be linked before the
            // next step.
            let deleted = match journal.history().merge_of(&step.delete).filter(|state| state.is_half_done()) {
                None => deleted?,
                Some(now) => {
                    let what = if now.deleted { Incomplete::NotLinked } else { Incomplete::NotMoved };
                    deleted.map_err(|stop| stop.after(what))?
                }
            };
            let Some(begin) = deleted else { return Ok(StepResult::Skipped("the profile is gone".into())) };
            let lacks = begin.into.is_none() && !self.requirements().missing(&begin.profile).is_empty();
            if earlier.wait_for_address && lacks {
                return Err(Stop::AddressTaken);
            }
            let settled = match &step.join {
                Some(join) => self.settle_join(journal, join, &begin).await,
                None => self.settle(journal, &begin).await,
            };
            match settled.map_err(|stop| stop.after(Incomplete::NotLinked))? {
                Ok(result) => return Ok(result),
                Err(error) => why = error,
            }
        }
        Err(Stop::Incomplete { what: Incomplete::NotLinked, why, may_pass: false })
    }

    /// Deletes the profile that goes, unless that is done. Returns `None` if somebody else deleted it.
    async fn delete_stand_alone(
        &self,
        journal: &mut impl Journal,
        planned: &Planned,
        step: &Step,
        earlier: &EarlierSteps,
        state: &MergeState,
    ) -> Result<Option<Begin>, Stop> {
        let record = self.pool.record(&step.delete).await?;
        let Some(record) = record.filter(|record| !registered_anew(record, step, state)) else {
            let Some(begin) = state.attempts.last() else { return Ok(None) };
            if let Some(join) = step.join.as_ref().filter(|_| !state.deleted) {
                self.link_on_their_way(join, begin, state).await?;
            }
            return self.already_deleted(journal, begin, state).await.map(Some);
        };
        if let Some(begin) = state.attempts.last().filter(|begin| begin.profile.sub() != record.sub()) {
            // Its owner came back, so the earlier profile is deleted, even if the run ended before it could write that.
            self.write_deleted(journal, begin, state).await?;
        }
        let checked = self.recheck(record, planned, step, earlier, state).await?;
        let begin = self.prepare(journal, planned, checked).await?;
        self.delete(journal, &begin).await?;
        Ok(Some(begin))
    }

    /// Writes to the journal if a step was skipped or failed.
    async fn note(
        &self,
        journal: &mut impl Journal,
        line: usize,
        name: &str,
        result: Result<StepResult, Stop>,
    ) -> Result<StepResult, MergeError> {
        let user_name = name.to_owned();
        let (what, why, may_pass) = match result {
            Ok(result) | Err(Stop::Profile(result)) => {
                match &result {
                    StepResult::Skipped(why) => journal.write(Entry::Skipped { user_name, why: why.clone() }).await?,
                    StepResult::Failed(why) => journal.write(Entry::Failed { user_name, why: why.clone() }).await?,
                    StepResult::Done | StepResult::DoneWithout(_) | StepResult::DoneBefore => {}
                }
                return Ok(result);
            }
            Err(Stop::Run(error)) => return Err(error),
            Err(Stop::Incomplete { what, why, may_pass }) => (what, why, may_pass),
            Err(Stop::AddressTaken) => {
                (Incomplete::NotLinked, Refusal::EmailHeldByFederatedProfile.kind().code.to_owned(), false)
            }
        };
        journal.write(Entry::Failed { user_name, why: why.clone() }).await?;
        let begin = journal.history().merge_of(name).and_then(|state| state.attempts.last());
        let creating = begin.filter(|begin| begin.into.is_none());
        let missing = creating.map(|begin| self.requirements().missing(&begin.profile)).unwrap_or_default();
        let missing = missing.into_iter().map(str::to_owned).collect();
        Err(MergeError::Incomplete { line, what, why, may_pass, missing })
    }

    fn requirements(&self) -> Requirements<'_> {
        Requirements::new(self.settings, &self.copy.attributes)
    }

    /// The pool, limited to what this attempt may do.
    fn guard<'g>(&'g self, begin: &'g Begin) -> Guard<'g, P> {
        Guard {
            deletable: begin.replaces.as_ref().map(|replaced| replaced.profile.user_name.as_str()),
            gives: begin.add_attributes.keys().map(String::as_str).collect(),
            ..Guard::new(self.pool, self.limits, begin.into.as_deref())
        }
    }

    fn linker<'g>(&'g self, guard: &'g Guard<'g, P>, begin: &Begin) -> Linker<'g, Guard<'g, P>> {
        let native_profile = if begin.into.is_none() { NativeProfile::Create } else { NativeProfile::Skip };
        Linker {
            pool: guard,
            providers: &self.rules.providers,
            policy: Policy { native_profile, ..self.rules.policy },
            group: None,
            user_name: self.settings.native_user_name(),
            attributes: begin.add_attributes.clone(),
            now: SystemTime::now(),
            patience: Patience::NONE,
            later: None,
            observer: None,
        }
    }
}

/// Whether somebody registered the name of a joined native profile again. That may be another person.
fn registered_anew(record: &ProfileRecord, step: &Step, state: &MergeState) -> bool {
    let is_new = state.attempts.iter().all(|begin| begin.profile.sub() != record.sub());
    step.join.is_some() && is_new && state.attempts.last().is_some_and(|begin| begin.identity.is_none())
}

/// Whether an earlier attempt was to create the native profile.
fn creates_native(state: &MergeState) -> bool {
    state.attempts.last().is_some_and(|begin| begin.into.is_none())
}

#[cfg(test)]
mod tests;
