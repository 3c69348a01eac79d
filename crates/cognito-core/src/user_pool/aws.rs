//! The port over the AWS SDK: the only place that names its Cognito types.

#[cfg(feature = "administration")]
mod administration;
#[cfg(feature = "invitations")]
mod invitations;
mod read;
#[cfg(any(feature = "administration", feature = "invitations"))]
mod secret_hash;

#[cfg(feature = "invitations")]
pub use invitations::AwsInvitations;

use super::user_name::has_form_of_sub;
use super::{
    AvailableEmail, CheckedUserName, NewNative, PoolError, PoolErrorKind, Profile, RequiredAttribute, UserName,
    UserPool, UserPools,
};
use crate::email::Email;
use crate::next_function::CREATED_BY;
use crate::password::Password;
use crate::provider::SourceIdentity;
use crate::sdk::Aws;
use crate::settings::{Lookup, SettingError};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_cognitoidentityprovider::config::http::HttpResponse;
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::operation::RequestId;
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserOutput;
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, AuthFactorType, MessageActionType, ProviderUserIdentifierType, SmsMfaSettingsType,
    SoftwareTokenMfaSettingsType, UserPoolType,
};
use aws_smithy_runtime_api::client::result::DispatchFailure;
use aws_types::SdkConfig;
use std::error::Error;

/// The most profiles a page of `ListUsers` may have (API model, `QueryLimitType`).
const PAGE: i32 = 60;

/// Opens user pools with one SDK client, which is made once per process and shared.
#[derive(Clone, Debug)]
pub struct AwsUserPools {
    client: Client,
}

impl AwsUserPools {
    /// A client from a configuration that other clients of the process share.
    #[must_use]
    pub fn with_config(config: &SdkConfig) -> Self {
        Self::new(Client::new(config))
    }

    /// A client from the environment a Lambda function has; see [`crate::sdk::config`].
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] if a Region or credentials are missing, or a value is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Aws::from_lookup(lookup).map(|aws| Self::over(&aws))
    }

    /// A client over connections that other parts of the process share.
    #[must_use]
    pub fn over(aws: &Aws) -> Self {
        Self::with_config(&aws.config)
    }

    /// The same, with a connection to Cognito that is opened before the first event. For a function
    /// that calls Cognito with nearly every event. A connection that cannot be opened does not stop the
    /// start, because some events need no call.
    pub async fn connected(aws: &Aws) -> Self {
        let foreseen = foreseen_endpoint(aws);
        if let Some(url) = &foreseen {
            aws.open_ahead(url).await;
        }
        // This reads AWS's list of Regions at the same time.
        let pools = Self::new(Client::new(&aws.config));
        if foreseen.is_none()
            && let Some(url) = resolved_endpoint(aws).await
        {
            aws.open_ahead(&url).await;
        }
        aws.opened().await;
        pools
    }

    /// Uses a client that is configured already.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

/// Where the client will find Cognito, as far as that can be told without AWS's list of Regions.
fn foreseen_endpoint(aws: &Aws) -> Option<String> {
    if let Some(url) = aws.endpoint_of("Cognito Identity Provider") {
        return Some(url);
    }
    let is_plain = !aws.config.use_fips().unwrap_or_default() && !aws.config.use_dual_stack().unwrap_or_default();
    aws.config.region().filter(|_| is_plain).and_then(|region| usual_endpoint(region.as_ref()))
}

/// Cognito's address in a Region of AWS's main partition. A wrong one only opens a useless connection, because the SDK
/// decides where calls go.
fn usual_endpoint(region: &str) -> Option<String> {
    let continent = region.split('-').next()?;
    let is_usual = ["af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us"].contains(&continent)
        && !region.contains("-iso")
        && !region.contains("-gov-");
    is_usual.then(|| format!("https://cognito-idp.{region}.amazonaws.com"))
}

