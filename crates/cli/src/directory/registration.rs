//! Registering as an app does: what the pool and the app client allow, and the sign-up itself.

use super::{Directory, attribute};
use aws_sdk_cognitoidentityprovider::types::{
    AdminCreateUserConfigType, SchemaAttributeType, UsernameAttributeType, VerifiedAttributeType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cognito_core::user_pool::aws::failed;
use cognito_core::user_pool::{PoolError, PoolErrorKind};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;

/// What a pool asks of somebody who registers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NewcomerRules {
    /// Only administrators create profiles (`AllowAdminCreateUserOnly`).
    pub(crate) administrators_only: bool,
    /// The attributes that stand for the user name, `email` or `phone_number`; none if people have names.
    pub(crate) user_name_attributes: Vec<String>,
    /// The attributes to which a code is sent, `email` or `phone_number`.
    pub(crate) verified_by_code: Vec<String>,
    /// The attributes without which nobody is registered (`SchemaAttributes`, `Required`).
    pub(crate) required: Vec<String>,
    /// The password policy.
    pub(crate) password: PasswordRules,
}

/// A pool's password policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "these are the switches of the policy")]
pub(crate) struct PasswordRules {
    /// The fewest characters.
    pub(crate) minimum_length: usize,
    /// An upper-case letter is needed.
    pub(crate) upper_case: bool,
    /// A lower-case letter is needed.
    pub(crate) lower_case: bool,
    /// A digit is needed.
    pub(crate) digit: bool,
    /// A symbol is needed.
    pub(crate) symbol: bool,
}

/// An app client: the way in for a registration.
#[derive(Clone)]
pub(crate) struct AppClient {
    /// Its id.
    pub(crate) id: String,
    /// The attributes it may write; empty if that was never set.
    pub(crate) writable: Vec<String>,
    secret: Option<String>,
}

impl fmt::Debug for AppClient {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppClient").field("id", &self.id).finish_non_exhaustive()
    }
}

impl AppClient {
    /// A client as described; the secret if it has one.
    #[must_use]
    pub(crate) fn new(id: impl Into<String>, writable: Vec<String>, secret: Option<String>) -> Self {
        Self { id: id.into(), writable, secret }
    }

    /// Whether a registration through this client may carry an attribute. A client whose list was never set may write
    /// the standard attributes and no others (API reference of `CreateUserPoolClient`, `WriteAttributes`).
    #[must_use]
    pub(crate) fn may_write(&self, attribute: &str) -> bool {
        if self.writable.is_empty() {
            !attribute.contains(':')
        } else {
            self.writable.iter().any(|name| name == attribute)
        }
    }

    /// The proof that a caller knows the client's secret: HMAC-SHA256 over user name and client id, in Base64.
    /// `None` for a client without a secret.
    #[must_use]
    pub(crate) fn secret_hash(&self, user_name: &str) -> Option<String> {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_deref()?.as_bytes()).ok()?;
        mac.update(user_name.as_bytes());
        mac.update(self.id.as_bytes());
        Some(STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A registration to make.
#[derive(Clone, Copy)]
pub(crate) struct Registration<'a> {
    /// The user name, or the address or number that stands for it.
    pub(crate) user_name: &'a str,
    /// The password, which fits the pool's policy.
    pub(crate) password: &'a str,
    /// The attributes, `sub` and those that Cognito sets itself left out.
    pub(crate) attributes: &'a BTreeMap<String, String>,
    /// What the triggers are told.
    pub(crate) client_metadata: &'a BTreeMap<String, String>,
}

/// A registration that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registered {
    /// The new `sub`.
    pub(crate) sub: String,
    /// True if a trigger confirmed it at once; then no code was sent.
    pub(crate) confirmed: bool,
    /// Where the code went.
    pub(crate) delivery: Option<Delivery>,
}

/// Where a code went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Delivery {
    /// `EMAIL` or `SMS`.
    pub(crate) medium: String,
    /// The address or number, masked by Cognito.
    pub(crate) destination: String,
}

