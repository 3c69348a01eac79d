use cognito_core::account_event::EVENT_BUS;
use cognito_core::next_function;
use cognito_core::provider::{Providers, SignUpDomains};
use cognito_core::retry_queue::RETRY_QUEUE_URL;
use cognito_core::settings::{self, DEFAULT_GROUP, Lookup, OVERRIDES, PROVIDERS, SettingError};
use cognito_core::user_pool::NativeUserName;
use linking::{
    LinkWithFactors, NativeProfile, Newcomers, Policy, SecondSubject, SubjectRule, UnprovenEmail, UnverifiedProfile,
};

/// Every environment variable this function reads.
pub const NAMES: [&str; 21] = [
    OVERRIDES,
    PROVIDERS,
    DEFAULT_GROUP,
    RETRY_QUEUE_URL,
    EVENT_BUS,
    "UNPROVEN_EMAIL",
    "NATIVE_PROFILE",
    "UNVERIFIED_PROFILE",
    "NEWCOMERS",
    "SECOND_SUBJECT",
    "LINK_WITH_FACTORS",
    SignUpDomains::NAMES[0],
    SignUpDomains::NAMES[1],
    "POOL_CASE_SENSITIVE",
    "SUBJECT_ATTRIBUTE",
    "NATIVE_SIGN_UP",
    "NATIVE_USERNAME",
    "NATIVE_ATTRIBUTES",
    next_function::NAMES[0],
    next_function::NAMES[1],
    next_function::NAMES[2],
];

/// Standard attributes that a new native profile takes over from the provider unless
/// `NATIVE_ATTRIBUTES` says otherwise. Contact data is left out: it is unproven.
const DEFAULT_ATTRIBUTES: &str = "given_name,family_name,name,middle_name,nickname,picture,locale,zoneinfo";

/// Attributes that are never copied: Cognito sets them, they would claim a proof, or somebody may hold them as an alias,
/// so that no profile could be created.
const NEVER_COPIED: [&str; 7] =
    ["sub", "email", "email_verified", "phone_number_verified", "identities", "updated_at", "preferred_username"];

/// What the operator chose for this function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROVIDERS`.
    pub providers: Providers,
    /// `DEFAULT_GROUP`: the group a new user joins.
    pub default_group: Option<String>,
    /// `UNPROVEN_EMAIL`, `NATIVE_PROFILE`, `UNVERIFIED_PROFILE`, `NEWCOMERS`, `SECOND_SUBJECT`,
    /// `LINK_WITH_FACTORS`.
    pub policy: Policy,
    /// `POOL_CASE_SENSITIVE`, `SUBJECT_ATTRIBUTE`.
    pub subject_rule: SubjectRule,
    /// `ALLOWED_DOMAINS`, `DENIED_DOMAINS`: whose addresses may get an account.
    pub sign_up_domains: SignUpDomains,
    /// `NATIVE_SIGN_UP`.
    pub native_sign_up: NativeSignUp,
    /// `NATIVE_USERNAME`.
    pub native_user_name: NativeUserName,
    /// `NATIVE_ATTRIBUTES`: attributes a new native profile takes over from the provider.
    pub native_attributes: Vec<String>,
}

