//! When `email_verified` may be set after the fact.
//!
//! Every federated sign-in writes the mapped attributes again. If `email_verified` is not mapped, it
//! becomes false, and "forgot password" stops working. The inbound federation trigger prevents that.
//! In pools without it the post triggers repair it, for providers whose addresses are proof.

use cognito_core::email::Email;
use cognito_core::event::Attributes;
use cognito_core::provider::Providers;
use cognito_core::settings::{self, Lookup, SettingError};
use cognito_core::trigger::Clock;
use cognito_core::user_pool::{AvailableEmail, Identity, PoolError, UserName, UserPool};

/// `REPAIR`: whose `email_verified` the post triggers may repair.
pub const REPAIR: &str = "REPAIR";

/// `REPAIR`: whose `email_verified` may be repaired.
///
/// An event shows what the profile stores, and a sign-in without the claim leaves the old value in place. So the
/// person may have written the address before, in a pool that stored it without proof. It certainly came with this
/// sign-in only if this sign-in made the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RepairScope {
    /// Profiles that the sign-in made.
    #[default]
    FirstSignIn,
    /// Also stand-alone federated profiles at later sign-ins. The operator vouches that people could never store an
    /// address without proof.
    External,
    /// Also native profiles with linked identities. The operator vouches for the same.
    Linked,
}

/// Which sign-in an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// The one that made a stand-alone profile (post confirmation).
    First,
    /// Any other, or none.
    Later,
}

/// Reads [`REPAIR`].
///
/// # Errors
///
/// Returns [`SettingError`] unless it is `first-sign-in`, `external` or `linked`.
pub fn repair_scope(lookup: Lookup<'_>) -> Result<RepairScope, SettingError> {
    let choices = [
        ("first-sign-in", RepairScope::FirstSignIn),
        ("external", RepairScope::External),
        ("linked", RepairScope::Linked),
    ];
    settings::choice(lookup, REPAIR, &choices, RepairScope::default())
}