/// Where the client will find Cognito.
async fn resolved_endpoint(aws: &Aws) -> Option<String> {
    let parameters = Params::builder()
        .set_region(aws.config.region().map(ToString::to_string))
        .set_use_fips(aws.config.use_fips())
        .set_use_dual_stack(aws.config.use_dual_stack())
        .build()
        .ok()?;
    DefaultResolver::new().resolve_endpoint(&parameters).await.ok().map(|endpoint| endpoint.url().to_owned())
}

impl UserPools for AwsUserPools {
    type Pool = AwsUserPool;

    fn pool(&self, id: &str) -> AwsUserPool {
        AwsUserPool { client: self.client.clone(), id: id.to_owned() }
    }
}

/// One pool behind the SDK.
#[derive(Clone, Debug)]
pub struct AwsUserPool {
    client: Client,
    id: String,
}

impl UserPool for AwsUserPool {
    async fn profiles_with_email(&self, email: &Email) -> Result<Vec<Profile>, PoolError> {
        let call = self.client.list_users().user_pool_id(&self.id).filter(email.filter()).limit(PAGE);
        // The SDK's paginator would end the list at a repeated token, and a list that ends early hides owners.
        let mut pages = call.into_paginator().stop_on_duplicate_token(false).send();
        let mut profiles = Vec::new();
        while let Some(page) = pages.next().await {
            for user in page.map_err(failed("ListUsers"))?.users() {
                let profile = read::listed(user)?;
                // Cognito's own comparison is documented as folding case, and not further.
                if profile.email.as_deref().is_some_and(|listed| email.is_same(listed)) {
                    profiles.push(profile);
                }
            }
        }
        Ok(profiles)
    }

    async fn profile(&self, name: &str) -> Result<Option<Profile>, PoolError> {
        self.get_user(name).await?.as_ref().map(read::read).transpose()
    }

    async fn user_name_of_sub(&self, sub: &str) -> Result<Option<UserName>, PoolError> {
        // Of hexadecimal digits and hyphens only, so there is nothing to quote.
        if !has_form_of_sub(sub) {
            return Ok(None);
        }
        let filter = format!("sub = \"{}\"", sub.to_ascii_lowercase());
        let call = self.client.list_users().user_pool_id(&self.id).filter(filter).limit(1);
        let listed = call.send().await.map_err(failed("ListUsers"))?;
        Ok(listed.users().first().map(|user| UserName::new(user.username().unwrap_or_default())))
    }

    async fn required_attributes(&self) -> Result<Vec<RequiredAttribute>, PoolError> {
        Ok(read::required(&self.described().await?))
    }

    async fn create_native(&self, new: &NewNative) -> Result<Profile, PoolError> {
        let call = self
            .client
            .admin_create_user()
            .user_pool_id(&self.id)
            .username(&new.user_name)
            .message_action(MessageActionType::Suppress)
            // True would take a verified address away from the profile that has it.
            .force_alias_creation(false)
            // Cognito calls pre sign-up for this, which may call a function of the team.
            .client_metadata(CREATED_BY.0, CREATED_BY.1)
            .user_attributes(attribute("email", &new.email.to_lower_case())?)
            .user_attributes(attribute("email_verified", "true")?);
        let mut call = call;
        for (name, value) in &new.attributes {
            call = call.user_attributes(attribute(name, value)?);
        }
        read::created(&call.send().await.map_err(failed("AdminCreateUser"))?)
    }

    async fn replace_password(&self, user: &CheckedUserName, password: &Password) -> Result<(), PoolError> {
        let call = self.client.admin_set_user_password().user_pool_id(&self.id).username(user.as_str());
        call.password(password.expose()).permanent(true).send().await.map_err(failed("AdminSetUserPassword"))?;
        Ok(())
    }

    async fn link(&self, user: &CheckedUserName, identity: &SourceIdentity) -> Result<(), PoolError> {
        let destination =
            ProviderUserIdentifierType::builder().provider_name("Cognito").provider_attribute_value(user.as_str());
        let source = ProviderUserIdentifierType::builder()
            .provider_name(identity.provider())
            .provider_attribute_name(identity.attribute())
            .provider_attribute_value(identity.value());
        let call = self.client.admin_link_provider_for_user().user_pool_id(&self.id);
        call.destination_user(destination.build())
            .source_user(source.build())
            .send()
            .await
            .map_err(failed("AdminLinkProviderForUser"))?;
        Ok(())
    }

