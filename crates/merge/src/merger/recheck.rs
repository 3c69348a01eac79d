//! Reads everything again, decides again, and says what is about to happen.

use super::guard::Guard;
use super::outcome::Stop;
use super::{EarlierSteps, Merger, creates_native};
use crate::journal::{Begin, MergeState, WholeProfile};
use crate::plan::{Planned, Step};
use crate::rules::{Judgement, Rules};
use cognito_core::email::Email;
use cognito_core::user_pool::{Administration, ProfileRecord, UserName, UserPool};
use linking::{Decision, NativeProfile, Owners, Policy, Refusal};
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

/// What is about to happen, and which other profiles may prevent it.
pub(super) struct Checked {
    pub(super) begin: Begin,
    /// The other stand-alone profiles of the address.
    pub(super) others: Vec<String>,
}

impl<P: Administration> Merger<'_, P> {
    pub(super) async fn recheck(
        &self,
        record: ProfileRecord,
        planned: &Planned,
        step: &Step,
        earlier: &EarlierSteps,
        state: &MergeState,
    ) -> Result<Checked, Stop> {
        if let Some(join) = &step.join {
            let begin = self.recheck_join(record, join, state).await?;
            return Ok(Checked { begin, others: Vec::new() });
        }
        if record.address().as_deref() != Some(planned.email.as_str()) {
            return Err(Stop::changed("the profile has another address"));
        }
        if state.attempts.is_empty() && record.sub() != step.sub {
            return Err(Stop::changed("the profile was deleted and created again"));
        }
        let Ok(email) = Email::parse(&planned.email) else { return Err(Stop::changed("the address")) };
        let into = state.attempts.last().and_then(|begin| begin.into.as_deref());
        let guard = Guard::new(self.pool, self.limits, into);
        let mut owners =
            Owners::current(&guard, &email, SystemTime::now(), &self.rules.providers, &Owners::default()).await?;
        owners.profiles.retain(|owner| owner.profile.user_name.as_str() != step.delete);
        let judgement = self.judge(&record, &owners, earlier, state);
        if !is_as_planned(&judgement, step, earlier, state) {
            return Err(Stop::changed(format_args!("now {}", judgement.code())));
        }
        // With `wait_for_address`, the earlier step creates the native profile once the address is free.
        let prevented = self.requirements().prevent(&record, &judgement);
        if let Some(reason) = prevented.filter(|_| !earlier.wait_for_address) {
            return Err(Stop::skipped(reason.code()));
        }
        // The linker checks these only after the deletion, and a replaced registration is deleted even earlier.
        if let Judgement::Decided(decision) = &judgement
            && let Some(to) = decision.target()
        {
            let user = guard.checked(&to.user_name, &to.sub).await?;
            if decision.cleans() && guard.has_passkey(&user).await? {
                return Err(Stop::skipped(Refusal::PasskeyOnProfile.kind().code));
            }
        }
        let others = owners.profiles.iter().map(|owner| &owner.profile).filter(|profile| profile.is_stand_alone());
        let others = others.map(|profile| profile.user_name.as_str().to_owned()).collect();
        Ok(Checked { begin: self.begin(record, &judgement, state).await?, others })
    }

    /// Decides as the plan did, with one exception. If an earlier attempt or step still has to create the native
    /// profile, this one creates it, even if the plan's policy does not.
    fn judge(&self, record: &ProfileRecord, owners: &Owners, earlier: &EarlierSteps, state: &MergeState) -> Judgement {
        if !earlier.wait_for_address && !creates_native(state) {
            return self.rules.judge(record, owners);
        }
        let policy = Policy { native_profile: NativeProfile::Create, ..self.rules.policy };
        Rules { policy, ..self.rules.clone() }.judge(record, owners)
    }

    async fn begin(&self, record: ProfileRecord, judgement: &Judgement, state: &MergeState) -> Result<Begin, Stop> {
        let Ok(Ok(identity)) = self.rules.arrival(&record).map(|arrival| arrival.identity) else {
            return Err(Stop::skipped(judgement.code()));
        };
        let groups = self.pool.groups(&record.name()).await?;
        let replaces = match judgement.replaces() {
            None => None,
            Some(native) => Some(self.replaced(native).await?),
        };
        let left_out = state.attempts.last().map(|begin| begin.left_out.clone()).unwrap_or_default();
        let into = judgement.destination();
        let native = into.map(|to| &to.user_name);
        Ok(Begin {
            decision: judgement.code().to_owned(),
            into: native.map(|native| native.as_str().to_owned()),
            into_sub: into.map(|to| to.sub.clone()),
            identity: Some(identity),
            moves: Vec::new(),
            add_attributes: self.attributes_to_add(&record, native, &left_out).await?,
            add_groups: self.groups_to_add(&record, &groups, native, state).await?,
            profile: record,
            groups,
            replaces,
            left_out,
        })
    }

    async fn replaced(&self, native: &UserName) -> Result<WholeProfile, Stop> {
        let Some(profile) = self.pool.record(native.as_str()).await? else {
            return Err(Stop::changed("a profile is gone"));
        };
        Ok(WholeProfile { profile, groups: self.pool.groups(native).await? })
    }

    pub(super) async fn attributes_to_add(
        &self,
        record: &ProfileRecord,
        native: Option<&UserName>,
        left_out: &[String],
    ) -> Result<BTreeMap<String, String>, Stop> {
        let native = match native {
            None => None,
            Some(native) => self.pool.record(native.as_str()).await?,
        };
        let has = |name: &str| native.as_ref().is_some_and(|native| native.attribute(name).is_some());
        let wanted = self.copy.attributes.iter().filter(|name| !has(name) && !left_out.contains(name));
        Ok(wanted.filter_map(|name| Some((name.clone(), record.attribute(name)?.to_owned()))).collect())
    }

    pub(super) async fn groups_to_add(
        &self,
        record: &ProfileRecord,
        groups: &[String],
        native: Option<&UserName>,
        state: &MergeState,
    ) -> Result<Vec<String>, Stop> {
        if !self.copy.groups {
            return Ok(Vec::new());
        }
        let has = match native {
            None => Vec::new(),
            Some(native) => self.pool.groups(native).await?,
        };
        // A profile that came back is in no group, so the groups of the deleted one count. If the profile was never
        // deleted, somebody removed its groups on purpose.
        let lost = state.attempts.iter().filter(|begin| begin.profile.sub() != record.sub());
        let wanted = groups.iter().chain(lost.flat_map(|begin| &begin.add_groups));
        let wanted = wanted.filter(|group| !has.contains(group) && !self.is_of_provider(group));
        Ok(wanted.cloned().collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Whether it is the group that Cognito keeps for a provider. Only stand-alone profiles are in it.
    fn is_of_provider(&self, group: &str) -> bool {
        let provider = group.strip_prefix(self.user_pool_id).and_then(|rest| rest.strip_prefix('_'));
        provider.is_some_and(|name| self.rules.providers.named(name).is_some())
    }
}

fn is_as_planned(judgement: &Judgement, step: &Step, earlier: &EarlierSteps, state: &MergeState) -> bool {
    let to = judgement.destination();
    let into = to.map(|to| to.user_name.as_str());
    if !judgement.merges() {
        return false;
    }
    match state.attempts.last() {
        // An earlier attempt. We or the trigger have changed the pool since, so the decision may differ. The profile
        // may not.
        Some(begin) if begin.into.is_some() => {
            let same_sub = begin.into_sub.as_ref().is_none_or(|sub| to.is_some_and(|to| to.sub == *sub));
            into == begin.into.as_deref() && same_sub
        }
        Some(_) => judgement.replaces().is_none_or(|native| step.replaces.as_deref() == Some(native.as_str())),
        None => {
            let is_known = |into| earlier.natives.contains(into);
            let same_profile = into == step.into.as_deref() || (step.into.is_none() && into.is_some_and(is_known));
            // The earlier step must create the native profile, and this step's profile still prevents that.
            let creates = matches!(judgement, Judgement::Decided(Decision::CreateAndLink { .. }));
            if earlier.wait_for_address && step.into.is_none() && creates {
                return true;
            }
            let same_replaced = judgement.replaces().map(UserName::as_str) == step.replaces.as_deref();
            judgement.code() == step.decision && same_profile && same_replaced
        }
    }
}