impl Directory {
    /// What the pool asks of somebody who registers.
    ///
    /// # Errors
    ///
    /// The call fails.
    pub(crate) async fn newcomer_rules(&self) -> Result<NewcomerRules, PoolError> {
        let call = self.client.describe_user_pool().user_pool_id(&self.id);
        let described = call.send().await.map_err(failed("DescribeUserPool"))?;
        let missing = || PoolError::new(PoolErrorKind::Other, "DescribeUserPool", "no pool in the answer");
        let pool = described.user_pool().ok_or_else(missing)?;
        let policy = pool.policies().and_then(|policies| policies.password_policy());
        Ok(NewcomerRules {
            administrators_only: pool
                .admin_create_user_config()
                .is_some_and(AdminCreateUserConfigType::allow_admin_create_user_only),
            user_name_attributes: names(pool.username_attributes(), UsernameAttributeType::as_str),
            verified_by_code: names(pool.auto_verified_attributes(), VerifiedAttributeType::as_str),
            required: required(pool.schema_attributes()),
            password: policy.map_or_else(PasswordRules::default, |policy| PasswordRules {
                minimum_length: policy.minimum_length().and_then(|least| usize::try_from(least).ok()).unwrap_or(0),
                upper_case: policy.require_uppercase(),
                lower_case: policy.require_lowercase(),
                digit: policy.require_numbers(),
                symbol: policy.require_symbols(),
            }),
        })
    }

    /// An app client of the pool; `None` if it has none with this id.
    ///
    /// # Errors
    ///
    /// The call fails.
    pub(crate) async fn app_client(&self, id: &str) -> Result<Option<AppClient>, PoolError> {
        let call = self.client.describe_user_pool_client().user_pool_id(&self.id).client_id(id);
        let described = match call.send().await {
            Ok(described) => described,
            Err(error) => match failed("DescribeUserPoolClient")(error) {
                gone if gone.kind() == PoolErrorKind::ResourceNotFound => return Ok(None),
                error => return Err(error),
            },
        };
        Ok(described.user_pool_client().map(|client| {
            let secret = client.client_secret().filter(|secret| !secret.is_empty()).map(str::to_owned);
            AppClient::new(id, client.write_attributes().to_vec(), secret)
        }))
    }

    /// Registers somebody as the app does, which sends the code.
    ///
    /// # Errors
    ///
    /// The call fails; [`PoolErrorKind::UserNameExists`] if the name is taken, or not free again yet.
    pub(crate) async fn sign_up(&self, client: &AppClient, new: &Registration<'_>) -> Result<Registered, PoolError> {
        let mut call = self.client.sign_up().client_id(&client.id).username(new.user_name).password(new.password);
        for (name, value) in new.attributes {
            call = call.user_attributes(attribute(name, value)?);
        }
        for (name, value) in new.client_metadata {
            call = call.client_metadata(name, value);
        }
        let call = call.set_secret_hash(client.secret_hash(new.user_name));
        let made = call.send().await.map_err(failed("SignUp"))?;
        Ok(Registered {
            sub: made.user_sub().to_owned(),
            confirmed: made.user_confirmed(),
            delivery: made.code_delivery_details().map(|details| Delivery {
                medium: details.delivery_medium().map(|medium| medium.as_str().to_owned()).unwrap_or_default(),
                destination: details.destination().unwrap_or_default().to_owned(),
            }),
        })
    }
}

/// The attributes that whoever registers must bring. Every schema requires `sub`, which Cognito makes itself.
fn required(schema: &[SchemaAttributeType]) -> Vec<String> {
    let required = schema.iter().filter(|attribute| attribute.required().unwrap_or_default());
    required.filter_map(|attribute| attribute.name()).filter(|name| *name != "sub").map(str::to_owned).collect()
}

fn names<T>(list: &[T], name: impl Fn(&T) -> &str) -> Vec<String> {
    list.iter().map(|one| name(one).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_hash_is_that_of_the_published_recipe() {
        // printf '%s' ada@example.comclient | openssl dgst -sha256 -hmac secret -binary | base64
        let client = AppClient::new("client", Vec::new(), Some("secret".into()));
        let hash = client.secret_hash("ada@example.com").unwrap();
        assert_eq!(hash, "pCfmF0r7Gu0NuqTNTEkVYGLmqkeLB+7ZDlvCeFKuOH0=");
        assert_eq!(AppClient::new("client", Vec::new(), None).secret_hash("ada@example.com"), None);
        assert!(!format!("{client:?}").contains("secret\""), "{client:?}");
    }

    #[test]
    fn what_a_registration_must_bring_is_what_the_schema_requires_but_the_sub() {
        let attribute = |name: &str, required| SchemaAttributeType::builder().name(name).required(required).build();
        let schema = [attribute("sub", true), attribute("given_name", true), attribute("locale", false)];
        assert_eq!(required(&schema), ["given_name"]);
    }

    #[test]
    fn a_client_without_a_list_writes_standard_attributes_only() {
        let open = AppClient::new("client", Vec::new(), None);
        assert!(open.may_write("given_name") && !open.may_write("custom:plan") && !open.may_write("dev:custom:x"));
        let closed = AppClient::new("client", vec!["email".into(), "custom:plan".into()], None);
        assert!(closed.may_write("email") && closed.may_write("custom:plan") && !closed.may_write("given_name"));
    }
}
