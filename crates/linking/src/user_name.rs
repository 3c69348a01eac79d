use cognito_core::email::Email;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// How a derived user name begins.
const PREFIX: &str = "address-";

/// How many hexadecimal digits follow.
const DIGITS: usize = 32;

/// What new native profiles are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NativeUserName {
    /// The address: for pools that sign in with the address as user name.
    #[default]
    Email,
    /// A random UUID without hyphens, so that it never has the form of a `sub`. For pools where the address is an
    /// alias: they accept no address as user name.
    Uuid,
    /// A name that follows from the address. For pools where the address is neither user name nor alias: nothing else
    /// keeps two creations at once from making two profiles.
    Derived,
}

impl NativeUserName {
    /// The name for a new profile with this address.
    #[must_use]
    pub(crate) fn of(self, email: &Email) -> String {
        match self {
            Self::Email => email.to_lower_case(),
            Self::Uuid => uuid::Builder::from_random_bytes(rand::random()).into_uuid().simple().to_string(),
            Self::Derived => derived(email),
        }
    }

    /// The name that another creation for the same address would take, if it is not the address.
    #[must_use]
    pub(crate) fn foreseen(self, email: &Email) -> Option<String> {
        (self == Self::Derived).then(|| derived(email))
    }

    /// Whether somebody who registers must not take this name: it may be that of a profile that is to be created.
    #[must_use]
    pub fn reserves(self, name: &str) -> bool {
        let digits = name.get(..PREFIX.len()).filter(|start| start.eq_ignore_ascii_case(PREFIX));
        let digits = digits.map(|_| &name[PREFIX.len()..]);
        self == Self::Derived
            && digits.is_some_and(|digits| digits.len() == DIGITS && digits.chars().all(|c| c.is_ascii_hexdigit()))
    }
}

/// Whoever knows the address knows the name. That is harmless: nobody can register under it, and a password opens nothing
/// that is not the person's.
fn derived(email: &Email) -> String {
    let digest = Sha256::digest(email.to_lower_case().as_bytes());
    digest.iter().take(DIGITS / 2).fold(PREFIX.to_owned(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_name_is_the_same_for_every_spelling_and_reserved() {
        let name = |address: &str| NativeUserName::Derived.of(&Email::parse(address).unwrap());
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
