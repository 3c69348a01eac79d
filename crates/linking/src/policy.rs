use cognito_core::settings::{self, Lookup, SettingError};

/// What the operator chose. The defaults are the strictest sensible choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// `UNPROVEN_EMAIL`.
    pub unproven_email: UnprovenEmail,
    /// `NATIVE_PROFILE`.
    pub native_profile: NativeProfile,
    /// `UNVERIFIED_PROFILE`.
    pub unverified_profile: UnverifiedProfile,
    /// `NEWCOMERS`.
    pub newcomers: Newcomers,
    /// `SECOND_SUBJECT`.
    pub second_subject: SecondSubject,
    /// `LINK_WITH_FACTORS`.
    pub link_with_factors: LinkWithFactors,
}

/// Somebody arrives with a proven address, and the account that has it has a second factor.
///
/// Cognito asks for that factor after the account's password only, not after a sign-in of a linked provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkWithFactors {
    /// Link all the same.
    #[default]
    Link,
    /// Refuse the sign-in. Every account is then read before it is linked, because a list does not show factors.
    Refuse,
}

/// Somebody arrives with a proven address, and another subject of the same provider is linked to the account that has it.
///
/// That is what an address looks like that was given to another person, and an address that several people share. It is
/// also what a provider looks like that gives its people other subjects: at each sign-in, or once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SecondSubject {
    /// Refuse the sign-in.
    #[default]
    Refuse,
    /// Link it, too.
    Link,
    /// Unlink the provider's earlier subjects, then link it.
    Replace,
}

/// Somebody comes from a provider and has no account in the pool.
///
/// Cognito's own `AllowAdminCreateUserOnly` does not stop them: it is about registrations only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Newcomers {
    /// They get an account, or a profile of their own.
    #[default]
    Create,
    /// Only those for whom an administrator made an account that waits for them.
    Invited,
    /// Nobody. Only people who use their account already can add a provider.
    Refuse,
}

/// Somebody arrives with an address that is not proven and that a profile has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UnprovenEmail {
    /// Refuse the sign-in.
    #[default]
    Refuse,
    /// Let the identity have a stand-alone profile, without looking up the address.
    Separate,
}

/// Somebody arrives with a proven address that no native profile has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NativeProfile {
    /// Create one and link it, so that "forgot password" works later.
    #[default]
    Create,
    /// Let the identity have a stand-alone profile.
    Skip,
}

/// Somebody arrives with a proven address, and the native profile that has it never proved it.
/// An attacker may have registered it to wait for the owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UnverifiedProfile {
    /// Replace a profile that was never confirmed: delete it, create it again, link. Refuse if it
    /// was confirmed, because it may be in use.
    #[default]
    Replace,
    /// Refuse the sign-in in both cases.
    Refuse,
    /// Replace as above, and take over a confirmed profile. Every way in is closed before the
    /// address is marked as verified.
    Reclaim,
}

impl SecondSubject {
    /// Reads `SECOND_SUBJECT`.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] if it is another word.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let words = [("refuse", Self::Refuse), ("link", Self::Link), ("replace", Self::Replace)];
        settings::choice(lookup, "SECOND_SUBJECT", &words, Self::default())
    }
}

impl LinkWithFactors {
    /// Reads `LINK_WITH_FACTORS`.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] if it is another word.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        settings::choice(
            lookup,
            "LINK_WITH_FACTORS",
            &[("link", Self::Link), ("refuse", Self::Refuse)],
            Self::default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_are_what_the_settings_say() {
        for (word, subject) in [("link", SecondSubject::Link), ("replace", SecondSubject::Replace)] {
            assert_eq!(SecondSubject::from_lookup(&|_| Some(word.to_owned())).unwrap(), subject);
        }
        assert_eq!(LinkWithFactors::from_lookup(&|_| Some("refuse".to_owned())).unwrap(), LinkWithFactors::Refuse);
        assert!(LinkWithFactors::from_lookup(&|_| Some("maybe".to_owned())).is_err());
    }
}
