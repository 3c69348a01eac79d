use super::UserName;
use crate::email::Email;
use crate::provider::Providers;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Where a profile is in its life (`UserStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Registered, nothing proven.
    Unconfirmed,
    /// Has a password of its own, or one that nobody knows.
    Confirmed,
    /// Has a temporary password: invited by an administrator, or being created by us.
    ForceChangePassword,
    /// Confirmed, but must choose a new password.
    ResetRequired,
    /// Stands alone for one federated identity.
    ExternalProvider,
    /// Archived, compromised, unknown, or new to this project.
    Other,
}

impl Status {
    /// Reads AWS's spelling.
    #[must_use]
    pub fn from_wire(text: &str) -> Self {
        match text {
            "UNCONFIRMED" => Self::Unconfirmed,
            "CONFIRMED" => Self::Confirmed,
            "FORCE_CHANGE_PASSWORD" => Self::ForceChangePassword,
            "RESET_REQUIRED" => Self::ResetRequired,
            "EXTERNAL_PROVIDER" => Self::ExternalProvider,
            _ => Self::Other,
        }
    }
}

/// One entry of a profile's `identities`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The subject, or the value of the attribute that was linked by.
    pub user_id: String,
    /// The provider, in the spelling of its configuration.
    pub provider_name: String,
    /// True on a profile that stands alone for this identity.
    #[serde(default, deserialize_with = "lenient_flag")]
    pub primary: bool,
    /// When it was connected, in milliseconds since 1970; `None` if the pool did not say.
    #[serde(default, rename = "dateCreated", deserialize_with = "lenient_number")]
    pub connected: Option<i64>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("provider_name", &self.provider_name)
            .field("primary", &self.primary)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Parses the `identities` attribute: a JSON array in a string.
    ///
    /// # Errors
    ///
    /// Returns the JSON error if it is something else. Its text does not repeat the attribute.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Reads the member `identities` of an event: the attribute's text, or the list itself, which emulators send.
    ///
    /// # Errors
    ///
    /// As [`parse_list`](Self::parse_list).
    pub fn read_list(value: &serde_json::Value) -> Result<Vec<Self>, serde_json::Error> {
        value.as_str().map_or_else(|| Vec::deserialize(value), Self::parse_list)
    }
}

/// `primary` is a JSON boolean; some tools write it as text.
fn lenient_flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde_json::Value::deserialize(deserializer).map(|value| crate::event::is_true(&value))
}

/// `dateCreated` is a number, or a number in a text.
fn lenient_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_i64().or_else(|| value.as_str()?.parse().ok()))
}

/// A profile's `identities` are not the JSON list they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable identities")]
pub struct UnreadableIdentities;

/// A profile of the pool: what linking needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The exact user name, for every further call.
    pub user_name: UserName,
    /// The pool's own id of the person; may be logged.
    pub sub: String,
    /// Where the profile is in its life.
    pub status: Status,
    /// Whether an administrator has disabled it.
    pub enabled: bool,
    /// The address, as stored.
    pub email: Option<String>,
    /// Whether the pool shows the address as verified.
    pub email_verified: bool,
    /// The identities that sign in to it.
    pub identities: Vec<Identity>,
    /// When it was created; `None` if the pool did not say.
    pub created: Option<SystemTime>,
    /// Whether a second factor is known that Cognito asks for after the password. A list shows none.
    pub has_second_factor: bool,
}

impl Profile {
    /// Reads a profile from what the API gives: its name, status and times, and its attributes by `text`.
    ///
    /// # Errors
    ///
    /// Returns [`UnreadableIdentities`] if they cannot be read. They must not look like an empty list, which would
    /// hide whom the profile belongs to.
    pub fn read<'a>(
        user_name: &str,
        status: Option<&str>,
        enabled: bool,
        created: Option<SystemTime>,
        text: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, UnreadableIdentities> {
        let identities = text("identities").map(Identity::parse_list).transpose().map_err(|_| UnreadableIdentities)?;
        Ok(Self {
            user_name: UserName::new(user_name),
            sub: text("sub").unwrap_or_default().to_owned(),
            status: status.map_or(Status::Other, Status::from_wire),
            enabled,
            email: text("email").map(str::to_owned),
            email_verified: text("email_verified").is_some_and(|flag| crate::event::is_true(&flag.into())),
            identities: identities.unwrap_or_default(),
            created,
            has_second_factor: false,
        })
    }

    /// Whether the profile stands alone for a federated identity. Such a profile is never linked
    /// to. One that got a password by an administrator's call is `CONFIRMED` but still has its
    /// primary identity.
    #[must_use]
    pub fn is_stand_alone(&self) -> bool {
        self.status == Status::ExternalProvider || self.identities.iter().any(|identity| identity.primary)
    }

    /// Whether somebody has proven the address that the profile stores. Anybody can make a profile that only names an
    /// address. Such a profile blocks nobody.
    ///
    /// On a native profile the pool's mark counts. On a stand-alone profile the mark is what its provider said, so the
    /// trust in that provider decides: with `never` the mark proves nothing, and with `always` none is needed.
    #[must_use]
    pub fn has_proven_address(&self, providers: &Providers) -> bool {
        if !self.is_stand_alone() {
            return self.email_verified;
        }
        let identity = self.identities.iter().find(|identity| identity.primary);
        let provider = identity.and_then(|identity| providers.named(&identity.provider_name));
        let email = self.email.as_deref().and_then(|email| Email::parse(email).ok());
        provider.zip(email).is_some_and(|(provider, email)| provider.proves(&email, Some(&self.email_verified.into())))
    }

    /// Whether the profile was created at most `age` before `now`; false if the pool did not say.
    /// A creation time after `now` (clocks differ) counts as new.
    #[must_use]
    pub fn is_younger_than(&self, age: Duration, now: SystemTime) -> bool {
        self.created.is_some_and(|created| now.duration_since(created).is_ok_and(|lived| lived < age) || created > now)
    }
}

/// A native profile to create. Who creates it says whether the address is proven.
#[derive(Clone)]
pub struct NewNative {
    /// The user name to ask for: the address in pools with e-mail user names, an opaque name in
    /// pools where the address is an alias.
    pub user_name: String,
    /// The address.
    pub email: Email,
    /// Further standard attributes.
    pub attributes: BTreeMap<String, String>,
}

impl fmt::Debug for NewNative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewNative(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_pool::memory::{Account, federated, native};

    #[test]
    fn identities_parse_as_json_whatever_else_they_hold() {
        let list = Identity::parse_list(
            r#"[{"userId":"1","providerName":"Google","providerType":"Google","issuer":null,"primary":false,"dateCreated":1},
                {"userId":"2","providerName":"Okta","primary":"true","dateCreated":"-2"},{"userId":"3","providerName":"X"}]"#,
        )
        .unwrap();
        assert_eq!(
            list.iter().map(|i| (i.provider_name.as_str(), i.primary, i.connected)).collect::<Vec<_>>(),
            [("Google", false, Some(1)), ("Okta", true, Some(-2)), ("X", false, None)]
        );
        assert!(Identity::parse_list("Google").is_err());
    }

    #[test]
    fn the_mark_of_a_stand_alone_profile_is_its_providers_word() {
        let providers = Providers::parse("Corp:never,Google:claim,Facebook:always@example.com").unwrap();
        let has_proven = |provider: &str, email: &str, email_verified| {
            // A user name proves nothing: people choose it when they register, and providers choose subjects.
            let account = federated(provider, "1", email).named("Facebook_1");
            Account { email_verified, ..account }.profile().has_proven_address(&providers)
        };
        for (provider, marked, unmarked) in
            [("Corp", false, false), ("Unlisted", false, false), ("Google", true, false), ("facebook", true, true)]
        {
            assert_eq!(has_proven(provider, "ada@example.com", true), marked, "{provider}");
            assert_eq!(has_proven(provider, "ada@example.com", false), unmarked, "{provider}");
        }
        assert!(!has_proven("Facebook", "ceo@other.example", true));
        assert!(native("ada@example.com").profile().has_proven_address(&providers));
        assert!(!native("ada@example.com").unverified().profile().has_proven_address(&providers));
    }

    #[test]
    fn a_profile_with_a_primary_identity_stands_alone_even_with_a_password() {
        let profile = Profile {
            user_name: UserName::new("google_1"),
            sub: "s".into(),
            status: Status::Confirmed,
            enabled: true,
            email: None,
            email_verified: false,
            identities: vec![Identity {
                user_id: "1".into(),
                provider_name: "Google".into(),
                primary: true,
                connected: None,
            }],
            created: None,
            has_second_factor: false,
        };
        assert!(profile.is_stand_alone());
        assert!(!profile.is_younger_than(Duration::from_mins(10), SystemTime::now()));
        assert!(!format!("{profile:?}").contains("google_1"));
    }
}
