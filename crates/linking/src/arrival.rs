use cognito_core::email::EmailClaim;
use cognito_core::event::Attributes;
use cognito_core::provider::{LinkBy, Provider, Providers, SourceIdentity, unlisted_claim};

/// A federated identity that signs in and has no profile and no link yet.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What a link would tie, or why there is nothing to rely on.
    pub identity: Result<SourceIdentity, Unlinkable>,
    /// The address, and whether it is proven.
    pub email: EmailClaim,
}

/// Why an identity cannot be linked, whatever the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unlinkable {
    /// The provider is not configured, so nothing says where its name ends and the subject begins.
    UnlistedProvider,
    /// The subject may have lost the case of its letters on the way. A link with the wrong case is
    /// accepted, and every later sign-in then fails.
    UnreliableSubject,
    /// The provider links by an attribute that did not come along.
    MissingAttribute,
    /// Beyond the 128 characters that Cognito takes.
    TooLong,
}

/// When a subject can be relied on.
///
/// A pool that ignores case lower-cases the user name it sends to triggers, and the subject in
/// it, while links and later sign-ins compare subjects by case.
#[derive(Clone, Debug, Default)]
pub struct SubjectRule {
    /// The pool keeps the case of user names.
    pub pool_is_case_sensitive: bool,
    /// The attribute that carries the raw subject, filled by the inbound federation trigger or by
    /// an attribute mapping.
    pub raw_subject_attribute: Option<String>,
}

impl Arrival {
    /// Reads the user name and attributes of a `PreSignUp_ExternalProvider` event.
    #[must_use]
    pub fn read(user_name: &str, attributes: Attributes<'_>, providers: &Providers, rule: &SubjectRule) -> Self {
        match providers.split_user_name(user_name) {
            None => Self { identity: Err(Unlinkable::UnlistedProvider), email: unlisted_claim(attributes) },
            Some((provider, subject)) => Self {
                identity: link_value(provider, subject, attributes, rule)
                    .and_then(|value| SourceIdentity::new(provider, value).map_err(|_| Unlinkable::TooLong)),
                email: provider.claim(attributes),
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
    if let LinkBy::Attribute(name) = &provider.link_by {
        return attributes.text(name).ok_or(Unlinkable::MissingAttribute);
    }
    if let Some(raw) = rule.raw_subject_attribute.as_deref().and_then(|name| attributes.text(name)) {
        // The raw subject must be the one of this sign-in, or somebody else's would be linked.
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

    #[test]
    fn an_identity_beyond_cognitos_length_is_not_linkable() {
        let name = format!("google_{}", "1".repeat(120));
        assert_eq!(read(&name, &json!({}), &SubjectRule::default()), Err(Unlinkable::TooLong));
    }
}
