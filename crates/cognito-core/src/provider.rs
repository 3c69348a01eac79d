//! Identity providers: which are trusted for what, and how their subjects are spelled.

mod domains;
mod email_claims;
mod sign_up_domains;

pub use domains::Domains;
pub use email_claims::{ClaimNames, EmailClaims, SAML_EMAIL_ATTRIBUTES};
pub use sign_up_domains::SignUpDomains;

use crate::email::{Email, EmailClaim, MultipleEmails, ProvenEmail};
use crate::event::{Attributes, is_true};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The attribute name under which Cognito keeps a provider's own subject.
pub const COGNITO_SUBJECT: &str = "Cognito_Subject";

/// Providers whose names Cognito fixes, in the only spelling its API takes. They always link by
/// subject (API reference of `AdminLinkProviderForUser`).
pub const SOCIAL: [&str; 4] = ["Google", "Facebook", "SignInWithApple", "LoginWithAmazon"];

/// The most characters that provider name, attribute name and value may have together. Not in the
/// API model; calls beyond it fail (aws/aws-sdk-js-v3#6985).
pub const MAX_IDENTITY_CHARS: usize = 128;

/// When a provider's e-mail address counts as proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Always: the provider hands out only addresses it verified itself.
    Always,
    /// Only together with an `email_verified` claim that is true.
    Claim,
    /// Never: the address may be chosen by the person or by a tenant's administrator.
    Never,
}

/// What ties a provider's identity to a profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LinkBy {
    /// The provider's subject, as `Cognito_Subject`.
    Subject,
    /// A user-pool attribute that the provider's mapping fills.
    Attribute(String),
    /// Nothing: the provider's identities are never linked.
    Nothing,
}

/// One identity provider of the pool, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The name in the spelling Cognito's API takes.
    pub name: String,
    /// When its addresses are proof.
    pub trust: Trust,
    /// The domains that `trust` holds for. An address of another domain is never proven.
    pub domains: Domains,
    /// What its identities are linked by.
    pub link_by: LinkBy,
}

impl Provider {
    /// Whether a sign-in of this provider with this address and this `email_verified` claim proves the address.
    ///
    /// The one rule that linking, truthful `email_verified` and its repair all follow.
    #[must_use]
    pub fn proves(&self, email: &Email, email_verified: Option<&Value>) -> bool {
        match self.trust {
            Trust::Always => self.domains.contain(email),
            Trust::Claim => self.domains.contain(email) && email_verified.is_some_and(is_true),
            Trust::Never => false,
        }
    }

    /// Whether a sign-in of this provider proves this address without any claim about it.
    #[must_use]
    pub fn always_proves(&self, email: &Email) -> bool {
        self.proves(email, None)
    }

    /// Reads `email` and `email_verified` of a sign-in of this provider.
    #[must_use]
    pub fn claim(&self, attributes: Attributes<'_>) -> EmailClaim {
        claim(attributes, |email| self.proves(email, attributes.value("email_verified")))
    }
}

/// Reads the address of a sign-in of a provider that is not configured: never proven.
#[must_use]
pub fn unlisted_claim(attributes: Attributes<'_>) -> EmailClaim {
    claim(attributes, |_| false)
}

fn claim(attributes: Attributes<'_>, is_proven: impl Fn(&Email) -> bool) -> EmailClaim {
    let address = attributes.value("email").and_then(|claim| Email::from_claim(claim, MultipleEmails::Unproven));
    match address {
        None => EmailClaim::Absent,
        Some(Err(why)) => EmailClaim::Unusable(why),
        Some(Ok(email)) if is_proven(&email) => EmailClaim::Proven(ProvenEmail::new(email)),
        Some(Ok(email)) => EmailClaim::Unproven(email),
    }
}

/// The pool's identity providers, from the setting `PROVIDERS`.
///
/// A provider that is not listed is not trusted: its addresses prove nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Providers(Vec<Provider>);

impl Providers {
    /// What `PROVIDERS` may hold, for error messages.
    pub const ALLOWED: &'static str = "a comma list of Name:trust[@domain...][:link] with each name once and none Cognito, trust one of always, claim, never, \
         domains that always or claim is limited to, such as corp.example or *.corp.example, \
         link `subject`, `none` or, for OIDC and SAML providers, a mapped user-pool attribute; \
         social providers are spelled Google, Facebook, SignInWithApple, LoginWithAmazon and do not link by attribute \
         (for example Google:claim,Corp:always@corp.example@*.corp.example:custom:employee_id)";

    /// Parses `Name:trust[@domain...][:link]`, separated by commas. Empty text means no provider.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut providers: Vec<Provider> = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let provider = parse_provider(entry)?;
            if providers.iter().any(|known| is_same_name(&known.name, &provider.name)) {
                return None;
            }
            providers.push(provider);
        }
        Some(Self(providers))
    }

    /// Whether no provider is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order of the setting.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }

    /// The provider of this name, whatever the case: `identities` and events differ in it.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| is_same_name(&provider.name, name))
    }

    /// Splits the user name of a federated profile, `<provider>_<subject>`.
    ///
    /// Provider names and subjects may hold underscores themselves, and pools that ignore case
    /// lower-case both, so configured names are matched, whatever the case.
    ///
    /// # Errors
    ///
    /// [`UnknownProvider`] unless exactly one name fits. Of `Corp` and `Corp_EU` neither may take `Corp_EU_1`: a tenant
    /// of `Corp` that chooses the subject `EU_1` would speak for `Corp_EU`.
    pub fn split_user_name<'a>(&self, user_name: &'a str) -> Result<(&Provider, &'a str), UnknownProvider> {
        let mut fitting = self.0.iter().filter_map(|provider| {
            let subject = after_name(user_name, &provider.name)?.strip_prefix('_')?;
            (!subject.is_empty()).then_some((provider, subject))
        });
        let only = fitting.next().ok_or(UnknownProvider::Unlisted)?;
        if fitting.next().is_none() { Ok(only) } else { Err(UnknownProvider::Ambiguous) }
    }
}

