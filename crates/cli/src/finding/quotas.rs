//! Do the account's quotas fit the pool?

use super::{Facts, Finding};

/// Categories of calls that sign-ins cause and that can be raised, with their default requests per second
/// (developer guide, "Quotas in Amazon Cognito"). UserUpdate (25) and UserList (30) cannot be raised.
const DEFAULTS: [(&str, f64); 4] =
    [("UserCreation", 50.0), ("UserFederation", 25.0), ("UserAuthentication", 120.0), ("UserRead", 120.0)];

/// Monthly active users up to which AWS says the defaults suffice (the same page).
const ENOUGH_FOR: u64 = 2_000_000;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let users = facts.pool.0["EstimatedNumberOfUsers"].as_u64().unwrap_or_default();
    let mut findings = Vec::new();
    for quota in &facts.quotas {
        let known = DEFAULTS.iter().find(|(category, _)| quota.name.split_whitespace().any(|word| word == *category));
        let Some((category, default)) = known else { continue };
        let remedy = format!("Request an increase of \"{}\" in Service Quotas", quota.name);
        if quota.value < *default {
            let why = format!("The quota is {} requests a second, below AWS's default of {default}", quota.value);
            findings.push(Finding::warning("quota_below_default", category, &why, remedy));
        } else if users > ENOUGH_FOR && quota.adjustable && quota.value <= *default {
            let why = format!(
                "The pool has about {users} users, and the default of {default} requests a second is meant for 2 million"
            );
            findings.push(Finding::warning("quota_for_fewer_users", category, &why, remedy));
        }
    }
    if users > ENOUGH_FOR {
        let why = "Linking, groups and attribute updates share 25 requests a second, and finding an address has 30. \
                   Neither can be raised";
        let remedy = "Run other jobs that call AdminUpdateUserAttributes or ListUsers outside busy hours";

        findings.push(Finding::note("quota_fixed", "UserUpdate", why, remedy));
    }
    findings
}
