//! From the SDK's shapes to [`Profile`].

use crate::user_pool::{PoolError, PoolErrorKind, Profile};
use aws_sdk_cognitoidentityprovider::operation::admin_create_user::AdminCreateUserOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserOutput;
use aws_sdk_cognitoidentityprovider::primitives::DateTime;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, UserStatusType, UserType};
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
    profile(user.username(), user.user_status(), user.enabled(), user.user_create_date(), user.user_attributes())
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
