//! E-mail addresses: what may be looked up, and what counts as proof.

mod claim;

pub use claim::MultipleEmails;

use email_address::EmailAddress;
use std::fmt;

/// The longest filter `ListUsers` takes, in characters (API model, `UserFilterType`).
const MAX_FILTER_CHARS: usize = 256;

/// An address that can be looked up in a user pool without ambiguity.
///
/// It parses as an address and contains nothing that a `ListUsers` filter could misread. Any other
/// text is refused and never altered: a changed look-up could find the wrong person, or everybody.
///
/// Addresses that differ only in the case of ASCII letters belong to the same person. Unicode case
/// rules do not apply, on purpose: they turn the Kelvin sign into a `k`, and an attacker can
/// register an address that contains one.
#[derive(Clone)]
pub struct Email(String);

/// The longest part before the `@`, in bytes (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

/// Why a text is not accepted as an address. The message never repeats the text. Its first word tells the operator
/// what to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidEmail {
    /// Not an address of the form `local@domain`.
    #[error("syntax: not an e-mail address of the form local@domain")]
    Syntax,
    /// Quotation marks, backslashes, white space or control characters, which a filter cannot carry safely.
    #[error("characters: an e-mail address with quotation marks, backslashes, white space or control characters")]
    Unsafe,
    /// Mail software may deliver to another mailbox than the text seems to name.
    #[error("ambiguous: mail software may read this e-mail address as another one")]
    Ambiguous,
    /// The look-up filter would exceed 256 characters.
    #[error("length: an e-mail address this long cannot be looked up in a user pool")]
    TooLong,
    /// A claim holds more than one address.
    #[error("several: the claim holds more than one e-mail address")]
    Several,
}

