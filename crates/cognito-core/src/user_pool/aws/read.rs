//! From the SDK's shapes to [`Profile`].

use crate::event::is_true;
use crate::user_pool::{Identity, PoolError, PoolErrorKind, Profile, Status, UserName};
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserOutput;
use aws_sdk_cognitoidentityprovider::primitives::DateTime;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, UserStatusType, UserType};
use std::time::SystemTime;

/// A profile as `ListUsers` and `AdminCreateUser` give it.
pub(super) fn listed(user: &UserType) -> Result<Profile, PoolError> {
    let name = user.username().unwrap_or_default();
    profile(name, user.user_status(), user.enabled(), user.user_create_date(), user.attributes())
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
    let identities = match text("identities") {
        // Unreadable identities must not look like none: that would hide whom the profile belongs to.
        Some(list) => Identity::parse_list(list)
            .map_err(|_| PoolError::new(PoolErrorKind::Other, "UserAttributes", "unreadable identities"))?,
        None => Vec::new(),
    };
    Ok(Profile {
        user_name: UserName::new(name),
        sub: text("sub").unwrap_or_default().to_owned(),
        status: status.map_or(Status::Other, |status| Status::from_wire(status.as_str())),
        enabled,
        email: text("email").map(str::to_owned),
        email_verified: text("email_verified").is_some_and(|flag| is_true(&flag.into())),
        identities,
        created: created.and_then(|time| SystemTime::try_from(*time).ok()),
    })
}
