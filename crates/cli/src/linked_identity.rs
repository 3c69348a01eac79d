//! The identities of a profile, as commands show them.

use aws_smithy_types::date_time::{DateTime, Format};
use cognito_core::user_pool::{Identity, ProfileRecord, UnreadableIdentities};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One identity of a profile.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct LinkedIdentity {
    /// The provider, in the spelling of its configuration.
    pub(crate) provider: String,
    /// The provider's type, such as `OIDC`.
    pub(crate) provider_type: Option<String>,
    /// The subject, or the value of the attribute it was linked by.
    pub(crate) subject: String,
    /// True if the profile was made for this identity, false if the identity was linked to it.
    pub(crate) stand_alone: bool,
    /// When it was linked, RFC 3339 in UTC.
    pub(crate) since: Option<String>,
}

/// An entry of the attribute `identities`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(flatten)]
    identity: Identity,
    provider_type: Option<String>,
}

impl LinkedIdentity {
    /// The identities of a profile.
    ///
    /// # Errors
    ///
    /// Fails if the attribute `identities` is not the JSON list that it should be.
    pub(crate) fn all_of(record: &ProfileRecord) -> Result<Vec<Self>, UnreadableIdentities> {
        let Some(list) = record.attribute("identities") else { return Ok(Vec::new()) };
        let entries: Vec<Entry> = serde_json::from_str(list).map_err(|_| UnreadableIdentities)?;
        Ok(entries.into_iter().map(Self::from).collect())
    }

    /// Whether both are the same identity. Subjects compare exactly, as Cognito compares them.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.provider == other.provider && self.subject == other.subject
    }
}

impl From<Entry> for LinkedIdentity {
    fn from(entry: Entry) -> Self {
        Self {
            provider: entry.identity.provider_name,
            provider_type: entry.provider_type,
            subject: entry.identity.user_id,
            stand_alone: entry.identity.primary,
            since: entry.identity.connected.and_then(|at| rfc_3339(DateTime::from_millis(at))),
        }
    }
}

impl fmt::Display for LinkedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.stand_alone { "stand-alone" } else { "linked" };
        write!(f, "{} {} ({how})", self.provider, self.subject)
    }
}

/// A time of a profile, RFC 3339 in UTC.
pub(crate) fn time(seconds: Option<u64>) -> Option<String> {
    rfc_3339(DateTime::from_secs(i64::try_from(seconds?).ok()?))
}

/// A time as RFC 3339 in UTC.
pub(crate) fn rfc_3339(time: DateTime) -> Option<String> {
    time.fmt(Format::DateTime).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::tests::ada;

    #[test]
    fn identities_are_read_with_their_type_and_time_however_they_are_written() {
        let mut record = ada().record();
        assert!(LinkedIdentity::all_of(&record).is_ok_and(|none| none.is_empty()));
        let list = r#"[{"userId":"1","providerName":"Google","providerType":"Google","issuer":null,"primary":true,
                 "dateCreated":1790000000000},
                {"userId":"2","providerName":"Okta","primary":"false","dateCreated":"1790000000000"},
                {"userId":"3","providerName":"X"}]"#;
        record.attributes.insert("identities".into(), list.into());
        let read = LinkedIdentity::all_of(&record).unwrap();
        assert_eq!(read[0].since.as_deref(), Some("2026-09-21T14:13:20Z"));
        assert_eq!(read[0].provider_type.as_deref(), Some("Google"));
        assert_eq!(read[1].since, read[0].since);
        assert_eq!(read.iter().map(|one| one.stand_alone).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(read[2].to_string(), "X 3 (linked)");
        record.attributes.insert("identities".into(), "Google 1".into());
        assert!(LinkedIdentity::all_of(&record).is_err());
    }
}
