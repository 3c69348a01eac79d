//! A user pool seen from outside. It is made, filled and read through Cognito's own JSON API.
//!
//! Set-up and assertions deliberately do not go through the adapter under test.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};

use crate::http::{Answer, Http};

/// The Region of every local pool. The sample events name it too.
pub const REGION: &str = "eu-central-1";

/// The callback address of a local pool's app. Nothing listens there: a sign-in ends when this link is read.
pub const CALLBACK: &str = "http://127.0.0.1/signed-in";

/// The kinds of pools that the triggers are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// People sign in with the e-mail address, and everybody may sign up.
    EmailAsUsername,
    /// Administrators make the accounts, with a user name that is not the address. A verified e-mail is an alias.
    EmailAsAlias,
    /// People choose a user name. The address is neither that nor an alias.
    UserName,
}

impl Kind {
    /// The pool's settings, as input of `CreateUserPool`.
    #[must_use]
    pub fn configuration(self, name: &str) -> Value {
        let (usernames, aliases, admin_only) = match self {
            Self::EmailAsUsername => (json!(["email"]), json!([]), false),
            Self::EmailAsAlias => (json!([]), json!(["email"]), true),
            Self::UserName => (json!([]), json!([]), false),
        };
        json!({
            "PoolName": name,
            "UsernameAttributes": usernames,
            "AliasAttributes": aliases,
            "AutoVerifiedAttributes": ["email"],
            "UsernameConfiguration": { "CaseSensitive": false },
            "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": admin_only },
            "Policies": { "PasswordPolicy": {
                "MinimumLength": 12,
                "RequireUppercase": true,
                "RequireLowercase": true,
                "RequireNumbers": true,
                "RequireSymbols": true,
                "TemporaryPasswordValidityDays": 7,
            } },
            "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] },
            "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Name": "verified_email", "Priority": 1 }] },
            // Cognito uses a custom message only in a pool that sends through SES.
            "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER", "From": "accounts@example.com",
                "SourceArn": format!("arn:aws:ses:{REGION}:000000000000:identity/example.com") },
            "LambdaConfig": {},
        })
    }
}

/// A refusal by the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The exception's name, as in `UserLambdaValidationException`.
    pub code: String,
    /// The text for the caller.
    pub message: String,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// Whether an error is a refusal with this code.
    #[must_use]
    pub fn is(error: &anyhow::Error, code: &str) -> bool {
        error.downcast_ref::<Self>().is_some_and(|refusal| refusal.code == code)
    }

    /// Reads a refusal from an answer's JSON body.
    pub(crate) fn read(answer: &Answer) -> Self {
        let body = answer.json().unwrap_or_default();
        let text = |names: [&str; 3]| names.iter().find_map(|name| body[*name].as_str()).unwrap_or_default().to_owned();
        let code = text(["__type", "error", "code"]);
        Self {
            code: code.rsplit('#').next().unwrap_or_default().to_owned(),
            message: text(["message", "Message", "error_description"]),
        }
    }
}

/// An identity at a provider that signs in as a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The provider's name in the pool.
    pub provider: String,
    /// The subject at that provider.
    pub subject: String,
    /// Whether it is the profile's own identity and not a linked one.
    pub primary: bool,
}

/// One profile, as the pool shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// The profile's user name. In a pool where people sign in with the e-mail, it is a random id.
    pub username: String,
    /// `CONFIRMED`, `UNCONFIRMED`, `FORCE_CHANGE_PASSWORD`, `EXTERNAL_PROVIDER`, …
    pub status: String,
    /// Whether it may sign in.
    pub enabled: bool,
    /// Every attribute, `identities` included.
    pub attributes: BTreeMap<String, String>,
    /// The linked identities, or the profile's own.
    pub identities: Vec<Identity>,
    /// The groups it is in.
    pub groups: Vec<String>,
}

impl Profile {
    /// The value of an attribute, empty if it has none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Whether people can sign in to it with a password.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.status != "EXTERNAL_PROVIDER"
    }

    /// Whether the e-mail is marked as verified.
    #[must_use]
    pub fn email_verified(&self) -> bool {
        self.attribute("email_verified") == "true"
    }

    /// Whether a provider's subject signs in as this profile.
    #[must_use]
    pub fn has_identity(&self, provider: &str, subject: &str) -> bool {
        self.identities.iter().any(|identity| identity.provider == provider && identity.subject == subject)
    }
}

/// A pool on a local cloud. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UserPool {
    http: Http,
    endpoint: String,
    id: String,
}

impl UserPool {
    /// Makes a new pool of the given kind.
    ///
    /// # Errors
    ///
    /// Fails if the cloud cannot be reached or refuses.
    pub async fn create(endpoint: &str, kind: Kind) -> Result<Self> {
        let mut pool = Self::open(endpoint, "");
        let created = pool.call("CreateUserPool", &kind.configuration("local")).await?;
        created["UserPool"]["Id"].as_str().context("the new pool has no id")?.clone_into(&mut pool.id);
        // AWS has the keys of the tokens ready. The emulator makes them for the first one that asks, which on a busy machine takes
        // longer than a call may.
        pool.http.get(&format!("{endpoint}/{}/.well-known/jwks.json", pool.id)).await?;
        Ok(pool)
    }

