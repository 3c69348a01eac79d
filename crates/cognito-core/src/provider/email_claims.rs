use super::Providers;

/// The names that SAML providers usually use for an address: the plain names, Microsoft's claim type, and the object
/// identifier of the attribute `mail` (RFC 4524).
pub const SAML_EMAIL_ATTRIBUTES: [&str; 4] = [
    "email",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "mail",
];

/// The claims of a provider that hold the address and its proof, where they are not `email` and `email_verified`.
///
/// Only inbound federation sees claims by their own names. Everybody else sees what the pool's attribute mapping makes of
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmailClaims(Vec<(String, ClaimNames)>);

/// The names of a provider's two claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// The claim with the address. `None` means the usual one.
    pub email: Option<String>,
    /// The claim that says whether the address is verified.
    pub email_verified: String,
}

impl ClaimNames {
    /// The claim that a provider usually proves its address with.
    pub const EMAIL_VERIFIED: &str = "email_verified";
}

impl EmailClaims {
    /// What `EMAIL_CLAIMS` may hold, for error messages.
    pub const ALLOWED: &'static str = "a comma list of Name:email=claim and Name:email_verified=claim, with names from PROVIDERS and each at most \
         once (for example EntraID:email_verified=xms_edov,B2C:email=emails)";

    /// Parses `Name:email=claim` and `Name:email_verified=claim`, separated by commas. A claim's name may hold any other
    /// character, as `https://example.com/email` does.
    ///
    /// Returns `None` if an entry has another form, appears twice, or is of a provider that is not configured.
    #[must_use]
    pub fn parse(text: &str, providers: &Providers) -> Option<Self> {
        let mut all: Vec<(String, ClaimNames)> = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (name, claim) = entry.split_once(':')?;
            let (kind, claim) = claim.split_once('=')?;
            let (provider, claim) = (&providers.named(name.trim())?.name, claim.trim());
            let place = all.iter().position(|(known, _)| known == provider).unwrap_or(all.len());
            if place == all.len() {
                let usual = ClaimNames { email: None, email_verified: ClaimNames::EMAIL_VERIFIED.to_owned() };
                all.push((provider.clone(), usual));
            }
            let names = &mut all[place].1;
            match kind.trim() {
                _ if claim.is_empty() => return None,
                "email" if names.email.is_none() => names.email = Some(claim.to_owned()),
                "email_verified" if names.email_verified == ClaimNames::EMAIL_VERIFIED => {
                    claim.clone_into(&mut names.email_verified);
                }
                _ => return None,
            }
        }
        Some(Self(all))
    }

    /// The names of a provider's claims, by its name in `PROVIDERS`; `None` if they are the usual ones.
    #[must_use]
    pub fn of(&self, provider: &str) -> Option<&ClaimNames> {
        self.0.iter().find(|(name, _)| name == provider).map(|(_, names)| names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<EmailClaims> {
        EmailClaims::parse(text, &Providers::parse("EntraID:claim,B2C:always,Auth0:claim").unwrap())
    }

    #[test]
    fn each_provider_may_name_its_claims() {
        let claims = parse("EntraID:email_verified=xms_edov, b2c:email = emails ,B2C:email_verified=ok").unwrap();
        let names = |provider| claims.of(provider).map(|names| (names.email.as_deref(), names.email_verified.as_str()));
        assert_eq!(names("EntraID"), Some((None, "xms_edov")));
        assert_eq!(names("B2C"), Some((Some("emails"), "ok")));
        assert_eq!(names("Auth0"), None);
        let url = parse("Auth0:email=https://example.com/email").unwrap();
        assert_eq!(url.of("Auth0").and_then(|names| names.email.as_deref()), Some("https://example.com/email"));
        assert_eq!(parse(""), Some(EmailClaims::default()));
    }

    #[test]
    fn what_names_no_claim_of_a_listed_provider_is_refused() {
        for text in [
            "xms_edov",
            "EntraID:xms_edov",
            "EntraID:email=",
            "EntraID:sub=oid",
            "Entra:email=emails",
            "B2C:email=emails,B2C:email=mail",
            "B2C:email_verified=a,B2C:email_verified=b",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
