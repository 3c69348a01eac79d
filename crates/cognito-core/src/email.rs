//! E-mail addresses: what may be looked up, and what counts as proof.

use std::fmt;

/// The longest filter `ListUsers` takes, in characters (API model, `UserFilterType`).
const MAX_FILTER_CHARS: usize = 256;

/// An address that can be looked up in a user pool without ambiguity.
///
/// It parses as an address and holds nothing that a `ListUsers` filter could misread. What does
/// not fit is refused, never mangled: a look-up that silently asks for something else would find
/// the wrong person, or everybody.
///
/// Two addresses are the same person's when they differ in the case of ASCII letters only.
/// Further folding is left out on purpose: under Unicode rules the Kelvin sign is a `k`, and an
/// attacker can register an address with one.
#[derive(Clone)]
pub struct Email(String);

/// Why a text cannot serve as an address here. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Not an address of the form `local@domain`.
    #[error("not an e-mail address of the form local@domain")]
    Syntax,
    /// Quotation marks, backslashes, white space or control characters, which a filter cannot carry safely.
    #[error("an e-mail address with quotation marks, backslashes, white space or control characters is not supported")]
    Unsafe,
    /// The look-up filter would exceed 256 characters.
    #[error("an e-mail address this long cannot be looked up in a user pool")]
    TooLong,
}

impl Email {
    /// Parses an address; white space around it is dropped, its spelling is kept.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] if it is not an address, or cannot be put into a `ListUsers` filter.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        if text.chars().any(|c| c == '"' || c == '\\' || c.is_control() || c.is_whitespace()) {
            return Err(InvalidEmail::Unsafe);
        }
        let options = email_address::Options::default().without_display_text().without_domain_literal();
        email_address::EmailAddress::parse_with_options(text, options).map_err(|_| InvalidEmail::Syntax)?;
        let email = Self(text.to_owned());
        if email.filter().chars().count() > MAX_FILTER_CHARS {
            return Err(InvalidEmail::TooLong);
        }
        Ok(email)
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with ASCII letters in lower case: what new profiles are created with.
    #[must_use]
    pub fn to_lower_case(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whether a profile's address is this one, whatever the case of its ASCII letters.
    #[must_use]
    pub fn is_same(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other.trim())
    }

    /// The `ListUsers` filter for exactly this address. It is never empty, because an empty
    /// filter lists everybody.
    #[must_use]
    pub fn filter(&self) -> String {
        format!("email = \"{}\"", self.0)
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(&other.0)
    }
}

impl Eq for Email {}

impl fmt::Debug for Email {
    /// Never the address: values of this type end up in errors and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// An address whose owner is known to be the person signing in.
///
/// Only [`Provider::claim`](crate::provider::Provider::claim) makes one, so a link without proof
/// does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenEmail(Email);

impl ProvenEmail {
    pub(crate) fn new(email: Email) -> Self {
        Self(email)
    }

    /// The address.
    #[must_use]
    pub fn email(&self) -> &Email {
        &self.0
    }
}

/// What a federated sign-in says about the person's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailClaim {
    /// No address came along.
    Absent,
    /// Something came along that cannot serve as an address.
    Unusable(InvalidEmail),
    /// An address, but no proof that it is the person's.
    Unproven(Email),
    /// An address with proof.
    Proven(ProvenEmail),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> InvalidEmail {
        Email::parse(text).expect_err("refused")
    }

    #[test]
    fn an_address_is_compared_ignoring_ascii_case_only() {
        let ada = Email::parse(" Ada.Lovelace+x@Example.com ").unwrap();
        assert_eq!(ada.as_str(), "Ada.Lovelace+x@Example.com");
        assert!(ada.is_same("ada.lovelace+X@EXAMPLE.COM"));
        assert_ne!(Email::parse("kate@example.com"), Email::parse("\u{212a}ate@example.com"));
    }

    #[test]
    fn what_a_filter_cannot_carry_is_refused_by_name() {
        for text in ["a\"b@example.com", "\"a b\"@example.com", "a\\b@example.com", "a b@example.com", "a@b.c\u{7}d"] {
            assert_eq!(refused(text), InvalidEmail::Unsafe, "{text}");
        }
        for text in ["", "ada", "@example.com", "ada@", "a@b@c", "ada@[127.0.0.1]", "a<b@c.d>"] {
            assert_eq!(refused(text), InvalidEmail::Syntax, "{text}");
        }
    }

    #[test]
    fn an_address_longer_than_a_filter_is_refused() {
        let labels = [vec!["d".repeat(60); 3].join("."), "com".to_owned()].join(".");
        assert!(Email::parse(&format!("{}@{labels}", "l".repeat(55))).is_ok());
        assert!(Email::parse(&format!("{}@{labels}", "l".repeat(64))).is_err());
    }

    #[test]
    fn an_address_does_not_show_itself() {
        assert!(!format!("{:?}", Email::parse("ada@example.com").unwrap()).contains("ada"));
    }

    proptest! {
        #[test]
        fn an_accepted_address_makes_a_filter_that_names_exactly_it(text in "\\PC{0,300}") {
            if let Ok(email) = Email::parse(&text) {
                let filter = email.filter();
                let inner = filter.strip_prefix("email = \"").and_then(|f| f.strip_suffix('"')).unwrap();
                prop_assert_eq!(inner, text.trim());
                prop_assert!(!inner.is_empty() && !inner.contains(['"', '\\']));
                prop_assert!(filter.chars().count() <= MAX_FILTER_CHARS);
            }
        }
    }
}
