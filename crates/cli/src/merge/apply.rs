//! Carries a plan out, one profile after the other.
//!
//! For each: read everything anew and decide; write down all that will be lost; give the native profile what it is to
//! take over; delete the stand-alone profile; settle the identity as the trigger would, which links it.
//!
//! Between deletion and link the identity has no profile. Who signs in just then gets a new one, or is linked by the
//! trigger. So when the link does not come about the profile is looked for again: one that came back is written down
//! and deleted like the first, and one that is linked already is done.

use super::guard::{Guard, Paces};
use super::journal::{Begin, Entry, Ledger, Linked, Progress, Replaced};
use super::plan::{Planned, Step};
use crate::registry::{LinkedAs, PoolFacts, Record, Registry};
use crate::rules::{Rules, Verdict};
use anyhow::{Context, Result};
use cognito_core::email::Email;
use cognito_core::user_pool::{PoolError, PoolErrorKind, UserName, UserPool};
use linking::{LinkError, Linker, NativeProfile, NativeUserName, Owners, Policy};
use std::collections::{BTreeMap, BTreeSet};
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
    /// It did already after an earlier run.
    DoneBefore,
    /// Nothing was changed, because the situation is not the planned one.
    Skipped(String),
    /// Not finished.
    Failed(String),
}

/// Why the merge of one profile does not go on: for this profile, or altogether.
enum Stop {
    Profile(Applied),
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

impl<P: UserPool, R: Registry> Merger<'_, P, R> {
    /// Merges the profiles of one address. Says how each ended.
    ///
    /// # Errors
    ///
    /// What makes going on pointless: the journal cannot be written, AWS denies or does not answer. The same plan and
    /// journal go on from there.
    pub(crate) async fn merge(&self, ledger: &mut impl Ledger, planned: &Planned) -> Result<Vec<Applied>> {
        let mut ended = Vec::new();
        // Profiles that earlier steps of this address made, or found.
        let mut made = BTreeSet::new();
        for step in &planned.merge {
            let applied = match self.step(ledger, planned, step, &made).await {
                Ok(applied) | Err(Stop::Profile(applied)) => applied,
                Err(Stop::Run(error)) => return Err(error),
            };
            let user_name = step.delete.clone();
            match &applied {
                Applied::Skipped(why) => ledger.write(Entry::Skipped { user_name, why: why.clone() })?,
                Applied::Failed(why) => ledger.write(Entry::Failed { user_name, why: why.clone() })?,
                Applied::Done | Applied::DoneBefore => {}
            }
            let progress = ledger.history().of.get(&step.delete);
            made.extend(progress.and_then(|progress| progress.linked.as_ref()).map(|linked| linked.into.clone()));
            ended.push(applied);
        }
        Ok(ended)
    }

