//! Is the default group there?

use super::{Facts, Finding, quoted};
use crate::trigger::Trigger;
use std::collections::BTreeSet;

/// The groups that functions add people to.
pub(super) fn named(facts: &Facts) -> BTreeSet<String> {
    let functions = [Trigger::PreSignUp, Trigger::PostConfirmation];
    functions.into_iter().filter_map(|trigger| facts.setting(trigger, "DEFAULT_GROUP")).map(str::to_owned).collect()
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(there) = &facts.groups else { return vec![] };
    let missing = |group: &String| {
        let why =
            "Nobody can join it: functions log group_missing or group_not_joined, and people lack the group's rights";
        let remedy =
            format!("aws cognito-idp create-group --user-pool-id {} --group-name {}", facts.pool.id(), quoted(group));
        Finding::error("group_missing", group, why, remedy)
    };
    named(facts).difference(there).map(missing).collect()
}
