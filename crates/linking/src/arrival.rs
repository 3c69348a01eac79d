use crate::refusal::Unlinkable;
use cognito_core::email::EmailClaim;
use cognito_core::event::Attributes;
use cognito_core::provider::{LinkBy, Provider, Providers, SourceIdentity, Trust, UnknownProvider, unlisted_claim};
use cognito_core::user_pool::Identity;

/// A federated identity that signs in and has no profile and no link yet.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The identity to link, or why it cannot be linked.
    pub identity: Result<SourceIdentity, Unlinkable>,
    /// The address, and whether it is proven.
    pub email: EmailClaim,
    /// Whether the operator lets this address have an account. Who has one already signs in to it all the same.
    pub may_join: bool,
}

impl From<UnknownProvider> for Unlinkable {
    fn from(why: UnknownProvider) -> Self {
        match why {
            UnknownProvider::Unlisted => Self::UnlistedProvider,
            UnknownProvider::Ambiguous => Self::AmbiguousProvider,
        }
    }
}

/// When a subject can be relied on.
///
/// A pool that ignores case sends the user name to triggers in lower case, and so the subject in it.
/// But links and later sign-ins compare subjects by case.
#[derive(Clone, Debug, Default)]
pub struct SubjectRule {
    /// Whether the pool keeps the case of user names.
    pub pool_is_case_sensitive: bool,
    /// The attribute that carries the raw subject, filled by the inbound federation trigger or by
    /// an attribute mapping.
    pub raw_subject_attribute: Option<String>,
}

/// Whether the stored address of a stand-alone profile is proof, if it shows as unverified.
///
/// The pool's settings of today do not tell. They may keep an address until the new one is verified now, but the pool
/// may have stored somebody else's address before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredAddress {
    /// The provider sent it at the last sign-in: the operator vouches that nobody ever changed it.
    FromProvider,
    /// The person may have changed it to somebody else's.
    MayBeChanged,
}

impl Arrival {
    /// The identity of a stand-alone profile, as if it signed in again with the stored attributes. For merging.
    ///
    /// `identities` keeps the subject in the provider's spelling, even if the pool ignores case in user names.
    #[must_use]
    pub fn of_stand_alone(
        identity: &Identity,
        attributes: Attributes<'_>,
        providers: &Providers,
        address: StoredAddress,
    ) -> Self {
        let Some(provider) = providers.named(&identity.provider_name) else {
            return Self {
                identity: Err(Unlinkable::UnlistedProvider),
                email: unlisted_claim(attributes),
                may_join: true,
            };
        };
        let spelled = SubjectRule { pool_is_case_sensitive: true, raw_subject_attribute: None };
        // At a sign-in the address comes from the provider; a stored one may come from anybody.
        let doubtful = provider.trust == Trust::Always
            && address == StoredAddress::MayBeChanged
            && !attributes.flag("email_verified");
        Self {
            identity: link_value(provider, &identity.user_id, attributes, &spelled)
                .and_then(|value| SourceIdentity::new(provider, value).map_err(|_| Unlinkable::TooLong)),
            email: if doubtful { unlisted_claim(attributes) } else { provider.claim(attributes) },
            may_join: true,
        }
    }

    /// Reads the user name and attributes of a `PreSignUp_ExternalProvider` event.
    #[must_use]
    pub fn read(user_name: &str, attributes: Attributes<'_>, providers: &Providers, rule: &SubjectRule) -> Self {
        match providers.split_user_name(user_name) {
            Err(why) => Self { identity: Err(why.into()), email: unlisted_claim(attributes), may_join: true },
            Ok((provider, subject)) => Self {
                identity: link_value(provider, subject, attributes, rule)
                    .and_then(|value| SourceIdentity::new(provider, value).map_err(|_| Unlinkable::TooLong)),
                email: provider.claim(attributes),
                may_join: true,
            },
        }
    }
}

