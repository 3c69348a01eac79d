use cognito_core::user_pool::PoolSettings;

/// Attributes that prove something, that people sign in with, or that only Cognito sets.
const NEVER_COPIED: [&str; 9] = [
    "sub",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "preferred_username",
    "identities",
    "updated_at",
    "username",
];

/// Why an attribute cannot be copied from one profile to another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCopyable {
    /// It proves something, or people sign in with it.
    #[error("{0} is not copied: it says who somebody is, or how to reach them, without proof")]
    Identifies(String),
    /// The pool does not have the attribute, or does not let it change.
    #[error("{0} is not an attribute of the pool that can be changed")]
    NotMutable(String),
}

/// Checks that attributes can be copied from one profile of the pool to another.
///
/// # Errors
///
/// Returns [`NotCopyable`] for the first attribute that cannot.
pub fn check_copyable(names: &[String], settings: &PoolSettings) -> Result<(), NotCopyable> {
    for name in names {
        if NEVER_COPIED.contains(&name.as_str()) {
            return Err(NotCopyable::Identifies(name.clone()));
        }
        if !settings.mutable_attributes.contains(name) {
            return Err(NotCopyable::NotMutable(name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_say_who_somebody_is_are_not_copied() {
        let mutable = ["given_name", "locale", "email", "phone_number", "preferred_username"].map(str::to_owned);
        let settings = PoolSettings { mutable_attributes: mutable.into(), ..PoolSettings::default() };
        assert_eq!(check_copyable(&["given_name".into(), "locale".into()], &settings), Ok(()));
        for name in ["email", "phone_number", "preferred_username"] {
            assert_eq!(check_copyable(&[name.into()], &settings), Err(NotCopyable::Identifies(name.into())));
        }
        let unknown = "custom:unknown".to_owned();
        assert_eq!(check_copyable(std::slice::from_ref(&unknown), &settings), Err(NotCopyable::NotMutable(unknown)));
    }
}
