//! Is a second factor asked for where the pool demands one?

use super::{Facts, Finding};
use crate::trigger::Trigger;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let demanded = facts.text("/MfaConfiguration") == "ON";
    let links = facts.setting(Trigger::PreSignUp, "LINK_WITH_FACTORS").unwrap_or("link") == "link";
    if !demanded
        || !links
        || !facts.has_settings(Trigger::PreSignUp)
        || facts.providers.iter().flatten().next().is_none()
    {
        return vec![];
    }
    let why = "The pool demands a second factor, but Cognito asks for it after the password only. Who signs in through a linked \
               provider never sees it";
    let remedy = "Demand one at the providers. Or set LINK_WITH_FACTORS=refuse on the pre-sign-up function: who has a second \
                  factor then signs in with the password only. Cognito may not show a factor that nobody chose; only :none in \
                  PROVIDERS links nobody for sure";
    vec![Finding::note("providers_skip_second_factor", "MfaConfiguration", why, remedy)]
}
