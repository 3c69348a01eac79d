use super::NativeUserName;
use std::fmt;

/// The longest user name that Cognito takes, in characters (API model, `UsernameType`).
pub const MAX_USER_NAME_CHARS: usize = 128;

/// The exact user name of a profile, as the pool lists it. It may be an address or hold a subject, so `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(String);

impl UserName {
    /// Wraps a user name that came from the pool or from an event.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name has the form of a `sub`: a UUID with hyphens. Cognito accepts a `sub` instead of
    /// a user name, so a call with such a name may reach another profile than the one of that name.
    #[must_use]
    pub fn has_form_of_sub(&self) -> bool {
        has_form_of_sub(&self.0)
    }
}

/// As [`UserName::has_form_of_sub`].
pub(super) fn has_form_of_sub(text: &str) -> bool {
    let hyphen_at = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if hyphen_at(at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

impl fmt::Debug for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserName(…)")
    }
}

/// A user name that is not the `sub` of another profile, and, if it is a derived one, was nobody else's alias just now. A
/// call with it changes the profile of that name, or none.
///
/// Every call that changes a profile takes one. Otherwise somebody could register with the victim's `sub` as user name
/// and delete that profile between our look and our call. Cognito would then change the victim's profile.
/// [`UserPool::checked`](super::UserPool::checked) makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedUserName(UserName);

impl CheckedUserName {
    /// Returns the name if no look-up is needed: it is the profile's own `sub`, as in pools with e-mail user names,
    /// or has neither the form of a `sub` nor that of a derived name.
    #[must_use]
    pub fn without_call(name: &UserName, own_sub: &str) -> Option<Self> {
        let is_own = name.as_str().eq_ignore_ascii_case(own_sub);
        let needs_look = name.has_form_of_sub() || NativeUserName::is_derived(name.as_str());
        (is_own || !needs_look).then(|| Self(name.clone()))
    }

    /// The name, after the pool has confirmed that it reaches nobody else.
    pub(super) fn looked_up(name: &UserName) -> Self {
        Self(name.clone())
    }

    /// The user name.
    #[must_use]
    pub fn user_name(&self) -> &UserName {
        &self.0
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for CheckedUserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedUserName(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUB: &str = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";

    #[test]
    fn only_a_derived_name_and_the_form_of_a_sub_that_is_not_the_profiles_own_need_a_look_at_the_pool() {
        let needs_look = |name: &str, own: &str| CheckedUserName::without_call(&UserName::new(name), own).is_none();
        assert!(!needs_look(SUB, SUB));
        assert!(!needs_look(&SUB.to_uppercase(), SUB));
        assert!(!needs_look("ada@example.com", SUB) && !needs_look(&SUB.replace('-', ""), ""));
        assert!(needs_look(SUB, "") && needs_look(&SUB.to_uppercase(), "another"));
        assert!(needs_look("address-0123456789abcdef0123456789abcdef", SUB) && !needs_look("address-book", SUB));
    }
}
