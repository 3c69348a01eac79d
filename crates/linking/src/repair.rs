//! When `email_verified` may be set after the fact.
//!
//! Every federated sign-in writes the mapped attributes anew, and an `email_verified` that is not
//! mapped falls to false, which kills "forgot password". The inbound federation trigger prevents
//! that; in pools without it the post triggers repair it, for providers whose addresses are proof.

use cognito_core::email::Email;
use cognito_core::event::Attributes;
use cognito_core::provider::Providers;
use cognito_core::settings::{self, Lookup, SettingError};
use cognito_core::trigger::Clock;
use cognito_core::user_pool::{Identity, PoolError, UserName, UserPool};

/// `REPAIR`: whose `email_verified` the post triggers may repair.
pub const REPAIR: &str = "REPAIR";

/// `REPAIR`: whose `email_verified` may be repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RepairScope {
    /// Stand-alone federated profiles and native profiles with linked identities.
    #[default]
    Linked,
    /// Stand-alone federated profiles only. Their address is the provider's, unless the pool lets
    /// people change it at once: keep the old address until the new one is verified in any case.
    External,
}

/// Reads [`REPAIR`].
///
/// # Errors
///
/// [`SettingError`] if it is neither `linked` nor `external`.
pub fn repair_scope(lookup: Lookup<'_>) -> Result<RepairScope, SettingError> {
    let choices = [("linked", RepairScope::Linked), ("external", RepairScope::External)];
    settings::choice(lookup, REPAIR, &choices, RepairScope::default())
}

/// Marks the address as verified, within the time there is. What goes wrong is logged and counted
/// as `repair_failed` and otherwise left: it must not keep a person out, and the next sign-in
/// tries again.
pub async fn repair_email_verified(pool: &impl UserPool, user: &UserName, sub: Option<&str>, clock: Clock) {
    match clock.limit(pool.mark_email_verified(user)).await.and_then(|done| done.map_err(PoolError::into_failure)) {
        Ok(()) => tracing::info!(decision = "repair_email_verified", sub, "decided"),
        Err(failure) => {
            tracing::error!(
                error_code = "repair_failed",
                cause = failure.cause_chain(),
                sub,
                "email_verified was not repaired"
            );
        }
    }
}

/// Whether this profile's address is proven by its providers and shows as unverified.
///
/// The event does not tell which identity signed in, and the address is the one that the last
/// sign-in wrote. So every identity of the profile must be of a provider that would have proven
/// it: with one that does not, the address may be that one's, and marking it as verified would
/// hand its true owner's account to this person.
#[must_use]
pub fn needs_repair(attributes: Attributes<'_>, providers: &Providers, scope: RepairScope) -> bool {
    // What is no address, such as a list that was never taken apart, is never marked.
    let is_address = attributes.text("email").is_some_and(|stored| Email::parse(stored).is_ok());
    if !is_address || attributes.flag("email_verified") {
        return false;
    }
    let identities = attributes.text("identities").and_then(|text| Identity::parse_list(text).ok()).unwrap_or_default();
    let stand_alone = attributes.text("cognito:user_status") == Some("EXTERNAL_PROVIDER")
        || identities.iter().any(|identity| identity.primary);
    let claim = attributes.value("email_verified");
    !identities.is_empty()
        && (stand_alone || scope == RepairScope::Linked)
        && identities
            .iter()
            .all(|identity| providers.named(&identity.provider_name).is_some_and(|provider| provider.is_proof(claim)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(identities: &str, verified: &str, scope: RepairScope, repaired: bool) {
        let providers = Providers::parse("Google:claim,Facebook:always,Corp:always,Okta:never").unwrap();
        let attributes = json!({
            "email": "ada@example.com", "email_verified": verified, "cognito:user_status": "CONFIRMED", "identities": identities,
        });
        let found = needs_repair(Attributes::new(Some(&attributes)), &providers, scope);
        assert_eq!(found, repaired, "{attributes}");
    }

    fn identity(provider: &str, primary: bool) -> String {
        json!({"userId": "1", "providerName": provider, "primary": primary}).to_string()
    }

    #[test]
    fn an_unverified_address_of_a_provider_that_always_proves_is_repaired() {
        let linked = format!("[{}]", identity("Facebook", false));
        check(&linked, "false", RepairScope::Linked, true);
        check(&linked, "", RepairScope::Linked, true);
        check(&linked, "true", RepairScope::Linked, false);
        check(&linked, "True", RepairScope::Linked, false);
        check(&format!("[{}]", identity("facebook", true)), "false", RepairScope::External, true);
        check(&linked, "false", RepairScope::External, false);
    }

    #[test]
    fn what_is_no_address_is_never_marked_as_verified() {
        let providers = Providers::parse("Facebook:always").unwrap();
        for stored in ["[ada@example.com]", "a@example.com;b@example.com", "not an address", "evil!a@example.com"] {
            let identities = format!("[{}]", identity("Facebook", false));
            let attributes = json!({"email": stored, "email_verified": "false", "identities": identities});
            assert!(!needs_repair(Attributes::new(Some(&attributes)), &providers, RepairScope::Linked), "{stored}");
        }
    }

    #[test]
    fn an_address_that_a_provider_did_not_prove_is_left_alone() {
        for provider in ["Google", "Okta", "Unlisted"] {
            check(&format!("[{}]", identity(provider, true)), "false", RepairScope::Linked, false);
        }
    }

    #[test]
    fn one_provider_without_proof_among_several_prevents_the_repair() {
        let both = |other| format!("[{},{}]", identity("Facebook", false), identity(other, false));
        check(&both("Corp"), "false", RepairScope::Linked, true);
        for other in ["Google", "Okta", "Unlisted"] {
            check(&both(other), "false", RepairScope::Linked, false);
        }
    }

    #[test]
    fn identities_are_parsed_and_not_searched_as_text() {
        check("providerName: Facebook", "false", RepairScope::Linked, false);
        check("[]", "false", RepairScope::Linked, false);
        check("", "false", RepairScope::Linked, false);
        let imitation = json!([{"userId": "\"providerName\":\"Facebook\"", "providerName": "Okta"}]).to_string();
        check(&imitation, "false", RepairScope::Linked, false);
    }
}