/// Marks the event's address as verified, within the time that is left. Address and mark are written in one call, so
/// that the mark cannot land on another address that the person sets at the same time.
///
/// A failure is logged and counted as `repair_failed`. It keeps nobody out, and the next sign-in tries again.
pub async fn repair_email_verified(pool: &impl UserPool, user: &UserName, attributes: Attributes<'_>, clock: Clock) {
    let sub = attributes.text("sub");
    let repaired = clock.limit(repair(pool, user, attributes));
    match repaired.await.and_then(|done| done.map_err(PoolError::into_failure)) {
        Ok(true) => tracing::info!(decision = "repair_email_verified", sub, "decided"),
        Ok(false) => {}
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

/// Returns whether anything was written. Makes only the look-up if somebody else holds the address as verified.
async fn repair(pool: &impl UserPool, user: &UserName, attributes: Attributes<'_>) -> Result<bool, PoolError> {
    let Some(Ok(email)) = attributes.text("email").map(Email::parse) else { return Ok(false) };
    let checked = pool.checked(user, attributes.text("sub").unwrap_or_default()).await?;
    let profiles = pool.profiles_with_email(&email).await?;
    let Some(email) = AvailableEmail::among(&email, &profiles, user) else { return Ok(false) };
    pool.set_verified_email(&checked, &email).await?;
    Ok(true)
}

/// Whether this profile's address is proven by its providers, shows as unverified, and may be marked as verified.
///
/// The event does not tell which identity signed in. So every identity must come from a provider that proves the
/// address. If one does not, the address may come from it, and the mark would give this person the account of the
/// true owner.
#[must_use]
pub fn needs_repair(attributes: Attributes<'_>, providers: &Providers, scope: RepairScope, sign_in: SignIn) -> bool {
    if attributes.flag("email_verified") {
        return false;
    }
    let identities = identities(attributes);
    let is_stand_alone = is_stand_alone(attributes, &identities);
    let is_new = sign_in == SignIn::First && is_stand_alone && identities.len() == 1;
    let is_in_scope = match scope {
        RepairScope::FirstSignIn => is_new,
        RepairScope::External => is_new || is_stand_alone,
        RepairScope::Linked => true,
    };
    is_in_scope && is_proven_by_all(attributes, &identities, providers)
}

/// Whether the profile stands alone for an identity whose provider proved no address. Anybody can get such a profile.
#[must_use]
pub fn proved_nothing(attributes: Attributes<'_>, providers: &Providers) -> bool {
    let identities = identities(attributes);
    is_stand_alone(attributes, &identities) && !is_proven_by_all(attributes, &identities, providers)
}

fn identities(attributes: Attributes<'_>) -> Vec<Identity> {
    attributes.value("identities").and_then(|value| Identity::read_list(value).ok()).unwrap_or_default()
}

fn is_stand_alone(attributes: Attributes<'_>, identities: &[Identity]) -> bool {
    attributes.text("cognito:user_status") == Some("EXTERNAL_PROVIDER")
        || identities.iter().any(|identity| identity.primary)
}

/// Whether there are identities, and all are of providers that prove the address with these attributes.
fn is_proven_by_all(attributes: Attributes<'_>, identities: &[Identity], providers: &Providers) -> bool {
    // An address that cannot be read is not proven.
    let Some(Ok(email)) = attributes.text("email").map(Email::parse) else { return false };
    let claim = attributes.value("email_verified");
    let proves = |identity: &Identity| {
        providers.named(&identity.provider_name).is_some_and(|provider| provider.proves(&email, claim))
    };
    !identities.is_empty() && identities.iter().all(proves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn needs(attributes: &Value, scope: RepairScope, sign_in: SignIn) -> bool {
        let providers = "Google:claim,Facebook:always,Corp:always,Okta:never,Firm:always@firm.example";
        needs_repair(Attributes::new(Some(attributes)), &Providers::parse(providers).unwrap(), scope, sign_in)
    }

    fn stored(email: &str, verified: &str, identities: &str) -> Value {
        json!({
            "email": email, "email_verified": verified, "cognito:user_status": "CONFIRMED", "identities": identities,
        })
    }

    #[track_caller]
    fn check(identities: &str, verified: &str, scope: RepairScope, repaired: bool) {
        let attributes = stored("ada@example.com", verified, identities);
        assert_eq!(needs(&attributes, scope, SignIn::Later), repaired, "{attributes}");
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
        for email in ["[ada@example.com]", "a@example.com;b@example.com", "not an address", "evil!a@example.com"] {
            let attributes = stored(email, "false", &format!("[{}]", identity("Facebook", false)));
            assert!(!needs(&attributes, RepairScope::Linked, SignIn::Later), "{email}");
        }
    }

    /// A claim that is missing leaves the old value in place, and in some pools people write that value themselves.
    #[test]
    fn by_default_only_an_address_that_came_with_this_very_sign_in_is_marked() {
        let stand_alone = stored("ada@example.com", "false", &format!("[{}]", identity("Facebook", true)));
        let linked = stored("ada@example.com", "false", &format!("[{}]", identity("Facebook", false)));
        let both = [identity("Facebook", true), identity("Corp", false)].join(",");
        let with_link = stored("ada@example.com", "false", &format!("[{both}]"));
        let scope = RepairScope::default();
        assert!(needs(&stand_alone, scope, SignIn::First));
        assert!(!needs(&stand_alone, scope, SignIn::Later));
        for known_before in [linked, with_link] {
            assert!(!needs(&known_before, scope, SignIn::First) && !needs(&known_before, scope, SignIn::Later));
        }
    }

    #[test]
    fn an_address_of_another_domain_than_the_providers_is_left_alone() {
        let of = |email| stored(email, "false", &format!("[{}]", identity("Firm", true)));
        assert!(needs(&of("ada@firm.example"), RepairScope::External, SignIn::Later));
        assert!(!needs(&of("ada@example.com"), RepairScope::Linked, SignIn::First));
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

    /// Cognito sends a text; emulators and hand-made events a list, and `primary` as text.
    #[test]
    fn identities_count_in_each_form_that_is_sent() {
        let list = json!([{"userId": "1", "providerName": "Facebook", "providerType": "Facebook", "issuer": null,
            "primary": "true", "dateCreated": "1792000000000"}]);
        for identities in [json!(list.to_string()), list] {
            let mut attributes = stored("ada@example.com", "false", "");
            attributes["identities"] = identities;
            assert!(needs(&attributes, RepairScope::External, SignIn::Later), "{attributes}");
            let providers = Providers::parse("Facebook:never").unwrap();
            assert!(proved_nothing(Attributes::new(Some(&attributes)), &providers), "{attributes}");
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

    #[test]
    fn a_profile_proved_something_if_it_is_native_or_its_provider_always_proves() {
        let proved = |provider: &str, primary| {
            let attributes = stored("ada@example.com", "false", &format!("[{}]", identity(provider, primary)));
            !proved_nothing(
                Attributes::new(Some(&attributes)),
                &Providers::parse("Facebook:always,Google:claim").unwrap(),
            )
        };
        assert!(proved("Facebook", true) && proved("Google", false) && !proved("Google", true));
    }

    #[test]
    fn the_scope_is_what_the_setting_says() {
        for (word, scope) in [("external", RepairScope::External), ("linked", RepairScope::Linked)] {
            assert_eq!(repair_scope(&|_| Some(word.to_owned())).unwrap(), scope);
        }
        assert!(repair_scope(&|_| Some("all".to_owned())).is_err());
    }
}