fn link_value<'a>(
    provider: &Provider,
    subject: &'a str,
    attributes: Attributes<'a>,
    rule: &SubjectRule,
) -> Result<&'a str, Unlinkable> {
    match &provider.link_by {
        LinkBy::Attribute(name) => return attributes.text(name).ok_or(Unlinkable::MissingAttribute),
        LinkBy::Nothing => return Err(Unlinkable::ByChoice),
        LinkBy::Subject => {}
    }
    if let Some(raw) = rule.raw_subject_attribute.as_deref().and_then(|name| attributes.text(name)) {
        // The raw subject must belong to this sign-in. Otherwise somebody else's identity would be linked.
        return if raw.to_lowercase() == subject.to_lowercase() { Ok(raw) } else { Err(Unlinkable::UnreliableSubject) };
    }
    // Apple's subjects have lower-case letters only.
    let survives_folding = provider.name == "SignInWithApple" || !subject.chars().any(char::is_alphabetic);
    if rule.pool_is_case_sensitive || survives_folding { Ok(subject) } else { Err(Unlinkable::UnreliableSubject) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(user_name: &str, attributes: &Value, rule: &SubjectRule) -> Result<String, Unlinkable> {
        let providers =
            Providers::parse("Google:claim,SignInWithApple:claim,Okta:claim,Corp:claim:email,LoginWithAmazon:claim");
        Arrival::read(user_name, Attributes::new(Some(attributes)), &providers.unwrap(), rule)
            .identity
            .map(|identity| format!("{}/{}/{}", identity.provider(), identity.attribute(), identity.value()))
    }

    fn raw_subject() -> SubjectRule {
        SubjectRule { raw_subject_attribute: Some("custom:idp_subject".into()), ..SubjectRule::default() }
    }

    #[test]
    fn a_subject_without_letters_or_of_apple_is_reliable_anywhere() {
        let read = |name| read(name, &json!({}), &SubjectRule::default());
        assert_eq!(read("google_1035"), Ok("Google/Cognito_Subject/1035".into()));
        assert_eq!(
            read("signinwithapple_001122.abcdef0123.1234"),
            Ok("SignInWithApple/Cognito_Subject/001122.abcdef0123.1234".into())
        );
        assert_eq!(read("okta_00uabc"), Err(Unlinkable::UnreliableSubject));
        assert_eq!(read("loginwithamazon_amzn1.account.afae"), Err(Unlinkable::UnreliableSubject));
        assert_eq!(read("Unknown_1"), Err(Unlinkable::UnlistedProvider));
    }

    #[test]
    fn each_remedy_makes_a_subject_with_letters_reliable() {
        let case_sensitive = SubjectRule { pool_is_case_sensitive: true, ..SubjectRule::default() };
        assert_eq!(read("Okta_00uAbC", &json!({}), &case_sensitive), Ok("Okta/Cognito_Subject/00uAbC".into()));
        let raw = json!({"custom:idp_subject": "00uAbC"});
        assert_eq!(read("okta_00uabc", &raw, &raw_subject()), Ok("Okta/Cognito_Subject/00uAbC".into()));
        let mapped = json!({"email": "Ada@example.com"});
        assert_eq!(read("corp_00uabc", &mapped, &SubjectRule::default()), Ok("Corp/email/Ada@example.com".into()));
        assert_eq!(read("corp_00uabc", &json!({}), &SubjectRule::default()), Err(Unlinkable::MissingAttribute));
    }

    #[test]
    fn a_raw_subject_of_somebody_else_is_not_relied_on() {
        let other = json!({"custom:idp_subject": "00uXyZ"});
        assert_eq!(read("okta_00uabc", &other, &raw_subject()), Err(Unlinkable::UnreliableSubject));
        assert_eq!(
            read("google_1", &json!({"custom:idp_subject": "2"}), &raw_subject()),
            Err(Unlinkable::UnreliableSubject)
        );
    }

    fn stored(provider: &str, verified: &str, address: StoredAddress) -> (Result<String, Unlinkable>, bool) {
        let providers = Providers::parse("Corp:claim,Corp_EU:never,Facebook:always").unwrap();
        let identity =
            Identity { user_id: "EU_aBc".into(), provider_name: provider.into(), primary: true, connected: None };
        let attributes = json!({"email": "ada@example.com", "email_verified": verified});
        let arrival = Arrival::of_stand_alone(&identity, Attributes::new(Some(&attributes)), &providers, address);
        (
            arrival.identity.map(|identity| format!("{}/{}", identity.provider(), identity.value())),
            matches!(arrival.email, EmailClaim::Proven(_)),
        )
    }

    #[test]
    fn a_stand_alone_profile_arrives_with_its_own_provider_and_spelling() {
        let read = |provider| stored(provider, "true", StoredAddress::MayBeChanged);
        assert_eq!(read("Corp"), (Ok("Corp/EU_aBc".into()), true));
        assert_eq!(read("Corp_EU"), (Ok("Corp_EU/EU_aBc".into()), false));
        assert_eq!(read("Corp_E"), (Err(Unlinkable::UnlistedProvider), false));
    }

    #[test]
    fn a_stored_address_that_anybody_may_have_written_is_no_proof() {
        assert!(!stored("Facebook", "false", StoredAddress::MayBeChanged).1);
        assert!(stored("Facebook", "false", StoredAddress::FromProvider).1);
        assert!(stored("Facebook", "true", StoredAddress::MayBeChanged).1);
        assert!(!stored("Corp", "false", StoredAddress::FromProvider).1);
    }

    #[test]
    fn a_subject_that_completes_the_name_of_another_provider_proves_and_links_nothing() {
        let providers = Providers::parse("Corp:never,Corp_EU:always").unwrap();
        let attributes = json!({"email": "ada@example.com", "email_verified": "true"});
        for user_name in ["Corp_EU_mallory", "corp_eu_mallory"] {
            let arrival =
                Arrival::read(user_name, Attributes::new(Some(&attributes)), &providers, &SubjectRule::default());
            assert_eq!(arrival.identity, Err(Unlinkable::AmbiguousProvider));
            assert!(matches!(arrival.email, EmailClaim::Unproven(_)));
        }
    }

    #[test]
    fn an_identity_beyond_cognitos_length_is_not_linkable() {
        let name = format!("google_{}", "1".repeat(120));
        assert_eq!(read(&name, &json!({}), &SubjectRule::default()), Err(Unlinkable::TooLong));
    }
}
