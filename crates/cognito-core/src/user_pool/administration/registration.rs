//! Registering as an app does.

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// An app client: the way in for a registration.
#[derive(Clone)]
pub struct AppClient {
    /// Its id.
    pub id: String,
    /// The attributes that it may write; empty if that was never set.
    pub writable: Vec<String>,
    /// The identity providers that people may come from.
    pub providers: Vec<String>,
    /// Whether Cognito hides from its apps that nobody has a user name (`PreventUserExistenceErrors`).
    pub hides_missing_users: bool,
    secret: Option<Zeroizing<String>>,
}

impl fmt::Debug for AppClient {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppClient").field("id", &self.id).finish_non_exhaustive()
    }
}

impl AppClient {
    /// A client with this id, without providers.
    #[must_use]
    pub fn new(id: impl Into<String>, writable: Vec<String>, secret: Option<String>) -> Self {
        Self {
            id: id.into(),
            writable,
            providers: Vec::new(),
            hides_missing_users: false,
            secret: secret.map(Zeroizing::new),
        }
    }

    /// The same with the identity providers that people may come from.
    #[must_use]
    pub fn with_providers(self, providers: Vec<String>) -> Self {
        Self { providers, ..self }
    }

    /// The secret, if the client has one. Only used to prove that we know it.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_ref().map(|secret| secret.as_str())
    }

    /// Whether people may write an attribute of their own profile through this client, at registration or later. A
    /// client whose list was never set may write only the standard attributes (API reference of
    /// `CreateUserPoolClient`, `WriteAttributes`).
    #[must_use]
    pub fn may_write(&self, attribute: &str) -> bool {
        if self.writable.is_empty() {
            !attribute.contains(':')
        } else {
            self.writable.iter().any(|name| name == attribute)
        }
    }
}

/// A registration to make.
#[derive(Clone, Copy)]
pub struct NewRegistration<'a> {
    /// The user name, or the address or number that stands for it.
    pub user_name: &'a str,
    /// The password, which fits the pool's policy.
    pub password: &'a str,
    /// The attributes, except those that only Cognito sets.
    pub attributes: &'a BTreeMap<String, String>,
    /// What the triggers are told.
    pub client_metadata: &'a BTreeMap<String, String>,
}

impl fmt::Debug for NewRegistration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewRegistration(…)")
    }
}

/// A registration that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The new `sub`.
    pub sub: String,
    /// Whether a trigger confirmed it at once. Then no code was sent.
    pub confirmed: bool,
    /// Where the code went.
    pub delivery: Option<Delivery>,
}

/// Where a code went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Delivery {
    /// `EMAIL` or `SMS`.
    pub medium: String,
    /// The address or number, masked by Cognito.
    pub destination: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_a_list_writes_standard_attributes_only() {
        let open = AppClient::new("client", Vec::new(), Some("secret".into()));
        assert!(open.may_write("given_name") && !open.may_write("custom:plan") && !open.may_write("dev:custom:x"));
        let closed = AppClient::new("client", vec!["email".into(), "custom:plan".into()], None);
        assert!(closed.may_write("email") && closed.may_write("custom:plan") && !closed.may_write("given_name"));
        assert!(!format!("{open:?}").contains("secret"), "{open:?}");
    }
}