    async fn unlink_source(&self, identity: &SourceIdentity) -> Result<(), PoolError> {
        let user = ProviderUserIdentifierType::builder()
            .provider_name(identity.provider())
            .provider_attribute_name(identity.attribute())
            .provider_attribute_value(identity.value());
        let call = self.client.admin_disable_provider_for_user().user_pool_id(&self.id).user(user.build());
        call.send().await.map_err(failed("AdminDisableProviderForUser"))?;
        Ok(())
    }

    async fn set_verified_email(&self, user: &CheckedUserName, email: &AvailableEmail) -> Result<(), PoolError> {
        // Both in one call: Cognito then applies the address at once and sends no code.
        let attributes =
            vec![attribute("email", &email.email().to_lower_case())?, attribute("email_verified", "true")?];
        self.update(user, attributes).await
    }

    async fn forget_phone_and_factors(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        let sms = SmsMfaSettingsType::builder().enabled(false).preferred_mfa(false).build();
        let totp = SoftwareTokenMfaSettingsType::builder().enabled(false).preferred_mfa(false).build();
        let call = self.client.admin_set_user_mfa_preference().user_pool_id(&self.id).username(user.as_str());
        call.sms_mfa_settings(sms)
            .software_token_mfa_settings(totp)
            .send()
            .await
            .map_err(failed("AdminSetUserMFAPreference"))?;
        let call = self.client.admin_delete_user_attributes().user_pool_id(&self.id).username(user.as_str());
        let deleted =
            call.user_attribute_names("phone_number").send().await.map_err(failed("AdminDeleteUserAttributes"));
        match deleted {
            // Cognito does not delete what the pool requires. A number that is not verified opens nothing, unless the pool
            // sends codes to sign in with.
            Err(error) if error.kind() == PoolErrorKind::InvalidParameter => {
                self.update(user, vec![attribute("phone_number_verified", "false")?]).await?;
                if self.auth_factors(user).await?.contains(&AuthFactorType::SmsOtp) { Err(error) } else { Ok(()) }
            }
            deleted => deleted.map(drop),
        }
    }

    async fn has_passkey(&self, user: &CheckedUserName) -> Result<bool, PoolError> {
        Ok(self.auth_factors(user).await?.contains(&AuthFactorType::WebAuthn))
    }

    async fn sign_out_everywhere(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        let call = self.client.admin_user_global_sign_out().user_pool_id(&self.id).username(user.as_str());
        call.send().await.map_err(failed("AdminUserGlobalSignOut"))?;
        Ok(())
    }

    async fn delete(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        let call = self.client.admin_delete_user().user_pool_id(&self.id).username(user.as_str());
        call.send().await.map_err(failed("AdminDeleteUser"))?;
        Ok(())
    }

    async fn add_to_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        let call = self.client.admin_add_user_to_group().user_pool_id(&self.id).username(user.as_str());
        call.group_name(group).send().await.map_err(failed("AdminAddUserToGroup"))?;
        Ok(())
    }
}

impl AwsUserPool {
    /// What the profile can sign in with by itself.
    async fn auth_factors(&self, user: &CheckedUserName) -> Result<Vec<AuthFactorType>, PoolError> {
        let call = self.client.admin_get_user_auth_factors().user_pool_id(&self.id).username(user.as_str());
        let factors = call.send().await.map_err(failed("AdminGetUserAuthFactors"))?;
        Ok(factors.configured_user_auth_factors.unwrap_or_default())
    }

