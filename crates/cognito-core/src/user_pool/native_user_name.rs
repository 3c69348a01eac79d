use crate::email::Email;
use crate::settings::{self, Lookup, SettingError};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// How a derived user name begins.
const PREFIX: &str = "address-";

/// How many hexadecimal digits follow.
const DIGITS: usize = 32;

/// `NATIVE_USERNAME`: what new native profiles are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NativeUserName {
    /// The address: for pools that sign in with the address as user name.
    #[default]
    Email,
    /// 32 hexadecimal digits, so that it never has the form of a `sub`. For pools where the address is an alias: they
    /// accept no address as user name.
    Uuid,
    /// A name that follows from the address. For pools where the address is neither user name nor alias: nothing else
    /// keeps two creations at once from making two profiles.
    Derived,
}

impl NativeUserName {
    /// Reads the setting.
    ///
    /// # Errors
    ///
    /// Returns the setting's error if it has another value.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let values = [("email", Self::Email), ("uuid", Self::Uuid), ("derived", Self::Derived)];
        settings::choice(lookup, "NATIVE_USERNAME", &values, Self::default())
    }

    /// The name that every creation for this address takes, if it is not the address.
    #[must_use]
    pub fn foreseen(self, email: &Email) -> Option<String> {
        (self == Self::Derived).then(|| Self::derived(email))
    }

    /// The name that follows from an address, in whatever spelling. Whoever knows the address knows the name. That is
    /// harmless: nobody can register under it, and a password opens nothing that is not the person's.
    #[must_use]
    pub fn derived(email: &Email) -> String {
        let digest = Sha256::digest(email.to_lower_case().as_bytes());
        digest.iter().take(DIGITS / 2).fold(PREFIX.to_owned(), |mut name, byte| {
            let _ = write!(name, "{byte:02x}");
            name
        })
    }

    /// Whether somebody who registers must not take this name: it may be that of a profile that is to be created.
    #[must_use]
    pub fn reserves(self, name: &str) -> bool {
        self == Self::Derived && Self::is_derived(name)
    }

    /// Whether a name has the form of a derived one, in any case.
    #[must_use]
    pub fn is_derived(name: &str) -> bool {
        let Some((start, digits)) = name.split_at_checked(PREFIX.len()) else { return false };
        let is_digest = digits.len() == DIGITS && digits.chars().all(|c| c.is_ascii_hexdigit());
        is_digest && start.eq_ignore_ascii_case(PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_name_is_the_same_for_every_spelling_and_reserved() {
        let name = |address: &str| NativeUserName::derived(&Email::parse(address).unwrap());
        let ada = name("ada@example.com");
        assert_eq!(ada, name("Ada@Example.com"));
        assert_ne!(ada, name("grace@example.com"));
        assert_eq!(ada.len(), PREFIX.len() + DIGITS);
        for taken in [ada.clone(), ada.to_uppercase()] {
            assert!(NativeUserName::Derived.reserves(&taken) && !NativeUserName::Uuid.reserves(&taken), "{taken}");
        }
        for free in ["ada", "address-book", "address-0123", "addressé-0123456789abcdef0123456789abcde", ""] {
            assert!(!NativeUserName::Derived.reserves(free), "{free}");
        }
    }
}
