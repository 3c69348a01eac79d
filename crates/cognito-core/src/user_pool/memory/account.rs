use crate::provider::COGNITO_SUBJECT;
use crate::user_pool::{Identity, Profile, Status, UserName};
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

/// An identity that signs in to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The provider's name.
    pub provider: String,
    /// What was linked by: `Cognito_Subject` or an attribute. Cognito finds a link to undo by nothing else.
    pub attribute: String,
    /// The subject, or the value of the attribute that was linked by.
    pub value: String,
    /// Whether the account stands alone for it.
    pub primary: bool,
    /// When it was connected; unknown for what a test begins with.
    pub connected: Option<SystemTime>,
}

impl LinkedIdentity {
    pub(super) fn new(provider: &str, value: &str) -> Self {
        let attribute = COGNITO_SUBJECT.to_owned();
        Self { provider: provider.into(), attribute, value: value.into(), primary: false, connected: None }
    }

    /// The time in AWS's form.
    pub(super) fn milliseconds(&self) -> Option<i64> {
        let age = self.connected?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(age.as_millis()).ok()
    }

    pub(super) fn is(&self, provider: &str, value: &str) -> bool {
        self.provider == provider && self.value == value
    }
}

/// Everything the memory pool knows of a person, including what an attacker may have planted.
#[derive(Clone, Debug)]
#[expect(missing_docs, clippy::struct_excessive_bools, reason = "the fields are those of a user pool")]
pub struct Account {
    pub user_name: String,
    pub sub: String,
    pub status: Status,
    pub enabled: bool,
    pub email: Option<String>,
    pub email_verified: bool,
    pub pending_email: Option<String>,
    pub attributes: BTreeMap<String, String>,
    pub identities: Vec<LinkedIdentity>,
    pub groups: BTreeSet<String>,
    pub password: Option<String>,
    pub temporary_until: Option<SystemTime>,
    pub sessions: Vec<String>,
    pub phone: Option<String>,
    pub phone_verified: bool,
    pub second_factor: bool,
    pub passkey: bool,
    pub created: Option<SystemTime>,
    pub modified: Option<SystemTime>,
}

/// A native, confirmed, verified account that was created long ago.
#[must_use]
pub fn native(email: &str) -> Account {
    Account {
        user_name: format!("native-{email}"),
        sub: format!("sub-{email}"),
        status: Status::Confirmed,
        enabled: true,
        email: Some(email.into()),
        email_verified: true,
        pending_email: None,
        attributes: BTreeMap::new(),
        identities: Vec::new(),
        groups: BTreeSet::new(),
        password: Some("the owner's password".into()),
        temporary_until: None,
        sessions: Vec::new(),
        phone: None,
        phone_verified: false,
        second_factor: false,
        passkey: false,
        created: Some(SystemTime::UNIX_EPOCH),
        modified: None,
    }
}

/// A profile an administrator created and whose owner has not signed in yet.
#[must_use]
pub fn invited(email: &str) -> Account {
    Account { status: Status::ForceChangePassword, password: Some("temporary".into()), ..native(email) }
}

/// A stand-alone profile of a federated identity.
#[must_use]
pub fn federated(provider: &str, subject: &str, email: &str) -> Account {
    Account {
        user_name: format!("{provider}_{subject}"),
        sub: format!("sub-{provider}-{subject}"),
        status: Status::ExternalProvider,
        email_verified: false,
        password: None,
        identities: vec![LinkedIdentity { primary: true, ..LinkedIdentity::new(provider, subject) }],
        ..native(email)
    }
}

impl Account {
    /// The address is not verified.
    #[must_use]
    pub fn unverified(self) -> Self {
        Self { email_verified: false, ..self }
    }

    /// Registered, never confirmed.
    #[must_use]
    pub fn unconfirmed(self) -> Self {
        Self { status: Status::Unconfirmed, ..self }.unverified()
    }

    /// Disabled by an administrator.
    #[must_use]
    pub fn disabled(self) -> Self {
        Self { enabled: false, ..self }
    }

    /// With this user name.
    #[must_use]
    pub fn named(self, user_name: &str) -> Self {
        Self { user_name: user_name.into(), sub: format!("sub-{user_name}"), ..self }
    }

    /// With a further identity.
    #[must_use]
    pub fn with_identity(mut self, provider: &str, value: &str) -> Self {
        self.identities.push(LinkedIdentity::new(provider, value));
        self
    }

    /// In a group.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.groups.insert(group.into());
        self
    }

    /// With everything an attacker can plant in an account of their own: a password, a session, a
    /// phone number, a second factor, a pending change of the address. No identity: only we and administrators link.
    #[must_use]
    pub fn planted(self) -> Self {
        Self {
            password: Some("the attacker's password".into()),
            sessions: vec!["the attacker's session".into()],
            phone: Some("+15550100".into()),
            phone_verified: true,
            second_factor: true,
            pending_email: Some("attacker@example.net".into()),
            ..self
        }
    }

    /// Whether anything of [`planted`](Self::planted) still works.
    #[must_use]
    pub fn is_planted(&self) -> bool {
        self.password.as_deref() == Some("the attacker's password")
            || !self.sessions.is_empty()
            || self.phone_verified
            || self.second_factor
            || self.pending_email.is_some()
    }

    /// Whether it stands alone for a federated identity.
    #[must_use]
    pub fn is_stand_alone(&self) -> bool {
        self.profile().is_stand_alone()
    }

    /// Whether the identity signs in to this account.
    #[must_use]
    pub fn has_identity(&self, provider: &str, value: &str) -> bool {
        self.identities.iter().any(|identity| identity.is(provider, value))
    }

    /// Whether this is the account's address, ignoring ASCII case.
    #[must_use]
    pub fn has_email(&self, email: &str) -> bool {
        self.email.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(email))
    }

    /// What the port shows of the account.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let identity = |linked: &LinkedIdentity| Identity {
            user_id: linked.value.clone(),
            provider_name: linked.provider.clone(),
            primary: linked.primary,
            connected: linked.milliseconds(),
        };
        Profile {
            user_name: UserName::new(&self.user_name),
            sub: self.sub.clone(),
            status: self.status,
            enabled: self.enabled,
            email: self.email.clone(),
            email_verified: self.email_verified,
            identities: self.identities.iter().map(identity).collect(),
            created: self.created,
            has_second_factor: self.second_factor,
        }
    }
}
