//! The plan: what a run would do, for a person to read and to shorten.
//!
//! Everything in it is checked again before it is carried out, so an outdated plan does no harm.

use crate::group::GroupStep;
use crate::join::{JOIN, Join, NotJoinable, identities, own_identity};
use crate::requirements::Requirements;
use crate::rules::{Judgement, LeaveReason, Rules};
use cognito_core::provider::Providers;
use cognito_core::user_pool::{Identity, ProfileRecord, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// What the native profile takes over from the deleted one.
#[derive(Clone, Debug, Default)]
pub struct CopyOptions {
    /// Its groups.
    pub groups: bool,
    /// These attributes, where the native profile lacks them.
    pub attributes: Vec<String>,
}

/// What is planned for one address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// Its line in the plan, for messages.
    #[serde(skip)]
    pub line: usize,
    /// The address.
    pub email: String,
    /// Stand-alone profiles to delete, in this order, and the profiles that their identities are linked to.
    pub merge: Vec<Step>,
    /// Stand-alone profiles that stay, and why.
    #[serde(default)]
    pub leave: Vec<Leave>,
    /// A profile that joins a group, and stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupStep>,
}

impl Planned {
    /// How many profiles this changes or deletes.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.merge.len() + usize::from(self.group.is_some())
    }

    /// The user names under which the journal has what was done.
    pub fn user_names(&self) -> impl Iterator<Item = &str> {
        let group = self.group.iter().map(|step| step.user_name.as_str());
        self.merge.iter().map(|step| step.delete.as_str()).chain(group)
    }
}

/// A profile to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its user name.
    pub delete: String,
    /// Its `sub`.
    pub sub: String,
    /// The provider of its identity; empty if a native profile goes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// The identity's subject; empty if a native profile goes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The decision's name.
    pub decision: String,
    /// The native profile that stays; `None` if this step or the one before creates it.
    pub into: Option<String>,
    /// The native profile that is deleted and created again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// The operator named both profiles, and no rule judges them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<Box<Join>>,
}

impl Step {
    /// The step that joins two profiles.
    ///
    /// # Errors
    ///
    /// Returns [`NotJoinable`] if the profiles cannot be joined.
    pub fn joining(join: Join, providers: &Providers) -> Result<Self, NotJoinable> {
        let (goes, stays) = (join.goes.profile(), join.stays.profile());
        identities(join.proof, goes, stays, providers, &[])?;
        let (provider, subject) = own_identity(goes).map(|own| (own.provider_name, own.user_id)).unwrap_or_default();
        Ok(Self {
            delete: goes.user_name.clone(),
            sub: goes.sub().to_owned(),
            provider,
            subject,
            decision: JOIN.to_owned(),
            into: Some(stays.user_name.clone()),
            replaces: None,
            join: Some(Box::new(join)),
        })
    }
}

/// A stand-alone profile that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// Its user name.
    pub user_name: String,
    /// The name of the decision or of the [`LeaveReason`].
    pub why: String,
}

/// What a plan would do, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Profiles in the pool.
    pub profiles: u64,
    /// Addresses with something to merge.
    pub people: u64,
    /// Profiles to delete, by decision.
    pub merge: BTreeMap<String, u64>,
    /// Profiles that stay, by reason.
    pub leave: BTreeMap<String, u64>,
}

impl Totals {
    /// Counts what is planned for one address.
    pub fn add(&mut self, planned: &Planned) {
        self.people += u64::from(!planned.merge.is_empty());
        for step in &planned.merge {
            *self.merge.entry(step.decision.clone()).or_default() += 1;
        }
        for leave in &planned.leave {
            *self.leave.entry(leave.why.clone()).or_default() += 1;
        }
    }
}

/// Plans for the profiles of one address. Returns `None` if there is nothing to merge and nothing to explain: no
/// profile stands alone, or it is the only profile and stays.
#[must_use]
pub fn plan(
    rules: &Rules,
    requirements: Requirements<'_>,
    email: &str,
    records: &[ProfileRecord],
    now: SystemTime,
) -> Option<Planned> {
    let mut planned = Planned { line: 0, email: email.to_owned(), merge: Vec::new(), leave: Vec::new(), group: None };
    let judgements = rules.judge_all(records, now, |record, judgement| requirements.prevent(record, judgement));
    let mut judged: Vec<_> = records.iter().zip(&judgements).filter_map(|(r, j)| Some((r, j.as_ref()?))).collect();
    judged.sort_by_key(|(record, _)| (record.created, &record.user_name));
    for (record, judgement) in judged {
        match step(rules, record, judgement) {
            Some(step) => planned.merge.push(step),
            None => planned.leave.push(Leave { user_name: record.user_name.clone(), why: judgement.code().to_owned() }),
        }
    }
    let mendable = [LeaveReason::RequiredAttribute.code(), LeaveReason::NamedByPhone.code()];
    let is_worth_a_line = !planned.merge.is_empty()
        || (records.len() > 1 && !planned.leave.is_empty())
        || planned.leave.iter().any(|leave| mendable.contains(&leave.why.as_str()));
    is_worth_a_line.then_some(planned)
}

fn step(rules: &Rules, record: &ProfileRecord, judgement: &Judgement) -> Option<Step> {
    if !judgement.merges() {
        return None;
    }
    let identities = Identity::parse_list(record.attribute("identities")?).ok()?;
    let identity = identities.first()?;
    let named = |name: &UserName| Some(name.as_str().to_owned()).filter(|name| !name.is_empty());
    Some(Step {
        delete: record.user_name.clone(),
        sub: record.sub().to_owned(),
        provider: rules.provider(identity)?.name.clone(),
        subject: identity.user_id.clone(),
        decision: judgement.code().to_owned(),
        into: judgement.destination().map(|to| &to.user_name).and_then(named),
        replaces: judgement.replaces().and_then(named),
        join: None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is planned for an address: profiles to delete by decision, and profiles that stay by reason.
    fn planned(merge: &[&str], leave: &[&str]) -> Planned {
        let step = |why: &&str| json!({ "delete": why, "sub": "", "decision": why, "into": null });
        let stays = |why: &&str| json!({ "user_name": "", "why": why });
        let (merge, leave): (Vec<_>, Vec<_>) = (merge.iter().map(step).collect(), leave.iter().map(stays).collect());
        serde_json::from_value(json!({ "email": "ada@example.com", "merge": merge, "leave": leave })).unwrap()
    }

    #[test]
    fn totals_count_people_what_goes_and_what_stays() {
        let mut totals = Totals::default();
        for each in [
            planned(&["link", "link", "create"], &["locked"]),
            planned(&[], &["locked", "old"]),
            planned(&["link"], &[]),
        ] {
            totals.add(&each);
        }
        let expected = json!({
            "profiles": 0, "people": 2, "merge": { "create": 1, "link": 3 }, "leave": { "locked": 2, "old": 1 },
        });
        assert_eq!(serde_json::to_value(totals).unwrap(), expected);
    }

    #[test]
    fn a_step_is_a_profile_that_goes_or_joins_a_group() {
        let mut planned = planned(&["first", "second"], &["locked"]);
        assert_eq!(planned.steps(), 2);
        let join = json!({ "name": "Users", "for_everybody": true, "since": 0 });
        let group = json!({ "user_name": "third", "sub": "", "join": join });
        planned.group = Some(serde_json::from_value(group).unwrap());
        assert_eq!(planned.steps(), 3);
        assert_eq!(planned.user_names().collect::<Vec<_>>(), ["first", "second", "third"]);
    }
}
