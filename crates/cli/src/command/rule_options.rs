//! What the linking functions are set to, for commands that ask the linking rules.

use clap::{Args, ValueEnum};
use cognito_core::provider::Providers;
use linking::{LinkWithFactors, NativeProfile, Newcomers, Policy, SecondSubject, UnprovenEmail, UnverifiedProfile};
use merge::Rules;
use serde::{Deserialize, Serialize};

/// Where help lists them.
const HEADING: &str = "Linking rules";

/// The settings of `pre-sign-up`, under their names as options.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct RuleOptions {
    /// What to do with a native profile that never proved its address, as in the functions' UNVERIFIED_PROFILE
    #[arg(long, env = "UNVERIFIED_PROFILE", value_name = "RULE", default_value = "replace", help_heading = HEADING)]
    pub(crate) unverified_profile: Unverified,
    /// What to do with a sign-in whose unproven address another profile has, as in the functions' UNPROVEN_EMAIL
    #[arg(long, env = "UNPROVEN_EMAIL", value_name = "RULE", default_value = "refuse", help_heading = HEADING)]
    pub(crate) unproven_email: Unproven,
    /// What to do with an identity if another one of its provider is linked already, as in the functions' SECOND_SUBJECT
    #[arg(long, env = "SECOND_SUBJECT", value_name = "RULE", default_value = "refuse", help_heading = HEADING)]
    #[serde(default)]
    pub(crate) second_subject: Second,
    /// What to do if the native profile has a second factor, as in the functions' LINK_WITH_FACTORS
    #[arg(long, env = "LINK_WITH_FACTORS", value_name = "RULE", default_value = "link", help_heading = HEADING)]
    #[serde(default)]
    pub(crate) link_with_factors: WithFactors,
    /// Take stored values as proof. You vouch that people could never write them: address, `email_verified`, and
    /// attributes that PROVIDERS links by
    #[arg(long, help_heading = HEADING)]
    #[serde(rename = "proof", with = "proof")]
    pub(crate) trust_stored_values: bool,
}

/// `UNVERIFIED_PROFILE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unverified {
    /// If it was never confirmed, delete it and create it again; otherwise refuse
    Replace,
    /// Refuse
    Refuse,
    /// Like replace, and also take over a confirmed profile, after removing every way in
    Reclaim,
}

/// `UNPROVEN_EMAIL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unproven {
    /// Refuse
    Refuse,
    /// Keep the newcomer as a separate profile
    Separate,
}

/// `SECOND_SUBJECT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Second {
    /// Leave it alone
    #[default]
    Refuse,
    /// Link it, too
    Link,
    /// Leave it alone: a merge unlinks nothing
    Replace,
}

/// `LINK_WITH_FACTORS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WithFactors {
    /// Link all the same
    #[default]
    Link,
    /// Leave the identity alone
    Refuse,
}

impl RuleOptions {
    /// The rules that allow the least.
    pub(crate) const fn strict() -> Self {
        Self {
            unverified_profile: Unverified::Refuse,
            unproven_email: Unproven::Refuse,
            second_subject: Second::Refuse,
            link_with_factors: WithFactors::Refuse,
            trust_stored_values: false,
        }
    }

    /// The rules. A list of providers that cannot be read trusts none.
    pub(crate) fn rules(&self, providers: &str, native_profile: NativeProfile) -> Rules {
        let providers = Providers::parse(providers).unwrap_or_default();
        let policy = Policy {
            unproven_email: match self.unproven_email {
                Unproven::Refuse => UnprovenEmail::Refuse,
                Unproven::Separate => UnprovenEmail::Separate,
            },
            native_profile,
            unverified_profile: match self.unverified_profile {
                Unverified::Replace => UnverifiedProfile::Replace,
                Unverified::Refuse => UnverifiedProfile::Refuse,
                Unverified::Reclaim => UnverifiedProfile::Reclaim,
            },
            // Who has a profile already is no newcomer.
            newcomers: Newcomers::Create,
            second_subject: match self.second_subject {
                Second::Refuse | Second::Replace => SecondSubject::Refuse,
                Second::Link => SecondSubject::Link,
            },
            link_with_factors: match self.link_with_factors {
                WithFactors::Link => LinkWithFactors::Link,
                WithFactors::Refuse => LinkWithFactors::Refuse,
            },
        };
        Rules { providers, policy, trust_stored_values: self.trust_stored_values }
    }
}

/// A plan says in words what it takes as proof, for people who read it.
mod proof {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Proof {
        StoredEmailVerified,
        AllStoredValues,
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(trusts_all: &bool, to: S) -> Result<S::Ok, S::Error> {
        if *trusts_all { Proof::AllStoredValues } else { Proof::StoredEmailVerified }.serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<bool, D::Error> {
        Ok(matches!(Proof::deserialize(from)?, Proof::AllStoredValues))
    }
}

/// Checks a value of `--providers`, which means what the functions' `PROVIDERS` means.
pub(crate) fn providers(text: &str) -> Result<String, String> {
    match Providers::parse(text) {
        Some(providers) if !providers.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("allowed is {}", Providers::ALLOWED)),
    }
}
