//! Whose addresses may get an account.

use super::Domains;
use crate::email::{Email, EmailClaim};
use crate::settings::{self, Lookup, SettingError};

/// `ALLOWED_DOMAINS` and `DENIED_DOMAINS`: the domains whose addresses may, or may not, get a new account. They say
/// nothing of accounts that exist, nor of those that an administrator makes or a member invites.
#[derive(Clone, Debug, Default)]
pub struct SignUpDomains {
    allowed: Option<Domains>,
    denied: Option<Domains>,
}

impl SignUpDomains {
    /// The variables.
    pub const NAMES: [&str; 2] = ["ALLOWED_DOMAINS", "DENIED_DOMAINS"];

    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first variable that is no list of domains.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let [allowed, denied] =
            Self::NAMES.map(|name| settings::optional(lookup, name, Domains::ALLOWED, Domains::parse_list));
        Ok(Self { allowed: allowed?, denied: denied? })
    }

    /// Whether anybody could be refused.
    #[must_use]
    pub const fn limit_anybody(&self) -> bool {
        self.allowed.is_some() || self.denied.is_some()
    }

    /// Whether a sign-in with this address may make an account. Where only some domains are allowed, the provider must
    /// prove the address: anybody could name one of theirs.
    #[must_use]
    pub fn admit(&self, claim: &EmailClaim) -> bool {
        match claim {
            EmailClaim::Proven(email) => self.contain(email.email()),
            EmailClaim::Unproven(email) => self.allowed.is_none() && self.contain(email),
            EmailClaim::Absent | EmailClaim::Unusable(_) => self.allowed.is_none(),
        }
    }

    /// Whether only some domains are allowed, so that nobody gets an account without an address.
    #[must_use]
    pub const fn allow_only_some(&self) -> bool {
        self.allowed.is_some()
    }

    /// Whether the address is of a domain whose addresses may get an account.
    #[must_use]
    pub fn contain(&self, email: &Email) -> bool {
        // A domain with other letters has an ASCII form as well, which may be a denied one.
        let is_denied = |denied: &Domains| !email.domain().is_ascii() || denied.contain(email);
        self.allowed.as_ref().is_none_or(|allowed| allowed.contain(email))
            && !self.denied.as_ref().is_some_and(is_denied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::lookup;

    fn domains(allowed: &'static str, denied: &'static str) -> SignUpDomains {
        let lookup = lookup([("ALLOWED_DOMAINS", allowed), ("DENIED_DOMAINS", denied)]);
        SignUpDomains::from_lookup(&lookup).unwrap()
    }

    fn admits(domains: &SignUpDomains, email: &str) -> bool {
        domains.contain(&Email::parse(email).unwrap())
    }

    #[test]
    fn a_domain_is_itself_and_a_star_what_is_below_it() {
        let only = domains("corp.example, *.corp.example", "");
        for (email, admitted) in [
            ("a@corp.example", true),
            ("a@CORP.example", true),
            ("a@eu.corp.example", true),
            ("a@notcorp.example", false),
            ("a@corp.example.evil.example", false),
            ("corp.example@evil.example", false),
        ] {
            assert_eq!(admits(&only, email), admitted, "{email}");
        }
        let not = domains("", "*.corp.example");
        assert!(admits(&not, "a@corp.example") && !admits(&not, "a@eu.corp.example"));
        // A denied domain wins.
        let both = domains("*.corp.example", "old.corp.example");
        assert!(admits(&both, "a@eu.corp.example") && !admits(&both, "a@old.corp.example"));
    }

    #[test]
    fn nobody_is_refused_unless_the_settings_say_so() {
        let none = domains("", " ");
        assert!(!none.limit_anybody() && admits(&none, "a@corp.example") && none.admit(&EmailClaim::Absent));
        assert!(!domains("corp.example", "").admit(&EmailClaim::Absent));
        let unproven = EmailClaim::Unproven(Email::parse("a@corp.example").unwrap());
        assert!(!domains("corp.example", "").admit(&unproven) && !domains("", "corp.example").admit(&unproven));
        assert!(domains("", "other.example").admit(&unproven));
        assert!(domains("", "corp.example").admit(&EmailClaim::Absent));
    }

    #[test]
    fn nonsense_stops_the_start() {
        for value in [",", "corp", "@corp.example", "*corp.example", "corp.example;other.example", "a@b.example"] {
            let read = SignUpDomains::from_lookup(&|name| (name == "DENIED_DOMAINS").then(|| value.to_owned()));
            assert!(read.is_err_and(|why| why.to_string().contains("DENIED_DOMAINS")), "{value}");
        }
    }
}
