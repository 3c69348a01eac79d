use crate::user_pool::{Profile, Status, UnreadableIdentities, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Everything that AWS shows of a profile, in AWS's own words. It holds personal data, so `Debug` hides it.
///
/// [`ProfileRecord::profile`] derives from it the few facts that linking needs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileRecord {
    /// The exact user name.
    pub user_name: String,
    /// `UserStatus` in AWS's spelling.
    pub status: String,
    /// Whether it may sign in.
    pub enabled: bool,
    /// When it was created, in seconds since 1970.
    pub created: Option<u64>,
    /// When it was last changed, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
    /// Every attribute, `sub` and `identities` included.
    pub attributes: BTreeMap<String, String>,
    /// Its second factors. A page of profiles does not show them.
    #[serde(default, skip_serializing_if = "MfaSettings::is_empty")]
    pub mfa: MfaSettings,
}

/// The second factors of a profile, in AWS's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MfaSettings {
    /// Those that are switched on.
    pub enabled: Vec<String>,
    /// The one that Cognito asks for first.
    pub preferred: Option<String>,
}

impl MfaSettings {
    fn is_empty(&self) -> bool {
        self.enabled.is_empty() && self.preferred.is_none()
    }
}

impl ProfileRecord {
    /// An attribute's value; `None` if it is missing or empty.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether an attribute such as `email_verified` is true.
    #[must_use]
    pub fn has_flag(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(|flag| flag.eq_ignore_ascii_case("true"))
    }

    /// The pool's own id of the person.
    #[must_use]
    pub fn sub(&self) -> &str {
        self.attribute("sub").unwrap_or_default()
    }

    /// The user name, for calls about this profile.
    #[must_use]
    pub fn name(&self) -> UserName {
        UserName::new(&self.user_name)
    }

    /// The e-mail address by which profiles are grouped: trimmed, with ASCII letters in lower case, as
    /// [`Email`](crate::email::Email) compares.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        self.attribute("email").map(|email| email.trim().to_ascii_lowercase()).filter(|email| !email.is_empty())
    }

    /// Where the profile is in its life.
    #[must_use]
    pub fn life(&self) -> Status {
        Status::from_wire(&self.status)
    }

    /// What linking needs to know of it.
    ///
    /// # Errors
    ///
    /// Returns [`UnreadableIdentities`] if `identities` is not the JSON list that it should be.
    pub fn profile(&self) -> Result<Profile, UnreadableIdentities> {
        let created = self.created.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let profile =
            Profile::read(&self.user_name, Some(&self.status), self.enabled, created, |name| self.attribute(name))?;
        Ok(Profile { has_second_factor: !self.mfa.enabled.is_empty(), ..profile })
    }

    /// Whether it stands alone for a federated identity, as far as it can be read.
    #[must_use]
    pub fn is_stand_alone(&self) -> bool {
        match self.profile() {
            Ok(profile) => profile.is_stand_alone(),
            Err(UnreadableIdentities) => self.life() == Status::ExternalProvider,
        }
    }

    /// The attributes as an event of a sign-in would bring them.
    #[must_use]
    pub fn as_event(&self) -> Map<String, Value> {
        let mut members: Map<_, _> =
            self.attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        members.insert("cognito:user_status".into(), self.status.as_str().into());
        members
    }

    /// The same with these attributes only.
    #[must_use]
    pub fn keeping(mut self, names: &[String]) -> Self {
        self.attributes.retain(|name, _| names.contains(name));
        self
    }
}

impl fmt::Debug for ProfileRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileRecord").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_pool::memory::{federated, native};

    #[test]
    fn a_profile_with_a_password_and_its_own_identity_still_stands_alone() {
        assert!(!native("ada@example.com").record().is_stand_alone());
        assert!(!native("ada@example.com").with_identity("Google", "1").record().is_stand_alone());
        let mut google = federated("Google", "1", "ada@example.com").record();
        google.status = "CONFIRMED".into();
        assert!(google.is_stand_alone());
    }

    #[test]
    fn identities_that_cannot_be_read_are_no_profile_rather_than_a_native_one() {
        let mut google = federated("Google", "1", "ada@example.com").record();
        google.attributes.insert("identities".into(), "Google 1".into());
        assert!(google.profile().is_err() && google.is_stand_alone());
    }

    #[test]
    fn a_record_that_was_written_before_it_held_second_factors_is_read() {
        let text = r#"{"user_name":"n","status":"CONFIRMED","enabled":true,"created":1,"attributes":{"sub":"s"}}"#;
        let record: ProfileRecord = serde_json::from_str(text).unwrap();
        assert_eq!((record.sub(), serde_json::to_string(&record).unwrap().as_str()), ("s", text));
    }
}
