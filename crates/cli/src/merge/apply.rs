//! Carries a plan out, one profile after the other.
//!
//! For each: read everything anew and decide; write down all that will be lost; make the native profile if there is
//! none, and give it what it is to take over; delete the stand-alone profile; settle the identity as the trigger would,
//! which links it.
//!
//! What can fail for good is tried before the deletion. Where it fails after one all the same the whole run stops: the
//! cause may hold for everybody.
//!
//! In some pools a stand-alone profile keeps its address from a native one. There it has to be deleted first, and with
//! several of them the first one's identity is linked when the last one is deleted.
//!
//! Between deletion and link the identity has no profile. Who signs in just then gets a new one, or is linked by the
//! trigger. So when the link does not come about the profile is looked for again: one that came back is written down
//! and deleted like the first, and one that is linked already is done.

use super::creation::Creation;
use super::guard::{Guard, Paces};
use super::half_done::HalfDone;
use super::journal::{Begin, Entry, Ledger, Linked, Progress, Replaced};
use super::plan::{Planned, Step};
use crate::registry::{LinkedAs, PoolFacts, Record, Registry};
use crate::rules::{Rules, Verdict};
use anyhow::Result;
use cognito_core::email::{Email, EmailClaim};
use cognito_core::user_pool::{PoolError, PoolErrorKind, UserName, UserPool};
use linking::{
    Decision, LinkError, Linker, NativeProfile, NativeUserName, Owners, Policy, Refusal, bears_borrowed_sub,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// How often a profile is looked for again: its owner may sign in once, hardly thrice, in the second this takes.
const ROUNDS: u32 = 3;

/// Merges profiles of one pool.
#[derive(Debug)]
pub(crate) struct Merger<'a, P, R> {
    pub(crate) pool: &'a P,
    pub(crate) registry: &'a R,
    pub(crate) user_pool_id: &'a str,
    pub(crate) facts: &'a PoolFacts,
    pub(crate) rules: Rules,
    pub(crate) creation: Creation,
    pub(crate) copy_groups: bool,
    pub(crate) copy_attributes: &'a [String],
    pub(crate) paces: &'a Paces,
    /// How long to wait before looking for a profile again.
    pub(crate) pause: Duration,
}

/// How the merge of one profile ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The identity signs in to the native profile.
    Done,
    /// It does, and the pool did not take these attributes.
    DoneWithout(Vec<String>),
    /// It did already after an earlier run.
    DoneBefore,
    /// Nothing was changed, because the situation is not the planned one.
    Skipped(String),
    /// Not finished.
    Failed(String),
}

/// Why the merge of one profile does not go on: for this profile, for now, or altogether.
enum Stop {
    Profile(Applied),
    /// It is deleted, and another stand-alone profile still holds its address.
    Held,
    /// Something is deleted, and going on would lose more.
    HalfDone(HalfDone, String),
    Run(anyhow::Error),
}

impl From<PoolError> for Stop {
    fn from(error: PoolError) -> Self {
        if error.is_transient() || error.kind() == PoolErrorKind::Denied {
            Self::Run(error.into())
        } else {
            Self::Profile(Applied::Failed(error.to_string()))
        }
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}

impl Stop {
    /// The same once something is deleted.
    fn after(self, what: HalfDone) -> Self {
        match self {
            Self::Profile(Applied::Failed(why) | Applied::Skipped(why)) => Self::HalfDone(what, why),
            stop => stop,
        }
    }
}

/// What earlier steps of the same address came to.
#[derive(Debug, Default)]
struct Earlier {
    /// Profiles that they made, or found.
    made: BTreeSet<String>,
    /// One is deleted and waits for the address to become free.
    held: bool,
}

/// What is about to happen, and who else stands in the way.
struct Checked {
    begin: Begin,
    /// The other stand-alone profiles of the address.
    others: Vec<String>,
}

impl<P: UserPool, R: Registry> Merger<'_, P, R> {
    /// Merges the profiles of one address. Adds to `ended` how each ended.
    ///
    /// # Errors
    ///
    /// What makes going on pointless or harmful: the journal cannot be written, AWS denies or does not answer, or
    /// something is deleted and cannot be finished. The same plan and journal go on from there.
    pub(crate) async fn merge(
        &self,
        ledger: &mut impl Ledger,
        planned: &Planned,
        ended: &mut Vec<Applied>,
    ) -> Result<()> {
        let mut earlier = Earlier::default();
        let mut waiting = Vec::new();
        for step in &planned.merge {
            match self.step(ledger, planned, step, &earlier).await {
                Err(Stop::Held) => {
                    earlier.held = true;
                    waiting.push(step);
                }
                result => ended.push(self.note(ledger, planned, step, result)?),
            }
            let progress = ledger.history().of.get(&step.delete);
            let linked = progress.and_then(|progress| progress.linked.as_ref());
            earlier.made.extend(linked.map(|linked| linked.into.clone()));
        }
        earlier.held = false;
        for step in waiting {
            let result = self.step(ledger, planned, step, &earlier).await;
            ended.push(self.note(ledger, planned, step, result)?);
        }
        Ok(())
    }