/// Why a user name does not say which configured provider its identity is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UnknownProvider {
    /// No configured name fits.
    #[error("no name in PROVIDERS fits")]
    Unlisted,
    /// Several fit, because one of them and an underscore begin another.
    #[error("more than one name in PROVIDERS fits")]
    Ambiguous,
}

/// A letter in lower case. Both forms of the small sigma are one, because only the place in a word tells them apart.
fn folded(letter: char) -> impl Iterator<Item = char> {
    letter.to_lowercase().map(|letter| if letter == 'ς' { 'σ' } else { letter })
}

fn is_same_name(one: &str, other: &str) -> bool {
    one.chars().flat_map(folded).eq(other.chars().flat_map(folded))
}

/// What follows the name at the beginning of a text, whatever the case. Looks at no more than the name's length: whoever
/// chooses the subject chooses how long the text is and how many underscores it holds.
fn after_name<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut wanted = name.chars().flat_map(folded).peekable();
    let mut letters = text.chars();
    while wanted.peek().is_some() {
        for letter in folded(letters.next()?) {
            wanted.next_if_eq(&letter)?;
        }
    }
    Some(letters.as_str())
}

fn parse_provider(entry: &str) -> Option<Provider> {
    let mut parts = entry.split(':').map(str::trim);
    // `Cognito` is what the API calls the pool's own profiles: a call for such a provider would be about passwords.
    let is_name = |name: &&str| (1..=32).contains(&name.chars().count()) && !name.eq_ignore_ascii_case("Cognito");
    let name = parts.next().filter(is_name)?;
    let trust = parts.next()?;
    let (word, domains) = match trust.split_once('@') {
        Some((word, domains)) => (word, Domains::parse(domains)?),
        None => (trust, Domains::default()),
    };
    let trust = match word {
        "always" => Trust::Always,
        "claim" => Trust::Claim,
        // Nothing is left that a domain could limit.
        "never" if domains.is_every_domain() => Trust::Never,
        _ => return None,
    };
    let link_by = match parts.next() {
        None | Some("subject") => LinkBy::Subject,
        Some("none") => LinkBy::Nothing,
        Some("") => return None,
        Some(attribute) if attribute == COGNITO_SUBJECT => LinkBy::Subject,
        // `custom:` attributes hold a colon themselves.
        Some("custom") => LinkBy::Attribute(format!("custom:{}", parts.next().filter(|name| !name.is_empty())?)),
        Some(attribute) => LinkBy::Attribute(attribute.to_owned()),
    };
    if parts.next().is_some() {
        return None;
    }
    if let Some(social) = SOCIAL.iter().find(|social| social.eq_ignore_ascii_case(name))
        && (*social != name || matches!(link_by, LinkBy::Attribute(_)))
    {
        return None;
    }
    Some(Provider { name: name.to_owned(), trust, domains, link_by })
}

/// The identity a link ties to a profile: Cognito's `SourceUser`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceIdentity {
    provider: String,
    attribute: String,
    value: String,
}

/// Provider name, attribute name and value exceed [`MAX_IDENTITY_CHARS`] together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("provider name, attribute name and subject together exceed {MAX_IDENTITY_CHARS} characters")]
pub struct IdentityTooLong;

impl SourceIdentity {
    /// An identity of `provider` whose `link_by` has this value.
    ///
    /// # Errors
    ///
    /// [`IdentityTooLong`] beyond 128 characters in all, which Cognito would refuse.
    pub fn new(provider: &Provider, value: &str) -> Result<Self, IdentityTooLong> {
        let attribute = match &provider.link_by {
            // What Cognito knows the identity by, linked or not.
            LinkBy::Subject | LinkBy::Nothing => COGNITO_SUBJECT,
            LinkBy::Attribute(name) => name,
        };
        if [provider.name.as_str(), attribute, value].iter().map(|part| part.chars().count()).sum::<usize>()
            > MAX_IDENTITY_CHARS
        {
            return Err(IdentityTooLong);
        }
        Ok(Self { provider: provider.name.clone(), attribute: attribute.to_owned(), value: value.to_owned() })
    }

    /// An identity that is linked already, by the attribute and the value that the link was made with.
    #[must_use]
    pub fn linked_by(provider: &str, attribute: &str, value: &str) -> Self {
        Self { provider: provider.to_owned(), attribute: attribute.to_owned(), value: value.to_owned() }
    }

    /// The provider's name.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// `Cognito_Subject`, or the mapped attribute that is linked by.
    #[must_use]
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// The subject, or the mapped attribute's value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for SourceIdentity {
    /// The provider only: subjects are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceIdentity").field("provider", &self.provider).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