    /// A pool that exists already.
    #[must_use]
    pub fn open(endpoint: &str, id: &str) -> Self {
        Self { http: Http::default(), endpoint: endpoint.to_owned(), id: id.to_owned() }
    }

    /// The pool's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The local cloud it lives on.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls an operation of the user pools API.
    ///
    /// # Errors
    ///
    /// Fails if the cloud cannot be reached, or if it refuses. In the second case, the error is an [`ApiError`].
    pub async fn call(&self, operation: &str, input: &Value) -> Result<Value> {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let headers = [("X-Amz-Target", target.as_str()), ("Content-Type", "application/x-amz-json-1.1")];
        let answer = self.http.send_body("POST", &self.endpoint, &headers, input.to_string()).await?;
        if answer.status.is_success() {
            answer.json()
        } else {
            Err(ApiError::read(&answer)).with_context(|| format!("{operation} was refused"))
        }
    }

    /// Calls an operation on this pool. The pool's id is added to the input.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn admin(&self, operation: &str, mut input: Value) -> Result<Value> {
        input["UserPoolId"] = json!(self.id);
        self.call(operation, &input).await
    }

    /// Makes an app client that may use passwords and the hosted sign-in. Returns its id.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn create_client(&self, providers: &[&str]) -> Result<String> {
        let supported: Vec<_> = ["COGNITO"].iter().chain(providers).collect();
        let created = self
            .admin(
                "CreateUserPoolClient",
                json!({
                    "ClientName": "app",
                    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
                    "AllowedOAuthFlowsUserPoolClient": true,
                    "AllowedOAuthFlows": ["code"],
                    "AllowedOAuthScopes": ["openid", "email", "profile"],
                    "CallbackURLs": [CALLBACK],
                    "SupportedIdentityProviders": supported,
                }),
            )
            .await?;
        Ok(created["UserPoolClient"]["ClientId"].as_str().context("the new app client has no id")?.to_owned())
    }

    /// Makes a native account, confirmed, with a verified address and this password.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn add_native(&self, user_name: &str, email: &str, password: &str) -> Result<Profile> {
        self.add(user_name, &[("email", email), ("email_verified", "true")], password).await
    }

    /// Makes a native account, confirmed, with these attributes and this password.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn add(&self, user_name: &str, attributes: &[(&str, &str)], password: &str) -> Result<Profile> {
        let attributes = named_values(attributes);
        let input = json!({ "Username": user_name, "MessageAction": "SUPPRESS", "UserAttributes": attributes });
        self.admin("AdminCreateUser", input).await?;
        let password = json!({ "Username": user_name, "Password": password, "Permanent": true });
        self.admin("AdminSetUserPassword", password).await?;
        self.profile(user_name).await
    }

    /// Sets attributes of an account.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn set(&self, user_name: &str, attributes: &[(&str, &str)]) -> Result<()> {
        let input = json!({ "Username": user_name, "UserAttributes": named_values(attributes) });
        self.admin("AdminUpdateUserAttributes", input).await.map(drop)
    }

    /// Links an identity with an account, as the pre sign-up function does: by the provider's subject.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn link(&self, user_name: &str, provider: &str, subject: &str) -> Result<()> {
        self.link_by(user_name, provider, "Cognito_Subject", subject).await
    }

    /// Links an identity with an account, by this attribute.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn link_by(&self, user_name: &str, provider: &str, attribute: &str, value: &str) -> Result<()> {
        let link = json!({
            "DestinationUser": { "ProviderName": "Cognito", "ProviderAttributeValue": user_name },
            "SourceUser": {
                "ProviderName": provider, "ProviderAttributeName": attribute, "ProviderAttributeValue": value,
            },
        });
        self.admin("AdminLinkProviderForUser", link).await.map(drop)
    }

    /// Signs in with a password, through an app client that allows it. Returns the tokens.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn sign_in(&self, client: &str, user_name: &str, password: &str) -> Result<Value> {
        let parameters = json!({ "USERNAME": user_name, "PASSWORD": password });
        let input = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        Ok(self.call("InitiateAuth", &input).await?["AuthenticationResult"].take())
    }

    /// Makes a group.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn create_group(&self, name: &str) -> Result<()> {
        self.admin("CreateGroup", json!({ "GroupName": name })).await.map(drop)
    }

    /// Adds an identity provider, or changes the one of that name. `input` is that of `CreateIdentityProvider`.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub(crate) async fn register(&self, input: Value) -> Result<()> {
        let known = json!({ "ProviderName": input["ProviderName"] });
        let exists = self.admin("DescribeIdentityProvider", known).await.is_ok();
        let operation = if exists { "UpdateIdentityProvider" } else { "CreateIdentityProvider" };
        self.admin(operation, input).await.map(drop)
    }

    /// Attaches deployed functions to their triggers, and keeps the others that are attached.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn attach(&self, triggers: &[(&str, Value)]) -> Result<()> {
        self.change(|pool| {
            for (trigger, function) in triggers {
                pool["LambdaConfig"][*trigger] = function.clone();
            }
        })
        .await
    }

    /// Changes settings of the pool, and keeps all others.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn change(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let mut pool = self.admin("DescribeUserPool", json!({})).await?["UserPool"].take();
        if !pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"].is_null()
            && let Some(config) = pool["AdminCreateUserConfig"].as_object_mut()
        {
            // This is the older name of the same setting, and an update accepts only one of the two.
            config.remove("UnusedAccountValidityDays");
        }
        change(&mut pool);
        // An update resets every setting that it leaves out, here as on AWS. What is no setting, the local cloud passes over.
        pool["PoolName"] = pool["Name"].take();
        self.admin("UpdateUserPool", pool).await.map(drop)
    }

    /// Reads one profile by username, alias or sub.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`]. For a missing profile, the error is an [`ApiError`].
    pub async fn profile(&self, username: &str) -> Result<Profile> {
        let user = self.admin("AdminGetUser", json!({ "Username": username })).await?;
        self.read_profile(&user, "UserAttributes").await
    }

    /// Reads every profile of the pool.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`].
    pub async fn profiles(&self) -> Result<Vec<Profile>> {
        let mut profiles = Vec::new();
        let mut input = json!({});
        loop {
            let page = self.admin("ListUsers", input.clone()).await?;
            for user in page["Users"].as_array().into_iter().flatten() {
                match self.read_profile(user, "Attributes").await {
                    Ok(profile) => profiles.push(profile),
                    // Somebody deleted it since it was listed.
                    Err(error) if ApiError::is(&error, "UserNotFoundException") => {}
                    Err(error) => return Err(error),
                }
            }
            match page.get("PaginationToken") {
                Some(token) => input["PaginationToken"] = token.clone(),
                None => return Ok(profiles),
            }
        }
    }

    /// Reads the one profile with an e-mail address.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`UserPool::call`], and also if no profile or more than one has the address.
    pub async fn only_profile_of(&self, email: &str) -> Result<Profile> {
        let mut found = self.profiles().await?;
        found.retain(|profile| profile.attribute("email").eq_ignore_ascii_case(email));
        match <[Profile; 1]>::try_from(found) {
            Ok([profile]) => Ok(profile),
            Err(found) => bail!("{} profiles have the address {email}, expected one", found.len()),
        }
    }

    async fn read_profile(&self, user: &Value, attributes: &str) -> Result<Profile> {
        let username = user["Username"].as_str().context("a profile has no username")?.to_owned();
        let groups = self.admin("AdminListGroupsForUser", json!({ "Username": username })).await?;
        let attributes: BTreeMap<_, _> = user[attributes]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|pair| Some((pair["Name"].as_str()?.to_owned(), pair["Value"].as_str()?.to_owned())))
            .collect();
        Ok(Profile {
            username,
            status: user["UserStatus"].as_str().unwrap_or_default().to_owned(),
            enabled: user["Enabled"] == true,
            identities: attributes.get("identities").map(|text| identities(text)).transpose()?.unwrap_or_default(),
            attributes,
            groups: groups["Groups"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|group| Some(group["GroupName"].as_str()?.to_owned()))
                .collect(),
        })
    }
}