    /// Writes down how a step ended, if it did not end well.
    fn note(
        &self,
        ledger: &mut impl Ledger,
        planned: &Planned,
        step: &Step,
        result: Result<Applied, Stop>,
    ) -> Result<Applied> {
        let user_name = step.delete.clone();
        let (what, why) = match result {
            Ok(applied) | Err(Stop::Profile(applied)) => {
                match &applied {
                    Applied::Skipped(why) => ledger.write(Entry::Skipped { user_name, why: why.clone() })?,
                    Applied::Failed(why) => ledger.write(Entry::Failed { user_name, why: why.clone() })?,
                    Applied::Done | Applied::DoneWithout(_) | Applied::DoneBefore => {}
                }
                return Ok(applied);
            }
            Err(Stop::Run(error)) => return Err(error),
            Err(Stop::HalfDone(what, why)) => (what, why),
            Err(Stop::Held) => (HalfDone::Profile, Refusal::EmailHeldByFederatedProfile.kind().code.to_owned()),
        };
        ledger.write(Entry::Failed { user_name, why: why.clone() })?;
        let begin = ledger.history().of.get(&step.delete).and_then(|progress| progress.begun.last());
        let making = begin.filter(|begin| begin.into.is_none());
        let missing = making.map(|begin| self.creation.missing(&begin.profile)).unwrap_or_default();
        Err(anyhow::Error::msg(what.message(planned.line, &why, &missing)))
    }

