//! Whether a profile can be signed up again as it is: decided before anything is deleted.

use cognito_core::user_pool::{AppClient, PoolSettings, ProfileRecord, Status};
use std::collections::BTreeMap;

/// Attributes that Cognito sets itself; a registration cannot carry them.
const OWN: [&str; 4] = ["email_verified", "identities", "phone_number_verified", "sub"];

/// What the operator waives.
pub(super) struct Waivers<'a> {
    /// A confirmed user may be deleted.
    pub(super) confirmed: bool,
    /// These attributes may be lost.
    pub(super) attributes: &'a [String],
}

/// The registration that takes the place of a profile.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The user name to register: the address or number where that stands for the name.
    pub(super) sign_up_name: String,
    /// The attributes that a registration can carry, those that are given up included.
    pub(super) attributes: BTreeMap<String, String>,
}

/// Attributes without those that are given up.
pub(super) fn without(attributes: &BTreeMap<String, String>, given_up: &[String]) -> BTreeMap<String, String> {
    let kept = attributes.iter().filter(|(name, _)| !given_up.contains(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Plan {
    /// Decides.
    ///
    /// # Errors
    ///
    /// Why the profile must not be deleted or could not be signed up again.
    pub(super) fn make(
        account: &ProfileRecord,
        settings: &PoolSettings,
        client: &AppClient,
        waivers: &Waivers<'_>,
    ) -> Result<Self, String> {
        expendable(account, waivers)?;
        let attributes: BTreeMap<_, _> = account
            .attributes
            .iter()
            .filter(|(name, _)| !OWN.contains(&name.as_str()) && !name.starts_with("cognito:"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let registered = without(&attributes, waivers.attributes);
        admits(settings, client, &registered)?;
        Ok(Self { sign_up_name: sign_up_name(account, settings, &registered)?, attributes })
    }
}

/// Whether the profile is one that a test leaves behind.
fn expendable(account: &ProfileRecord, waivers: &Waivers<'_>) -> Result<(), String> {
    let refuse = |why: &str| Err(why.to_owned());
    if account.is_stand_alone() {
        return refuse("the profile belongs to a federated identity, which no sign-up brings back");
    }
    if account.profile().map_or(true, |profile| !profile.identities.is_empty()) {
        return refuse(
            "federated identities are linked to the profile, and their links would be lost: `cognito-triggers unlink` \
             them first",
        );
    }
    if !account.enabled {
        return refuse("the profile is disabled, and would come back enabled");
    }
    match account.life() {
        Status::Unconfirmed => Ok(()),
        Status::ForceChangePassword => refuse(
            "an administrator created the profile, so no sign-up sends its message again: `aws cognito-idp \
             admin-create-user --message-action RESEND` does",
        ),
        Status::Confirmed | Status::ResetRequired if waivers.confirmed => Ok(()),
        Status::Confirmed | Status::ResetRequired => {
            refuse("the user has confirmed their registration; --yes-delete-confirmed deletes them all the same")
        }
        Status::ExternalProvider | Status::Other => {
            Err(format!("the profile's status is {}, which a sign-up does not bring back", account.status))
        }
    }
}

/// Whether the pool takes such a registration through this client, and sends a message for it.
///
/// # Errors
///
/// What stands in the way.
pub(super) fn admits(
    settings: &PoolSettings,
    client: &AppClient,
    attributes: &BTreeMap<String, String>,
) -> Result<(), String> {
    if settings.administrators_only {
        return Err("only administrators create profiles in this pool, so nobody can sign up again".to_owned());
    }
    if !settings.auto_verified_attributes.iter().any(|name| attributes.contains_key(name)) {
        return Err("the pool would send no message: none of the profile's attributes is one that it verifies by a \
                    code (AutoVerifiedAttributes)"
            .to_owned());
    }
    let lacking: Vec<_> = settings
        .required_attributes
        .iter()
        .filter(|name| attributes.get(*name).is_none_or(String::is_empty))
        .map(String::as_str)
        .collect();
    if !lacking.is_empty() {
        return Err(format!(
            "the pool requires {} of whoever signs up, and the registration would lack that: it cannot be given up with \
             --without, and a profile without it cannot be signed up again",
            lacking.join(", ")
        ));
    }
    let barred: Vec<_> = attributes.keys().map(String::as_str).filter(|name| !client.may_write(name)).collect();
    if barred.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the app client may not write {}: let it, use another client, or give the attribute up with --without",
        barred.join(", ")
    ))
}

fn sign_up_name(
    account: &ProfileRecord,
    settings: &PoolSettings,
    attributes: &BTreeMap<String, String>,
) -> Result<String, String> {
    if settings.user_name_attributes.is_empty() {
        return Ok(account.user_name.clone());
    }
    settings.user_name_attributes.iter().find_map(|name| attributes.get(name).cloned()).ok_or_else(|| {
        format!("the pool's user names are {}, and the profile has none", settings.user_name_attributes.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::tests::ada;
    use cognito_core::user_pool::memory::{Account, LinkedIdentity};

    const NONE: Waivers<'_> = Waivers { confirmed: false, attributes: &[] };

    fn unconfirmed() -> ProfileRecord {
        ProfileRecord { status: "UNCONFIRMED".into(), ..ada().record() }
    }

    fn rules() -> PoolSettings {
        PoolSettings { auto_verified_attributes: vec!["email".into()], ..PoolSettings::default() }
    }

    fn client() -> AppClient {
        AppClient::new("client", Vec::new(), None)
    }

    fn refusal(account: &ProfileRecord, rules: &PoolSettings, client: &AppClient) -> String {
        Plan::make(account, rules, client, &NONE).unwrap_err()
    }

    #[test]
    fn what_cognito_sets_itself_is_not_signed_up_with() {
        let plan = Plan::make(&unconfirmed(), &rules(), &client(), &NONE).unwrap();
        assert_eq!(plan.attributes, [("email".to_owned(), "ada@example.com".to_owned())].into());
        assert_eq!(plan.sign_up_name, "ada");
        let by_email = PoolSettings { user_name_attributes: vec!["phone_number".into(), "email".into()], ..rules() };
        let plan = Plan::make(&unconfirmed(), &by_email, &client(), &NONE).unwrap();
        assert_eq!(plan.sign_up_name, "ada@example.com");
    }

    #[test]
    fn a_confirmed_user_is_deleted_only_if_that_is_said() {
        assert!(refusal(&ada().record(), &rules(), &client()).contains("--yes-delete-confirmed"));
        let said = Waivers { confirmed: true, ..NONE };
        assert!(Plan::make(&ada().record(), &rules(), &client(), &said).is_ok());
        for status in ["FORCE_CHANGE_PASSWORD", "ARCHIVED", "EXTERNAL_PROVIDER"] {
            let account = ProfileRecord { status: status.into(), ..ada().record() };
            assert!(Plan::make(&account, &rules(), &client(), &said).is_err(), "{status}");
        }
    }

    #[test]
    fn no_sign_up_brings_a_federated_or_disabled_profile_back() {
        let linked = ProfileRecord { status: "UNCONFIRMED".into(), ..ada().with_identity("Google", "1").record() };
        assert!(refusal(&linked, &rules(), &client()).contains("unlink"));
        let google = LinkedIdentity { provider: "Google".into(), value: "1".into(), primary: true };
        let own = Account { identities: vec![google], ..ada() }.record();
        assert!(refusal(&own, &rules(), &client()).contains("federated identity"));
        let disabled = ProfileRecord { enabled: false, ..unconfirmed() };
        assert!(refusal(&disabled, &rules(), &client()).contains("disabled"));
    }

    #[test]
    fn a_pool_that_would_not_take_the_sign_up_is_noticed_before() {
        let closed = PoolSettings { administrators_only: true, ..rules() };
        assert!(refusal(&unconfirmed(), &closed, &client()).contains("only administrators"));
        let silent = PoolSettings { auto_verified_attributes: vec!["phone_number".into()], ..rules() };
        assert!(refusal(&unconfirmed(), &silent, &client()).contains("no message"));
        let by_phone = PoolSettings { user_name_attributes: vec!["phone_number".into()], ..rules() };
        assert!(refusal(&unconfirmed(), &by_phone, &client()).contains("phone_number"));
    }

    #[test]
    fn an_attribute_that_the_pool_requires_is_neither_given_up_nor_missing() {
        let strict = PoolSettings { required_attributes: vec!["email".into(), "given_name".into()], ..rules() };
        assert!(refusal(&unconfirmed(), &strict, &client()).contains("requires given_name"));
        let mut ada = unconfirmed();
        ada.attributes.insert("given_name".into(), "Ada".into());
        assert!(Plan::make(&ada, &strict, &client(), &NONE).is_ok());
        let given_up = ["given_name".to_owned()];
        let refused = Plan::make(&ada, &strict, &client(), &Waivers { attributes: &given_up, ..NONE });
        assert!(refused.unwrap_err().contains("--without"));
    }

    #[test]
    fn an_attribute_the_client_may_not_write_stops_unless_it_is_given_up() {
        let mut ada = unconfirmed();
        ada.attributes.insert("custom:plan".into(), "gold".into());
        assert!(refusal(&ada, &rules(), &client()).contains("custom:plan"));
        let given_up = ["custom:plan".to_owned()];
        let plan = Plan::make(&ada, &rules(), &client(), &Waivers { attributes: &given_up, ..NONE }).unwrap();
        assert!(!without(&plan.attributes, &given_up).contains_key("custom:plan"));
        // A resume may want it after all.
        assert!(plan.attributes.contains_key("custom:plan"));
        let writes = AppClient::new("client", vec!["custom:plan".into(), "email".into()], None);
        assert!(Plan::make(&ada, &rules(), &writes, &NONE).is_ok());
    }
}