    async fn get_user(&self, name: &str) -> Result<Option<AdminGetUserOutput>, PoolError> {
        let call = self.client.admin_get_user().user_pool_id(&self.id).username(name);
        match call.send().await.map_err(failed("AdminGetUser")) {
            Ok(user) => Ok(Some(user)),
            Err(gone) if gone.kind() == PoolErrorKind::UserNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn described(&self) -> Result<UserPoolType, PoolError> {
        let answer = self.client.describe_user_pool().user_pool_id(&self.id).send().await;
        let missing = || PoolError::new(PoolErrorKind::Other, "DescribeUserPool", "no pool in the answer");
        answer.map_err(failed("DescribeUserPool"))?.user_pool.ok_or_else(missing)
    }

    async fn update(&self, user: &CheckedUserName, attributes: Vec<AttributeType>) -> Result<(), PoolError> {
        let call = self.client.admin_update_user_attributes().user_pool_id(&self.id).username(user.as_str());
        call.set_user_attributes(Some(attributes)).send().await.map_err(failed("AdminUpdateUserAttributes"))?;
        Ok(())
    }
}

fn attribute(name: &str, value: &str) -> Result<AttributeType, PoolError> {
    AttributeType::builder()
        .name(name)
        .value(value)
        .build()
        .map_err(|_| PoolError::new(PoolErrorKind::Other, "UserAttributes", "an attribute without a name"))
}

/// Sorts the SDK error of an operation by AWS's error code. The message is dropped: it may repeat personal data. Only what
/// the function of a trigger says to the person is kept.
pub fn failed<E>(operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> PoolError
where
    E: ProvideErrorMetadata,
    SdkError<E, HttpResponse>: RequestId,
{
    move |error| {
        let request_id = error.request_id().map(str::to_owned);
        let mut message = None;
        let (kind, code) = match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("no error code");
                match kind_of(code) {
                    // A failing server may answer with a code that is not known here.
                    PoolErrorKind::Other if service.raw().status().is_server_error() => {
                        (PoolErrorKind::Unavailable, code)
                    }
                    PoolErrorKind::TriggerRefused => {
                        message = service.err().message();
                        (PoolErrorKind::TriggerRefused, code)
                    }
                    kind => (kind, code),
                }
            }
            SdkError::TimeoutError(_) => (PoolErrorKind::Unavailable, "timed out"),
            SdkError::DispatchFailure(why) if lacks_credentials(why) => (PoolErrorKind::Unavailable, "no credentials"),
            SdkError::DispatchFailure(_) => (PoolErrorKind::Unavailable, "no connection"),
            SdkError::ResponseError(_) => (PoolErrorKind::Unavailable, "unreadable answer"),
            _ => (PoolErrorKind::Other, "the request could not be made"),
        };
        PoolError::new(kind, operation, code).with_request_id(request_id.as_deref()).with_words(message)
    }
}

/// Whether the call was never sent, because nobody could sign it.
fn lacks_credentials(why: &DispatchFailure) -> bool {
    let mut cause = why.as_connector_error().map(|error| error as &dyn Error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn kind_of(code: &str) -> PoolErrorKind {
    match code {
        "UsernameExistsException" => PoolErrorKind::UserNameExists,
        "AliasExistsException" => PoolErrorKind::AliasExists,
        "UserNotFoundException" => PoolErrorKind::UserNotFound,
        "ResourceNotFoundException" => PoolErrorKind::ResourceNotFound,
        "InvalidParameterException" => PoolErrorKind::InvalidParameter,
        "LimitExceededException" => PoolErrorKind::LimitExceeded,
        "NotAuthorizedException" | "AccessDeniedException" | "OperationNotEnabledException" => PoolErrorKind::Denied,
        // The credentials are wrong or expired, so every further call would fail, too.
        code if ["ExpiredToken", "UnrecognizedClient", "InvalidSignature"]
            .iter()
            .any(|start| code.starts_with(start)) =>
        {
            PoolErrorKind::Denied
        }
        "UserLambdaValidationException" => PoolErrorKind::TriggerRefused,
        "TooManyRequestsException" | "ThrottlingException" => PoolErrorKind::Throttled,
        "InternalErrorException" | "InternalServerException" | "ServiceUnavailableException" => {
            PoolErrorKind::Unavailable
        }
        _ => PoolErrorKind::Other,
    }
}

#[cfg(test)]
mod tests;