    async fn step(
        &self,
        ledger: &mut impl Ledger,
        planned: &Planned,
        step: &Step,
        earlier: &Earlier,
    ) -> Result<Applied, Stop> {
        let mut why = String::new();
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(self.pause * round).await;
            }
            let progress = ledger.history().of.get(&step.delete).cloned().unwrap_or_default();
            if progress.done {
                return Ok(Applied::DoneBefore);
            }
            let begin = match self.registry.record(&step.delete).await? {
                Some(record) => {
                    let checked = self.check(record, planned, step, earlier, &progress).await?;
                    let begin = self.prepare(ledger, planned, checked).await?;
                    self.delete(ledger, &begin).await?;
                    begin
                }
                None => match progress.begun.last() {
                    Some(begin) => self.gone(ledger, begin, &progress)?,
                    None => return Ok(Applied::Skipped("the profile is gone".into())),
                },
            };
            if earlier.held && begin.into.is_none() && !self.creation.missing(&begin.profile).is_empty() {
                return Err(Stop::Held);
            }
            match self.settle(ledger, &begin).await.map_err(|stop| stop.after(HalfDone::Profile))? {
                Ok(applied) => return Ok(applied),
                Err(error) => why = error,
            }
        }
        Err(Stop::HalfDone(HalfDone::Profile, why))
    }

    /// A profile that an earlier run, or somebody else, has deleted meanwhile: what is still to happen to it.
    fn gone(&self, ledger: &mut impl Ledger, begin: &Begin, progress: &Progress) -> Result<Begin> {
        if !progress.deleted {
            let user_name = begin.profile.user_name.clone();
            ledger.write(Entry::Deleted { user_name, sub: begin.profile.sub().to_owned() })?;
        }
        let mut begin = begin.clone();
        if begin.into.is_none() {
            // Attributes may be copied now that were not when it began: the pool requires them.
            let before = begin.add_attributes.len();
            for name in self.copy_attributes {
                if let Some(value) = begin.profile.attribute(name).map(str::to_owned) {
                    begin.add_attributes.entry(name.clone()).or_insert(value);
                }
            }
            if begin.add_attributes.len() > before {
                ledger.write(Entry::Begin(Box::new(begin.clone())))?;
            }
        }
        Ok(begin)
    }

    /// Reads everything anew, decides anew, and says what is about to happen.
    async fn check(
        &self,
        record: Record,
        planned: &Planned,
        step: &Step,
        earlier: &Earlier,
        progress: &Progress,
    ) -> Result<Checked, Stop> {
        let changed = |what: &str| Stop::Profile(Applied::Skipped(format!("changed since the plan: {what}")));
        if record.address().as_deref() != Some(planned.email.as_str()) {
            return Err(changed("the profile has another address"));
        }
        if progress.begun.is_empty() && record.sub() != step.sub {
            return Err(changed("the profile was made anew"));
        }
        let Ok(email) = Email::parse(&planned.email) else { return Err(changed("the address")) };
        let now = SystemTime::now();
        let guard = Guard::new(self.pool, self.paces, progress.begun.last().and_then(|begin| begin.into.as_deref()));
        let mut owners = Owners::current(&guard, &email, now, &Owners::default()).await?;
        owners.profiles.retain(|owner| owner.profile.user_name.as_str() != step.delete);
        // A native profile that was to be replaced may be deleted already, and nothing made in its place.
        // The same where the step before could not make one yet.
        let makes_native = earlier.held || progress.begun.last().is_some_and(|begin| begin.into.is_none());
        let verdict = if makes_native {
            let policy = Policy { native_profile: NativeProfile::Create, ..self.rules.policy };
            Rules { policy, ..self.rules.clone() }.judge(&record, &owners)
        } else {
            self.rules.judge(&record, &owners)
        };
        if !is_as_planned(&verdict, step, earlier, progress) {
            return Err(changed(&format!("now {}", verdict.code())));
        }
        // The step before makes the native profile, once the address is free.
        if let Some(left) = self.creation.prevents(&record, &verdict).filter(|_| !earlier.held) {
            return Err(Stop::Profile(Applied::Skipped(left.code().to_owned())));
        }
        // Found by the settling only after the deletion, and a replaced registration is deleted before.
        if let Verdict::Decided(decision) = &verdict
            && let Some(to) = decision.target()
            && bears_borrowed_sub(&guard, to).await?
        {
            return Err(Stop::Profile(Applied::Skipped(Refusal::BorrowedSub.kind().code.to_owned())));
        }
        let others = owners.profiles.iter().map(|owner| &owner.profile).filter(|profile| profile.is_stand_alone());
        let others = others.map(|profile| profile.user_name.as_str().to_owned()).collect();
        Ok(Checked { begin: self.begin(record, &verdict, progress).await?, others })
    }

    async fn begin(&self, record: Record, verdict: &Verdict, progress: &Progress) -> Result<Begin, Stop> {
        let identity = match self.rules.arrival(&record).map(|arrival| arrival.identity) {
            Ok(Ok(identity)) => LinkedAs::new(&identity),
            _ => return Err(Stop::Profile(Applied::Skipped(verdict.code().to_owned()))),
        };
        let groups = self.registry.groups(&UserName::new(&record.user_name)).await?;
        let replaces = match verdict.replaces() {
            None => None,
            Some(native) => Some(self.replaced(native).await?),
        };
        let mut begin = Begin {
            decision: verdict.code().to_owned(),
            into: verdict.destination().map(|native| native.as_str().to_owned()),
            add_groups: Vec::new(),
            add_attributes: BTreeMap::new(),
            left_out: progress.begun.last().map(|begin| begin.left_out.clone()).unwrap_or_default(),
            identity,
            replaces,
            groups,
            profile: record,
        };
        let native = match verdict.destination() {
            None => None,
            Some(native) => Some((native, self.registry.record(native.as_str()).await?)),
        };
        let has = |name: &String| {
            native.as_ref().is_some_and(|(_, r)| r.as_ref().is_some_and(|r| r.attribute(name).is_some()))
        };
        for name in self.copy_attributes.iter().filter(|name| !has(name) && !begin.left_out.contains(name)) {
            if let Some(value) = begin.profile.attribute(name) {
                begin.add_attributes.insert(name.clone(), value.to_owned());
            }
        }
        if self.copy_groups {
            let has = match &native {
                None => Vec::new(),
                Some((native, _)) => self.registry.groups(native).await?,
            };
            // A profile that came back is in no group; the one before it was.
            let earlier = progress.begun.iter().flat_map(|begin| &begin.add_groups);
            let wanted = begin.groups.iter().chain(earlier);
            let wanted = wanted.filter(|group| !has.contains(group) && !self.is_of_provider(group));
            begin.add_groups = wanted.cloned().collect::<BTreeSet<_>>().into_iter().collect();
        }
        Ok(begin)
    }

    async fn replaced(&self, native: &UserName) -> Result<Replaced, Stop> {
        let Some(profile) = self.registry.record(native.as_str()).await? else {
            return Err(Stop::Profile(Applied::Skipped("changed since the plan: a profile is gone".into())));
        };
        Ok(Replaced { profile, groups: self.registry.groups(native).await? })
    }

    /// Cognito puts stand-alone profiles into a group per provider, and linked people into none.
    fn is_of_provider(&self, group: &str) -> bool {
        let provider = group.strip_prefix(self.user_pool_id).and_then(|rest| rest.strip_prefix('_'));
        provider.is_some_and(|name| self.rules.providers.named(name).is_some())
    }

    /// Writes down what is about to happen, and does what comes before the deletion.
    async fn prepare(&self, ledger: &mut impl Ledger, planned: &Planned, checked: Checked) -> Result<Begin, Stop> {
        let Checked { begin, others } = checked;
        ledger.write(Entry::Begin(Box::new(begin.clone())))?;
        let Some(into) = &begin.into else {
            let Some(replaced) = &begin.replaces else {
                return self.make_native(ledger, planned, begin, &others).await;
            };
            match self.guard(&begin).delete(&UserName::new(&replaced.profile.user_name)).await {
                Err(error) if error.kind() != PoolErrorKind::UserNotFound => return Err(error.into()),
                _ => {}
            }
            let made = self.make_native(ledger, planned, begin, &others).await;
            return made.map_err(|stop| stop.after(HalfDone::Registration));
        };
        let native = UserName::new(into);
        self.join(&native, &begin.add_groups).await?;
        if !begin.add_attributes.is_empty() {
            self.paces.updates.turn().await;
            self.registry.write_attributes(&native, &begin.add_attributes).await?;
        }
        Ok(begin)
    }

    /// Makes the native profile while the stand-alone one is still there. Where the pool does not let two profiles have
    /// the address that has to wait.
    async fn make_native(
        &self,
        ledger: &mut impl Ledger,
        planned: &Planned,
        mut begin: Begin,
        others: &[String],
    ) -> Result<Begin, Stop> {
        let skipped = |why: &str| Err(Stop::Profile(Applied::Skipped(why.to_owned())));
        let guarded = begin.clone();
        let guard = self.guard(&guarded);
        let email = match self.rules.arrival(&begin.profile).map(|arrival| arrival.email) {
            Ok(EmailClaim::Proven(email)) => email,
            Ok(_) => return skipped(Refusal::UnprovenEmail.kind().code),
            Err(left) => return skipped(left.code()),
        };
        let native = match self.linker(&guard, &begin).create_native(&email).await {
            Ok(native) => native.user_name,
            Err(LinkError::Pool(error))
                if matches!(error.kind(), PoolErrorKind::UserNameExists | PoolErrorKind::AliasExists) =>
            {
                // Deleting this profile frees the address only if nobody else holds it who stays.
                let stays = |name: &String| planned.merge.iter().all(|step| step.delete != *name);
                let held = others.iter().any(stays);
                return if held { skipped(Refusal::EmailHeldByFederatedProfile.kind().code) } else { Ok(begin) };
            }
            Err(LinkError::Refused(refusal)) => return skipped(refusal.kind().code),
            Err(LinkError::Pool(error) | LinkError::Unsettled(error)) => return Err(error.into()),
        };
        begin.into = Some(native.as_str().to_owned());
        begin.replaces = None;
        if guard.made_without.load(Ordering::Relaxed) {
            begin.left_out = std::mem::take(&mut begin.add_attributes).into_keys().collect();
        }
        ledger.write(Entry::Begin(Box::new(begin.clone())))?;
        self.join(&native, &begin.add_groups).await?;
        Ok(begin)
    }

    async fn delete(&self, ledger: &mut impl Ledger, begin: &Begin) -> Result<(), Stop> {
        self.paces.updates.turn().await;
        match self.pool.delete(&UserName::new(&begin.profile.user_name)).await {
            Err(error) if error.kind() != PoolErrorKind::UserNotFound => return Err(error.into()),
            _ => {}
        }
        let user_name = begin.profile.user_name.clone();
        Ok(ledger.write(Entry::Deleted { user_name, sub: begin.profile.sub().to_owned() })?)
    }

    fn guard<'g>(&'g self, begin: &'g Begin) -> Guard<'g, P> {
        Guard {
            deletable: begin.replaces.as_ref().map(|replaced| replaced.profile.user_name.as_str()),
            gives_attributes: !begin.add_attributes.is_empty(),
            ..Guard::new(self.pool, self.paces, begin.into.as_deref())
        }
    }

    fn linker<'g>(&self, guard: &'g Guard<'g, P>, begin: &Begin) -> Linker<'g, Guard<'g, P>> {
        let native_profile = if begin.into.is_none() { NativeProfile::Create } else { NativeProfile::Skip };
        Linker {
            pool: guard,
            policy: Policy { native_profile, ..self.rules.policy },
            group: None,
            user_name: if self.facts.email_is_user_name { NativeUserName::Email } else { NativeUserName::Uuid },
            attributes: begin.add_attributes.clone(),
            now: SystemTime::now(),
        }
    }

    /// Settles the identity as the trigger would. The inner error is worth another look.
    async fn settle(&self, ledger: &mut impl Ledger, begin: &Begin) -> Result<Result<Applied, String>, Stop> {
        let failed = |why: &str| Err(Stop::Profile(Applied::Failed(why.to_owned())));
        let arrival = match self.rules.arrival(&begin.profile) {
            Ok(arrival) => arrival,
            Err(left) => return failed(left.code()),
        };
        let guard = self.guard(begin);
        let settlement = match self.linker(&guard, begin).settle(&arrival).await {
            Ok(settlement) => settlement,
            Err(LinkError::Refused(Refusal::EmailHeldByFederatedProfile)) => return Err(Stop::Held),
            Err(LinkError::Refused(refusal)) => return failed(refusal.kind().code),
            Err(LinkError::Pool(error) | LinkError::Unsettled(error)) => {
                let text = error.to_string();
                return match Stop::from(error) {
                    Stop::Profile(_) => Ok(Err(text)),
                    stop => Err(stop),
                };
            }
        };
        let Some(native) = settlement.profile else {
            return failed(settlement.decision.name());
        };
        if begin.into.as_deref().is_some_and(|into| into != native.user_name.as_str()) {
            return failed("linked to another profile");
        }
        let mut left_out = begin.left_out.clone();
        if guard.made_without.load(Ordering::Relaxed) {
            left_out.extend(begin.add_attributes.keys().cloned());
        }
        ledger.write(Entry::Linked(Box::new(Linked {
            user_name: begin.profile.user_name.clone(),
            decision: settlement.decision.name().to_owned(),
            into: native.user_name.as_str().to_owned(),
            into_sub: native.sub,
            left_out: left_out.clone(),
        })))?;
        if begin.into.is_none() {
            let joined = self.join(&native.user_name, &begin.add_groups).await;
            joined.map_err(|stop| stop.after(HalfDone::Groups))?;
        }
        ledger.write(Entry::Done { user_name: begin.profile.user_name.clone() })?;
        Ok(Ok(if left_out.is_empty() { Applied::Done } else { Applied::DoneWithout(left_out) }))
    }

    async fn join(&self, native: &UserName, groups: &[String]) -> Result<(), Stop> {
        for group in groups {
            self.paces.updates.turn().await;
            match self.pool.add_to_group(native, group).await {
                // It was deleted meanwhile, with everybody's membership.
                Err(error) if error.kind() == PoolErrorKind::ResourceNotFound => {}
                joined => joined?,
            }
        }
        Ok(())
    }
}

fn is_as_planned(verdict: &Verdict, step: &Step, earlier: &Earlier, progress: &Progress) -> bool {
    let into = verdict.destination().map(UserName::as_str);
    if !verdict.merges() {
        return false;
    }
    match progress.begun.last() {
        // Begun before: what was done since by us, or by the trigger, leads to another decision about the same profile.
        Some(begin) if begin.into.is_some() => into == begin.into.as_deref(),
        Some(_) => verdict.replaces().is_none_or(|native| step.replaces.as_deref() == Some(native.as_str())),
        None => {
            let found = |into| earlier.made.contains(into);
            let same_profile = into == step.into.as_deref() || (step.into.is_none() && into.is_some_and(found));
            // The step before was to make the native profile, and this one's holds the address.
            let creates = matches!(verdict, Verdict::Decided(Decision::CreateAndLink { .. }));
            if earlier.held && step.into.is_none() && creates {
                return true;
            }
            let same_replaced = verdict.replaces().map(UserName::as_str) == step.replaces.as_deref();
            verdict.code() == step.decision && same_profile && same_replaced
        }
    }
}

#[cfg(test)]
mod tests;
