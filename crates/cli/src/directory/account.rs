//! One profile with everything an operator may ask about it.

use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserOutput;
use aws_sdk_cognitoidentityprovider::primitives::{DateTime, DateTimeFormat};
use cognito_core::user_pool::{Identity, PoolError, PoolErrorKind, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A profile of the pool. It holds personal data: it goes to standard output, to the operator who asked for it, and
/// into no error.
#[derive(Clone, PartialEq, Serialize)]
pub(crate) struct Account {
    /// The exact user name, for every further call.
    pub(crate) user_name: String,
    /// The pool's own id of the person.
    pub(crate) sub: String,
    /// `UserStatus` in AWS's spelling.
    pub(crate) status: String,
    /// Whether it may sign in at all.
    pub(crate) enabled: bool,
    /// When it was created, RFC 3339 in UTC.
    pub(crate) created: Option<String>,
    /// When it was last changed, RFC 3339 in UTC.
    pub(crate) modified: Option<String>,
    /// Every attribute but `sub` and `identities`.
    pub(crate) attributes: BTreeMap<String, String>,
    /// The identities that sign in to it.
    pub(crate) identities: Vec<LinkedIdentity>,
    /// Its second factors.
    pub(crate) mfa: Mfa,
}

/// The second factors of a profile, in AWS's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Mfa {
    /// Those that are switched on.
    pub(crate) enabled: Vec<String>,
    /// The one that is asked for first.
    pub(crate) preferred: Option<String>,
}

/// One identity of a profile.
#[derive(Clone, PartialEq, Serialize)]
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
    // A number, or a number in a text.
    date_created: Option<Value>,
}

impl Account {
    pub(super) fn read(user: &AdminGetUserOutput) -> Result<Self, PoolError> {
        let text = |time: Option<&DateTime>| time.and_then(|time| time.fmt(DateTimeFormat::DateTime).ok());
        let mut attributes: BTreeMap<String, String> = user
            .user_attributes()
            .iter()
            .map(|pair| (pair.name().to_owned(), pair.value().unwrap_or_default().to_owned()))
            .collect();
        let identities = match attributes.remove("identities") {
            Some(list) => identities(&list)
                .map_err(|_| PoolError::new(PoolErrorKind::Other, "AdminGetUser", "unreadable identities"))?,
            None => Vec::new(),
        };
        Ok(Self {
            user_name: user.username().to_owned(),
            sub: attributes.remove("sub").unwrap_or_default(),
            status: user.user_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            enabled: user.enabled(),
            created: text(user.user_create_date()),
            modified: text(user.user_last_modified_date()),
            attributes,
            identities,
            mfa: Mfa {
                enabled: user.user_mfa_setting_list().to_vec(),
                preferred: user.preferred_mfa_setting().filter(|name| !name.is_empty()).map(str::to_owned),
            },
        })
    }

    /// Where it is in its life.
    #[must_use]
    pub(crate) fn life(&self) -> Status {
        Status::from_wire(&self.status)
    }

    /// Its e-mail address, if it has one.
    #[must_use]
    pub(crate) fn email(&self) -> Option<&str> {
        self.attributes.get("email").map(String::as_str).filter(|email| !email.is_empty())
    }

    /// Whether an attribute is `true`: `email_verified`, `phone_number_verified`.
    #[must_use]
    pub(crate) fn has_flag(&self, name: &str) -> bool {
        self.attributes.get(name).is_some_and(|flag| flag.eq_ignore_ascii_case("true"))
    }

    /// Whether it was made for a federated identity.
    #[must_use]
    pub(crate) fn is_stand_alone(&self) -> bool {
        self.life() == Status::ExternalProvider || self.identities.iter().any(|identity| identity.stand_alone)
    }
}

fn identities(text: &str) -> Result<Vec<LinkedIdentity>, serde_json::Error> {
    let entries: Vec<Entry> = serde_json::from_str(text)?;
    Ok(entries
        .into_iter()
        .map(|entry| LinkedIdentity {
            provider: entry.identity.provider_name,
            provider_type: entry.provider_type,
            subject: entry.identity.user_id,
            stand_alone: entry.identity.primary,
            since: entry.date_created.as_ref().and_then(since),
        })
        .collect())
}

fn since(milliseconds: &Value) -> Option<String> {
    let number = milliseconds.as_i64().or_else(|| milliseconds.as_str()?.parse().ok())?;
    DateTime::from_millis(number).fmt(DateTimeFormat::DateTime).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A confirmed native account without identities.
    pub(crate) fn native() -> Account {
        let attributes = [("email", "ada@example.com"), ("email_verified", "true")];
        Account {
            user_name: "ada".into(),
            sub: "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11".into(),
            status: "CONFIRMED".into(),
            enabled: true,
            created: None,
            modified: None,
            attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            identities: Vec::new(),
            mfa: Mfa::default(),
        }
    }

    /// An identity that is linked, or the profile's own.
    pub(crate) fn identity(provider: &str, subject: &str, stand_alone: bool) -> LinkedIdentity {
        LinkedIdentity {
            provider: provider.into(),
            provider_type: None,
            subject: subject.into(),
            stand_alone,
            since: None,
        }
    }

    #[test]
    fn identities_are_read_with_their_type_and_time_however_they_are_written() {
        let read = identities(
            r#"[{"userId":"1","providerName":"Google","providerType":"Google","issuer":null,"primary":true,
                 "dateCreated":1790000000000},
                {"userId":"2","providerName":"Okta","primary":"false","dateCreated":"1790000000000"},
                {"userId":"3","providerName":"X"}]"#,
        )
        .unwrap();
        assert_eq!(read[0].since.as_deref(), Some("2026-09-21T14:13:20Z"));
        assert_eq!(read[0].provider_type.as_deref(), Some("Google"));
        assert_eq!(read[1].since, read[0].since);
        assert_eq!(read.iter().map(|one| one.stand_alone).collect::<Vec<_>>(), [true, false, false]);
        assert!(identities("Google 1").is_err());
    }

    #[test]
    fn a_profile_with_a_password_and_its_own_identity_still_stands_alone() {
        let mut account = native();
        assert!(!account.is_stand_alone());
        account.identities = vec![identity("Google", "1", false)];
        assert!(!account.is_stand_alone());
        account.identities = vec![identity("Google", "1", true)];
        assert!(account.is_stand_alone());
    }
}
