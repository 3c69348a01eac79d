//! From the SDK's shapes to those of the port.

#[cfg(any(feature = "administration", feature = "invitations"))]
use crate::user_pool::PasswordPolicy;
#[cfg(feature = "administration")]
use crate::user_pool::{MfaSettings, ProfileRecord};
use crate::user_pool::{PoolError, PoolErrorKind, Profile, RequiredAttribute};
use aws_sdk_cognitoidentityprovider::operation::admin_create_user::AdminCreateUserOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserOutput;
use aws_sdk_cognitoidentityprovider::primitives::DateTime;
#[cfg(any(feature = "administration", feature = "invitations"))]
use aws_sdk_cognitoidentityprovider::types::PasswordPolicyType;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, UserPoolType, UserStatusType, UserType};
use std::time::SystemTime;

/// A profile as `ListUsers` gives it.
pub(super) fn listed(user: &UserType) -> Result<Profile, PoolError> {
    let name = user.username().unwrap_or_default();
    profile(name, user.user_status(), user.enabled(), user.user_create_date(), user.attributes())
}

/// The profile that `AdminCreateUser` made.
pub(super) fn created(answer: &AdminCreateUserOutput) -> Result<Profile, PoolError> {
    let none = || PoolError::new(PoolErrorKind::Other, "AdminCreateUser", "no user in the answer");
    listed(answer.user().ok_or_else(none)?)
}

/// A profile as `AdminGetUser` gives it.
pub(super) fn read(user: &AdminGetUserOutput) -> Result<Profile, PoolError> {
    let read =
        profile(user.username(), user.user_status(), user.enabled(), user.user_create_date(), user.user_attributes())?;
    // The second list is an older one, for text messages only.
    let has_second_factor = !user.user_mfa_setting_list().is_empty() || !user.mfa_options().is_empty();
    Ok(Profile { has_second_factor, ..read })
}

/// The attributes that a pool requires of new native profiles. Cognito sets `sub` itself.
pub(super) fn required(pool: &UserPoolType) -> Vec<RequiredAttribute> {
    let required = pool.schema_attributes().iter().filter(|attribute| attribute.required().unwrap_or_default());
    let named = required.filter_map(|attribute| {
        let limits = attribute.string_attribute_constraints();
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
        Some(RequiredAttribute {
            name: attribute.name()?.to_owned(),
            min_length: number(limits.and_then(|limits| limits.min_length())),
            max_length: number(limits.and_then(|limits| limits.max_length())),
        })
    });
    named.filter(|attribute| attribute.name != "sub").collect()
}

fn profile(
    name: &str,
    status: Option<&UserStatusType>,
    enabled: bool,
    created: Option<&DateTime>,
    attributes: &[AttributeType],
) -> Result<Profile, PoolError> {
    let text = |wanted: &str| attributes.iter().find(|a| a.name() == wanted).and_then(AttributeType::value);
    let created = created.and_then(|time| SystemTime::try_from(*time).ok());
    Profile::read(name, status.map(UserStatusType::as_str), enabled, created, text)
        .map_err(|why| PoolError::new(PoolErrorKind::Other, "UserAttributes", why.to_string()))
}

/// A whole profile as `ListUsers` gives it.
#[cfg(feature = "administration")]
pub(super) fn listed_record(user: &UserType) -> ProfileRecord {
    ProfileRecord {
        user_name: user.username().unwrap_or_default().to_owned(),
        status: user.user_status().map(UserStatusType::as_str).unwrap_or_default().to_owned(),
        enabled: user.enabled(),
        created: seconds(user.user_create_date()),
        modified: seconds(user.user_last_modified_date()),
        attributes: values(user.attributes()),
        mfa: MfaSettings::default(),
    }
}

/// A whole profile as `AdminGetUser` gives it.
#[cfg(feature = "administration")]
pub(super) fn record(user: &AdminGetUserOutput) -> ProfileRecord {
    ProfileRecord {
        user_name: user.username().to_owned(),
        status: user.user_status().map(UserStatusType::as_str).unwrap_or_default().to_owned(),
        enabled: user.enabled(),
        created: seconds(user.user_create_date()),
        modified: seconds(user.user_last_modified_date()),
        attributes: values(user.user_attributes()),
        mfa: MfaSettings {
            enabled: user.user_mfa_setting_list().to_vec(),
            preferred: user.preferred_mfa_setting().filter(|name| !name.is_empty()).map(str::to_owned),
        },
    }
}

/// A policy without a minimum length takes Cognito's own, 8 characters.
#[cfg(any(feature = "administration", feature = "invitations"))]
pub(super) fn password_policy(policy: &PasswordPolicyType) -> PasswordPolicy {
    PasswordPolicy {
        minimum_length: policy.minimum_length().and_then(|length| u32::try_from(length).ok()).unwrap_or(8),
        lowercase: policy.require_lowercase(),
        uppercase: policy.require_uppercase(),
        numbers: policy.require_numbers(),
        symbols: policy.require_symbols(),
    }
}

#[cfg(feature = "administration")]
fn seconds(time: Option<&DateTime>) -> Option<u64> {
    time.and_then(|time| u64::try_from(time.secs()).ok())
}

#[cfg(feature = "administration")]
fn values(attributes: &[AttributeType]) -> std::collections::BTreeMap<String, String> {
    let pair = |attribute: &AttributeType| Some((attribute.name().to_owned(), attribute.value()?.to_owned()));
    attributes.iter().filter_map(pair).collect()
}