impl Email {
    /// Parses an address. Drops white space around it and keeps its spelling.
    ///
    /// Dots are allowed anywhere before the `@`: mailboxes such as `a..b@` and `a.@` exist in Japan.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] if it is not an address, cannot be put into a `ListUsers` filter, or may reach another mailbox.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        if text.chars().any(|c| c == '"' || c == '\\' || c.is_control() || c.is_whitespace()) {
            return Err(InvalidEmail::Unsafe);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail::Syntax)?;
        let email = Self(text.to_owned());
        if local.len() > MAX_LOCAL_BYTES || email.filter().chars().count() > MAX_FILTER_CHARS {
            return Err(InvalidEmail::TooLong);
        }
        if !is_local_part(local) || !is_domain(domain) {
            return Err(InvalidEmail::Syntax);
        }
        if is_ambiguous(local, domain) {
            return Err(InvalidEmail::Ambiguous);
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

    /// The part after the `@`, as it was written.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
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

fn is_local_part(text: &str) -> bool {
    let mut words = text.split('.').filter(|word| !word.is_empty()).peekable();
    words.peek().is_some() && words.all(EmailAddress::is_valid_local_part)
}

fn is_domain(text: &str) -> bool {
    // The library accepts in a domain label every character that is allowed before the `@`.
    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')) && EmailAddress::is_valid_domain(text)
}

/// Whether mail software may deliver to another mailbox than the text seems to name. Then a code or link that proves the
/// one mailbox would put a verified mark on an address in somebody else's domain ("Splitting the email atom",
/// PortSwigger 2024).
fn is_ambiguous(local: &str, domain: &str) -> bool {
    let top = domain.rsplit_once('.').map(|(_, top)| top);
    // `evil!a@corp.example` and `a%evil@corp.example` are routes through corp.example to another host.
    local.contains(['!', '%'])
        // An encoded word (RFC 2047), which may decode to a different address.
        || local.contains("=?")
        // `a@localhost` is completed with the sender's own domain, and digits at the end are an IP address.
        || top.is_none_or(|top| top.bytes().all(|byte| byte.is_ascii_digit()))
        || local.chars().chain(domain.chars()).any(may_be_read_as_another)
        || domain.chars().any(folds_to_ascii)
}

/// Characters that software folds to an `@`, a dot or another mark with a meaning in addresses, or drops.
fn may_be_read_as_another(c: char) -> bool {
    matches!(c,
        // Full-width, small and vertical forms, `@` and `.` included.
        '\u{fe10}'..='\u{fe1f}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ffef}'
        // Dot leaders, ideographic full stops, digits with a full stop, and squared words such as `Co.`.
        | '\u{2024}'..='\u{2026}' | '\u{3002}' | '\u{2488}'..='\u{249b}' | '\u{1f100}' | '\u{3380}'..='\u{33ff}'
        // `!!`, `??`, `=`, `;`, and `a/c`, `c/o`, `%` of other blocks.
        | '\u{203c}' | '\u{2047}'..='\u{2049}' | '\u{207c}' | '\u{208c}' | '\u{37e}' | '\u{66a}' | '\u{2100}'..='\u{2106}'
        // Nobody sees these, and software leaves them out: hyphens, joiners, directions, variations, fillers, tags.
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters and digits that become ASCII ones when a domain is looked up (Unicode TR 46), so that it is another domain than
/// the text says: superscripts, letter-like symbols, numbers in circles, ligatures, mathematical letters. No domain has them.
fn folds_to_ascii(c: char) -> bool {
    matches!(c,
        '\u{aa}' | '\u{b2}' | '\u{b3}' | '\u{b9}'..='\u{be}' | '\u{17f}' | '\u{1c4}'..='\u{1cc}' | '\u{1f1}'..='\u{1f3}'
        | '\u{2b0}'..='\u{2b8}' | '\u{2e0}'..='\u{2e4}' | '\u{1d2c}'..='\u{1d6a}' | '\u{2070}'..='\u{209f}'
        | '\u{2100}'..='\u{218f}' | '\u{2460}'..='\u{24ff}' | '\u{3200}'..='\u{33ff}' | '\u{fb00}'..='\u{fb06}'
        | '\u{1d400}'..='\u{1d7ff}' | '\u{1f100}'..='\u{1f1ff}' | '\u{1fbf0}'..='\u{1fbf9}')
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
    /// The sign-in has no address.
    Absent,
    /// The sign-in has a value that is not accepted as an address.
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
        let no_address =
            ["", "ada", "@example.com", "ada@", "a@b@c", "ada@[127.0.0.1]", "a<b@c.d>", "a@b..c", "..@b.c", "a@b%c.d"];
        for text in no_address {
            assert_eq!(refused(text), InvalidEmail::Syntax, "{text}");
        }
    }

    #[test]
    fn an_address_that_mail_software_may_read_as_another_is_refused() {
        for text in [
            "=?x?q?attacker=40evil.example=3e=20?=@corp.example",
            "a%evil.example@corp.example",
            "evil!a@corp.example",
            "a@localhost",
            "a@corp.1",
            "a@127.0.0.1",
            "a@\u{ff43}orp.example",
            "a@\u{212b}orp.example",
            "a@corp\u{2460}.example",
            "a@corp\u{2488}example.org",
            "a@\u{1d41a}corp.example",
            "a@\u{fb01}rm.example",
        ] {
            assert_eq!(refused(text), InvalidEmail::Ambiguous, "{text}");
        }
        // `@`, `.`, `!`, `%`, `=`, `;`, and what nobody sees.
        let folded = "\u{fe6b}\u{ff20}\u{2024}\u{2025}\u{2026}\u{fe52}\u{ff0e}\u{3002}\u{ff61}\u{fe12}\u{fe30}\u{2488}\u{1f100}\
            \u{33c7}\u{fe57}\u{ff01}\u{203c}\u{fe15}\u{fe6a}\u{ff05}\u{fe66}\u{207c}\u{ff1b}\u{37e}\u{200b}\u{ad}\u{2060}\u{202e}\u{feff}\u{e0041}";
        for c in folded.chars() {
            let text = format!("ada{c}evil.example@corp.example");
            assert_eq!(refused(&text), InvalidEmail::Ambiguous, "{}", c.escape_unicode());
            // In a domain not even the syntax allows most of them.
            assert!(Email::parse(&format!("ada@corp{c}evil.example")).is_err(), "{}", c.escape_unicode());
        }
    }

    #[test]
    fn mailboxes_that_people_have_are_taken() {
        for text in [
            "ada+news@example.com",
            "o'brien@example.com",
            "a..b@docomo.ne.jp",
            "a.@ezweb.ne.jp",
            ".a@docomo.ne.jp",
            "-ada-@example.com",
            "ada=x@bounces.example.com",
            "ada/sales#1@example.com",
            "ada@xn--bcher-kva.example",
            "ada@b\u{fc}cher.example",
            "\u{e9}mile\u{b7}\u{df}@stra\u{df}e.example",
            "\u{7528}\u{6237}@\u{4f8b}\u{5b50}.\u{4e2d}\u{56fd}",
            "\u{0939}\u{093f}\u{0928}\u{094d}\u{0926}\u{0940}@\u{30c6}\u{30b9}\u{30c8}.example",
            "ada@mail.corp.example.museum",
            "a@3com.example",
        ] {
            assert!(Email::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_address_longer_than_a_filter_is_refused() {
        let labels = [vec!["d".repeat(60); 3].join("."), "com".to_owned()].join(".");
        assert!(Email::parse(&format!("{}@{labels}", "l".repeat(55))).is_ok());
        for longer in [64, 65, 300] {
            assert_eq!(refused(&format!("{}@{labels}", "l".repeat(longer))), InvalidEmail::TooLong);
        }
        assert_eq!(refused(&format!("{}@example.com", "l".repeat(65))), InvalidEmail::TooLong);
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
