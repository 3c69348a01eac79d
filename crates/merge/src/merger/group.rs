//! Puts a person into the group that they should have joined.

use super::Merger;
use super::outcome::{StepResult, Stop};
use crate::group::{ADD_TO_GROUP, GroupStep};
use crate::journal::{Begin, Entry, Journal};
use cognito_core::user_pool::Administration;
use std::collections::BTreeMap;

impl<P: Administration> Merger<'_, P> {
    pub(super) async fn add_to_group(
        &self,
        journal: &mut impl Journal,
        email: &str,
        step: &GroupStep,
    ) -> Result<StepResult, Stop> {
        let state = journal.history().merge_of(&step.user_name).cloned().unwrap_or_default();
        if state.done {
            return Ok(StepResult::DoneBefore);
        }
        let now = self.pool.record(&step.user_name).await?.filter(|now| now.sub() == step.sub);
        let Some(profile) = now else { return Err(Stop::changed("the profile is gone")) };
        if profile.address().as_deref() != Some(email) {
            return Err(Stop::changed("the profile has another address"));
        }
        if !step.join.is_for(self.rules, &profile) {
            return Err(Stop::changed("the group is not for this profile any more"));
        }
        self.refuse_shut_out(&[&profile]).await?;
        let name = self.checked(&profile).await?;
        let groups = self.pool.groups(&profile.name()).await?;
        let is_in = groups.contains(&step.join.name);
        // Somebody else's doing is not ours to undo, so it is not in the journal.
        if is_in && state.attempts.is_empty() {
            return Err(Stop::changed("it is in the group already"));
        }
        if !is_in {
            let user_name = Some(profile.user_name.clone());
            let add_groups = vec![step.join.name.clone()];
            let begin = Begin {
                decision: ADD_TO_GROUP.to_owned(),
                into: user_name,
                into_sub: Some(profile.sub().to_owned()),
                identity: None,
                moves: Vec::new(),
                profile,
                groups,
                replaces: None,
                add_groups,
                add_attributes: BTreeMap::new(),
                left_out: Vec::new(),
            };
            journal.write(Entry::Begin(Box::new(begin))).await?;
            self.limits.updates.wait().await;
            self.pool.add_to_group(&name, &step.join.name).await?;
        }
        journal.write(Entry::Done { user_name: step.user_name.clone() }).await?;
        Ok(StepResult::Done)
    }
}