/// Reads the `identities` attribute: JSON text that holds a list.
fn identities(text: &str) -> Result<Vec<Identity>> {
    let list: Vec<Value> = serde_json::from_str(text).context("the attribute `identities` is not a JSON list")?;
    Ok(list
        .iter()
        .map(|identity| Identity {
            provider: identity["providerName"].as_str().unwrap_or_default().to_owned(),
            subject: identity["userId"].as_str().unwrap_or_default().to_owned(),
            primary: identity["primary"].as_bool().unwrap_or_default(),
        })
        .collect())
}

fn named_values(attributes: &[(&str, &str)]) -> Value {
    attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::StatusCode;

    #[test]
    fn a_refusal_keeps_the_exception_name_without_its_namespace() {
        let answer = Answer {
            status: StatusCode::BAD_REQUEST,
            location: None,
            body: r#"{"__type":"com.amazonaws#UserNotFoundException","message":"gone"}"#.into(),
        };
        let refusal = ApiError::read(&answer);
        assert_eq!(refusal.to_string(), "UserNotFoundException: gone");
    }

    #[test]
    fn identities_are_read_as_json_and_not_as_text() {
        let read = identities(r#"[{"userId":"1","providerName":"Google","primary":false}]"#).unwrap();
        assert_eq!(read, [Identity { provider: "Google".into(), subject: "1".into(), primary: false }]);
        assert!(identities("Google 1").is_err());
    }
}
