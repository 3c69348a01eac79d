//! What bulk commands ask of a user pool beyond the functions' own port: whole pages, whole profiles, groups.
//!
//! The functions never need these calls and their roles do not allow them, so they are a port of their own.

pub(crate) mod aws;
#[cfg(test)]
pub(crate) mod memory;

use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{PoolError, Profile, Status, UnreadableIdentities, UserName};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

/// One user pool, as an operator sees it. Every verb is one API call (or one a page) and may be repeated.
pub(crate) trait Registry: Sync {
    /// What the pool's description says.
    fn facts(&self) -> impl Future<Output = Result<PoolFacts, PoolError>> + Send;

    /// At most 60 profiles, from the start or from where `token` says.
    fn page(&self, token: Option<&str>) -> impl Future<Output = Result<Page, PoolError>> + Send;

    /// Everything the profile with exactly this user name shows right now; `None` if there is none.
    fn record(&self, user_name: &str) -> impl Future<Output = Result<Option<Record>, PoolError>> + Send;

    /// The groups of a profile, from all pages.
    fn groups(&self, user: &UserName) -> impl Future<Output = Result<Vec<String>, PoolError>> + Send;

    /// Writes attributes.
    fn write_attributes(
        &self,
        user: &UserName,
        attributes: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Removes attributes; those that are not there do not matter.
    fn remove_attributes(
        &self,
        user: &UserName,
        names: &[String],
    ) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Takes a profile out of a group.
    fn leave_group(&self, user: &UserName, group: &str) -> impl Future<Output = Result<(), PoolError>> + Send;

    /// Unties an identity, by the attribute it was linked by.
    fn disconnect(&self, identity: &LinkedAs) -> impl Future<Output = Result<(), PoolError>> + Send;
}

/// What a pool's description says that bulk commands go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PoolFacts {
    /// Cognito's own estimate.
    pub(crate) estimated_users: u64,
    /// The address is the user name, so new native profiles are named by it.
    pub(crate) email_is_user_name: bool,
    /// People sign in with a phone number and nothing else, so nobody can be named by an address.
    pub(crate) only_phone_is_user_name: bool,
    /// A changed address is stored only when it is verified.
    pub(crate) keeps_address_until_verified: bool,
    /// The attributes that may be changed.
    pub(crate) mutable_attributes: Vec<String>,
    /// The attributes without which no native profile is made.
    pub(crate) required_attributes: Vec<String>,
}

/// One page of the pool.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The profiles; may be none although more follow.
    pub(crate) records: Vec<Record>,
    /// Where the next page starts; valid for an hour. `None` at the end.
    pub(crate) next: Option<String>,
}

/// A profile with every attribute, in AWS's own words.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) user_name: String,
    pub(crate) status: String,
    pub(crate) enabled: bool,
    /// Seconds since 1970.
    pub(crate) created: Option<u64>,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// An identity as it was linked: provider, attribute, value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkedAs {
    pub(crate) provider: String,
    pub(crate) attribute: String,
    pub(crate) value: String,
}

impl LinkedAs {
    pub(crate) fn new(identity: &SourceIdentity) -> Self {
        Self {
            provider: identity.provider().to_owned(),
            attribute: identity.attribute().to_owned(),
            value: identity.value().to_owned(),
        }
    }
}

impl fmt::Debug for LinkedAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedAs").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Record {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn sub(&self) -> &str {
        self.attribute("sub").unwrap_or_default()
    }

    /// The address as profiles are grouped by: as `Email` compares, ignoring the case of ASCII letters only.
    pub(crate) fn address(&self) -> Option<String> {
        self.attribute("email").map(|email| email.trim().to_ascii_lowercase()).filter(|email| !email.is_empty())
    }

    /// What linking needs to know of it.
    ///
    /// # Errors
    ///
    /// The identities are not readable.
    pub(crate) fn profile(&self) -> Result<Profile, UnreadableIdentities> {
        let created = self.created.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        Profile::read(&self.user_name, Some(&self.status), self.enabled, created, |name| self.attribute(name))
    }

    /// Whether it stands alone for a federated identity, as far as it can be read.
    pub(crate) fn is_stand_alone(&self) -> bool {
        match self.profile() {
            Ok(profile) => profile.is_stand_alone(),
            Err(UnreadableIdentities) => Status::from_wire(&self.status) == Status::ExternalProvider,
        }
    }

    /// The attributes as a sign-in would bring them.
    pub(crate) fn as_event(&self) -> Map<String, Value> {
        let mut members: Map<_, _> =
            self.attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        members.insert("cognito:user_status".into(), self.status.as_str().into());
        members
    }

    /// The same with these attributes only.
    pub(crate) fn keeping(mut self, names: &[String]) -> Self {
        self.attributes.retain(|name, _| names.iter().any(|kept| kept == name));
        self
    }
}

impl fmt::Debug for Record {
    /// Never the name nor an attribute.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("status", &self.status).finish_non_exhaustive()
    }
}