/// `NATIVE_SIGN_UP`: somebody registers with a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NativeSignUp {
    /// Cognito decides.
    #[default]
    Allow,
    /// Refused if a federated profile has the address, or an administrator disabled one whose owner proved it.
    Unique,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first variable with a value that is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let policy = Policy {
            unproven_email: settings::choice(
                lookup,
                "UNPROVEN_EMAIL",
                &[("refuse", UnprovenEmail::Refuse), ("separate", UnprovenEmail::Separate)],
                UnprovenEmail::default(),
            )?,
            native_profile: settings::choice(
                lookup,
                "NATIVE_PROFILE",
                &[("create", NativeProfile::Create), ("skip", NativeProfile::Skip)],
                NativeProfile::default(),
            )?,
            unverified_profile: settings::choice(
                lookup,
                "UNVERIFIED_PROFILE",
                &[
                    ("replace", UnverifiedProfile::Replace),
                    ("refuse", UnverifiedProfile::Refuse),
                    ("reclaim", UnverifiedProfile::Reclaim),
                ],
                UnverifiedProfile::default(),
            )?,
            newcomers: settings::choice(
                lookup,
                "NEWCOMERS",
                &[("create", Newcomers::Create), ("invited", Newcomers::Invited), ("refuse", Newcomers::Refuse)],
                Newcomers::default(),
            )?,
            second_subject: SecondSubject::from_lookup(lookup)?,
            link_with_factors: LinkWithFactors::from_lookup(lookup)?,
        };
        let subject_rule = SubjectRule {
            pool_is_case_sensitive: settings::choice(
                lookup,
                "POOL_CASE_SENSITIVE",
                &[("true", true), ("false", false)],
                false,
            )?,
            raw_subject_attribute: settings::attribute_name(lookup, "SUBJECT_ATTRIBUTE")?,
        };
        Ok(Self {
            providers: settings::providers(lookup)?,
            default_group: settings::default_group(lookup)?,
            policy,
            subject_rule,
            sign_up_domains: SignUpDomains::from_lookup(lookup)?,
            native_sign_up: settings::choice(
                lookup,
                "NATIVE_SIGN_UP",
                &[("allow", NativeSignUp::Allow), ("unique", NativeSignUp::Unique)],
                NativeSignUp::default(),
            )?,
            native_user_name: NativeUserName::from_lookup(lookup)?,
            native_attributes: native_attributes(lookup)?,
        })
    }
}

fn native_attributes(lookup: Lookup<'_>) -> Result<Vec<String>, SettingError> {
    let parse = |text: &str| {
        let names: Vec<String> =
            text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        let copied = |name: &String| settings::is_attribute_name(name) && !NEVER_COPIED.contains(&name.as_str());
        names.iter().all(copied).then_some(names)
    };
    let allowed = format!("a comma list of user-pool attributes, none of {}", NEVER_COPIED.join(", "));
    let chosen = settings::optional(lookup, "NATIVE_ATTRIBUTES", &allowed, parse)?;
    Ok(chosen.unwrap_or_else(|| DEFAULT_ATTRIBUTES.split(',').map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &'static str) -> Result<Settings, SettingError> {
        Settings::from_lookup(&move |asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn unset_means_the_strictest_sensible_choice() {
        let settings = Settings::from_lookup(&|_| None).unwrap();
        assert!(settings.providers.is_empty() && settings.default_group.is_none());
        assert_eq!(settings.policy, Policy::default());
        assert!(!settings.subject_rule.pool_is_case_sensitive);
        assert_eq!(settings.native_sign_up, NativeSignUp::Allow);
        assert!(!settings.native_attributes.iter().any(|name| name.contains("phone")));
    }

    #[test]
    fn every_variable_stops_the_start_with_a_wrong_value() {
        // The start of the function reads the queue, the bus, the overrides and those of the next function.
        let starts =
            |name: &&str| [OVERRIDES, RETRY_QUEUE_URL, EVENT_BUS].contains(name) || next_function::NAMES.contains(name);
        for name in NAMES.into_iter().filter(|name| !starts(name)) {
            let value =
                if name.ends_with("GROUP") || name.ends_with("_ATTRIBUTE") { "two words" } else { "email_verified:" };
            let error = read(name, value).expect_err(name).to_string();
            assert!(error.contains(name) && error.contains(value) && error.contains("allowed is"), "{error}");
        }
    }

    #[test]
    fn attributes_that_would_claim_a_proof_or_an_alias_cannot_be_copied() {
        assert!(read("NATIVE_ATTRIBUTES", "given_name, custom:team").is_ok());
        for name in NEVER_COPIED {
            assert!(read("NATIVE_ATTRIBUTES", name).is_err(), "{name}");
        }
    }
}
