//! Identity providers: which are trusted for what, and how their subjects are spelled.

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
}

/// One identity provider of the pool, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The name in the spelling Cognito's API takes.
    pub name: String,
    /// When its addresses are proof.
    pub trust: Trust,
    /// What its identities are linked by.
    pub link_by: LinkBy,
}

impl Provider {
    /// Whether an address of this provider is proven, given its `email_verified` claim.
    ///
    /// The one rule that linking, truthful `email_verified` and its repair all follow.
    #[must_use]
    pub fn is_proof(&self, email_verified: Option<&Value>) -> bool {
        match self.trust {
            Trust::Always => true,
            Trust::Claim => email_verified.is_some_and(is_true),
            Trust::Never => false,
        }
    }

    /// Reads `email` and `email_verified` of a sign-in of this provider.
    #[must_use]
    pub fn claim(&self, attributes: Attributes<'_>) -> EmailClaim {
        claim(attributes, self.is_proof(attributes.value("email_verified")))
    }
}

/// Reads the address of a sign-in of a provider that is not configured: never proven.
#[must_use]
pub fn unlisted_claim(attributes: Attributes<'_>) -> EmailClaim {
    claim(attributes, false)
}

fn claim(attributes: Attributes<'_>, proven: bool) -> EmailClaim {
    let address = attributes.value("email").and_then(|claim| Email::from_claim(claim, MultipleEmails::Unproven));
    match address {
        None => EmailClaim::Absent,
        Some(Err(why)) => EmailClaim::Unusable(why),
        Some(Ok(email)) if proven => EmailClaim::Proven(ProvenEmail::new(email)),
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
    pub const ALLOWED: &'static str = "a comma list of Name:trust[:link] with each name once, trust one of always, claim, never, \
         link `subject` or, for OIDC and SAML providers, a mapped user-pool attribute; \
         social providers are spelled Google, Facebook, SignInWithApple, LoginWithAmazon and link by subject \
         (for example Google:claim,Corp:always:custom:employee_id)";

    /// Parses `Name:trust[:link]`, separated by commas. Empty text means no provider.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut providers: Vec<Provider> = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let provider = parse_provider(entry)?;
            let folded = provider.name.to_lowercase();
            if providers.iter().any(|known| known.name.to_lowercase() == folded) {
                return None;
            }
            providers.push(provider);
        }
        // Longest first, so that of `Corp` and `Corp_EU` the right one takes `Corp_EU_123`.
        providers.sort_by_key(|provider| std::cmp::Reverse(provider.name.len()));
        Some(Self(providers))
    }

    /// Whether no provider is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, those with the longest names first.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }

    /// The provider of this name, whatever the case: `identities` and events differ in it.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Provider> {
        let folded = name.to_lowercase();
        self.0.iter().find(|provider| provider.name.to_lowercase() == folded)
    }

    /// Splits the user name of a federated profile, `<provider>_<subject>`.
    ///
    /// Provider names and subjects may hold underscores themselves, and pools that ignore case
    /// lower-case both, so configured names are matched, longest first, whatever the case.
    #[must_use]
    pub fn split_user_name<'a>(&self, user_name: &'a str) -> Option<(&Provider, &'a str)> {
        self.0.iter().find_map(|provider| {
            let folded = provider.name.to_lowercase();
            user_name
                .match_indices('_')
                .find(|(at, _)| user_name[..*at].to_lowercase() == folded)
                .map(|(at, _)| (provider, &user_name[at + 1..]))
                .filter(|(_, subject)| !subject.is_empty())
        })
    }
}

fn parse_provider(entry: &str) -> Option<Provider> {
    let mut parts = entry.split(':').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty() && name.chars().count() <= 32)?;
    let trust = match parts.next()? {
        "always" => Trust::Always,
        "claim" => Trust::Claim,
        "never" => Trust::Never,
        _ => return None,
    };
    let link_by = match parts.next() {
        None | Some("subject") => LinkBy::Subject,
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
        && (*social != name || link_by != LinkBy::Subject)
    {
        return None;
    }
    Some(Provider { name: name.to_owned(), trust, link_by })
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
            LinkBy::Subject => COGNITO_SUBJECT,
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
