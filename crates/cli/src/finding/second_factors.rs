//! Is a second factor asked for where the pool demands one?

use super::{Facts, Finding};
use crate::trigger::Trigger;

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    let demanded = facts.text("/MfaConfiguration") == "ON";
    let links = facts.setting(Trigger::PreSignUp, "LINK_WITH_FACTORS").unwrap_or("link") == "link";
    let has_providers = facts.providers.iter().flatten().next().is_some();
    let why = "The pool demands a second factor, but Cognito asks for it after the password only. Who signs in through a linked \
               provider never sees it";
    let remedy = "Demand one at the providers. Or set LINK_WITH_FACTORS=refuse on the pre-sign-up function: who has a second \
                  factor then signs in with the password only. Cognito may not show a factor that nobody chose; only :none in \
                  PROVIDERS links nobody for sure";
    (demanded && links && has_providers && facts.has_settings(Trigger::PreSignUp))
        .then(|| Finding::note("providers_skip_second_factor", "MfaConfiguration", why, remedy))
}