    async fn step(
        &self,
        ledger: &mut impl Ledger,
        planned: &Planned,
        step: &Step,
        made: &BTreeSet<String>,
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
                    let begin = self.check(record, planned, step, made, &progress).await?;
                    self.delete(ledger, &begin).await?;
                    begin
                }
                None => match progress.begun.last() {
                    Some(begin) => begin.clone(),
                    None => return Ok(Applied::Skipped("the profile is gone".into())),
                },
            };
            match self.settle(ledger, &begin).await? {
                Ok(applied) => return Ok(applied),
                Err(error) => why = error,
            }
        }
        Ok(Applied::Failed(why))
    }

    /// Reads everything anew, decides anew, and says what is about to happen.
    async fn check(
        &self,
        record: Record,
        planned: &Planned,
        step: &Step,
        made: &BTreeSet<String>,
        progress: &Progress,
    ) -> Result<Begin, Stop> {
        let changed = |what: &str| Stop::Profile(Applied::Skipped(format!("changed since the plan: {what}")));
        if record.address().as_deref() != Some(planned.email.as_str()) {
            return Err(changed("the profile has another address"));
        }
        if progress.begun.is_empty() && record.sub() != step.sub {
            return Err(changed("the profile was made anew"));
        }
        let Ok(email) = Email::parse(&planned.email) else { return Err(changed("the address")) };
        self.paces.lists.turn().await;
        let now = SystemTime::now();
        let mut owners = Owners::current(self.pool, &email, now, &Owners::default()).await?;
        owners.profiles.retain(|owner| owner.profile.user_name.as_str() != step.delete);
        // A native profile that was to be replaced may be deleted already, and nothing made in its place.
        let makes_native = progress.begun.last().is_some_and(|begin| begin.into.is_none());
        let verdict = if makes_native {
            let policy = Policy { native_profile: NativeProfile::Create, ..self.rules.policy };
            Rules { policy, ..self.rules.clone() }.judge(&record, &owners)
        } else {
            self.rules.judge(&record, &owners)
        };
        if !is_as_planned(&verdict, step, made, progress) {
            return Err(changed(&format!("now {}", verdict.code())));
        }
        self.begin(record, &verdict, progress).await
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
        for name in self.copy_attributes.iter().filter(|name| !has(name)) {
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

    async fn delete(&self, ledger: &mut impl Ledger, begin: &Begin) -> Result<(), Stop> {
        ledger.write(Entry::Begin(Box::new(begin.clone())))?;
        if let Some(into) = &begin.into {
            let native = UserName::new(into);
            self.join(&native, &begin.add_groups).await?;
            if !begin.add_attributes.is_empty() {
                self.paces.updates.turn().await;
                self.registry.write_attributes(&native, &begin.add_attributes).await?;
            }
        }
        self.paces.updates.turn().await;
        match self.pool.delete(&UserName::new(&begin.profile.user_name)).await {
            Err(error) if error.kind() != PoolErrorKind::UserNotFound => return Err(error.into()),
            _ => {}
        }
        let user_name = begin.profile.user_name.clone();
        Ok(ledger.write(Entry::Deleted { user_name, sub: begin.profile.sub().to_owned() })?)
    }

    /// Settles the identity as the trigger would. The inner error is worth another look.
    async fn settle(&self, ledger: &mut impl Ledger, begin: &Begin) -> Result<Result<Applied, String>, Stop> {
        let failed = |why: &str| Ok(Ok(Applied::Failed(why.to_owned())));
        let arrival = match self.rules.arrival(&begin.profile) {
            Ok(arrival) => arrival,
            Err(left) => return failed(left.code()),
        };
        let guard = Guard {
            pool: self.pool,
            paces: self.paces,
            into: begin.into.as_deref(),
            deletable: begin.replaces.as_ref().map(|replaced| replaced.profile.user_name.as_str()),
        };
        let native_profile = if begin.into.is_none() { NativeProfile::Create } else { NativeProfile::Skip };
        let linker = Linker {
            pool: &guard,
            policy: Policy { native_profile, ..self.rules.policy },
            group: None,
            user_name: if self.facts.email_is_user_name { NativeUserName::Email } else { NativeUserName::Uuid },
            attributes: begin.add_attributes.clone(),
            now: SystemTime::now(),
        };
        let settlement = match linker.settle(&arrival).await {
            Ok(settlement) => settlement,
            Err(LinkError::Refused(refusal)) => return failed(refusal.kind().code),
            Err(LinkError::Pool(error) | LinkError::Unsettled(error)) => {
                let text = error.to_string();
                return match Stop::from(error) {
                    Stop::Profile(_) => Ok(Err(text)),
                    stop @ Stop::Run(_) => Err(stop),
                };
            }
        };
        let Some(native) = settlement.profile else {
            return failed(settlement.decision.name());
        };
        if begin.into.as_deref().is_some_and(|into| into != native.user_name.as_str()) {
            return failed("linked to another profile");
        }
        ledger.write(Entry::Linked(Box::new(Linked {
            user_name: begin.profile.user_name.clone(),
            decision: settlement.decision.name().to_owned(),
            into: native.user_name.as_str().to_owned(),
            into_sub: native.sub,
        })))?;
        if begin.into.is_none() {
            self.join(&native.user_name, &begin.add_groups).await?;
        }
        ledger.write(Entry::Done { user_name: begin.profile.user_name.clone() })?;
        Ok(Ok(Applied::Done))
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

fn is_as_planned(verdict: &Verdict, step: &Step, made: &BTreeSet<String>, progress: &Progress) -> bool {
    let into = verdict.destination().map(UserName::as_str);
    if !verdict.merges() {
        return false;
    }
    match progress.begun.last() {
        // Begun before: what was done since by us, or by the trigger, leads to another decision about the same profile.
        Some(begin) if begin.into.is_some() => into == begin.into.as_deref(),
        Some(_) => verdict.replaces().is_none_or(|native| step.replaces.as_deref() == Some(native.as_str())),
        None => {
            let same_profile =
                into == step.into.as_deref() || (step.into.is_none() && into.is_some_and(|into| made.contains(into)));
            let same_replaced = verdict.replaces().map(UserName::as_str) == step.replaces.as_deref();
            verdict.code() == step.decision && same_profile && same_replaced
        }
    }
}

/// Says which attributes may be copied, and names one that may not.
///
/// # Errors
///
/// The name of an attribute that the pool does not have, does not let change, or that says who somebody is.
pub(crate) fn copyable(names: &[String], pool: &PoolFacts) -> Result<()> {
    for name in names {
        if NEVER_COPIED.contains(&name.as_str()) {
            anyhow::bail!("{name} is not copied: it says who somebody is, or how to reach them, without proof");
        }
        pool.mutable_attributes
            .contains(name)
            .then_some(())
            .with_context(|| format!("{name} is not an attribute of the pool that can be changed"))?;
    }
    Ok(())
}

/// Attributes that prove something, that people sign in with, or that Cognito sets.
const NEVER_COPIED: [&str; 9] = [
    "sub",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "preferred_username",
    "identities",
    "updated_at",
    "username",
];

#[cfg(test)]
mod tests;
