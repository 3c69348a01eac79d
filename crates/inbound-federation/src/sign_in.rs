//! Reads the documents of one sign-in, and decides what to store of them.

use crate::Settings;
use cognito_core::email::{Email, InvalidEmail, MultipleEmails};
use cognito_core::event::{Event, is_true};
use cognito_core::provider::ClaimNames;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The longest attribute value that Cognito stores, in characters (API model, `AttributeValueType`). With a longer one,
/// the sign-in would fail.
const MAX_VALUE_CHARS: usize = 2048;

pub(crate) const EMAIL: &str = "email";
pub(crate) const EMAIL_VERIFIED: &str = ClaimNames::EMAIL_VERIFIED;

/// The claims with the subject: Facebook calls it `id`, Login with Amazon `user_id`.
pub(crate) const SUBJECTS: [&str; 3] = ["sub", "id", "user_id"];

/// The claims that the address and its proof are in.
struct Names<'a> {
    /// The claims that may have the address: the first that has one counts. Pools map them to `email`.
    email: Vec<&'a str>,
    /// Whether the operator named this provider's own claim. The pool may map it, or `email`, which then is the same.
    own_email: bool,
    /// The claim that says whether the address is verified.
    proof: &'a str,
}

impl<'a> Names<'a> {
    fn new(usual: Vec<&'a str>, own: Option<&'a ClaimNames>) -> Self {
        let own_email = own.and_then(|own| own.email.as_deref());
        Self {
            own_email: own_email.is_some(),
            email: own_email.map_or(usual, |own| vec![own]),
            proof: own.map_or(EMAIL_VERIFIED, |own| &own.email_verified),
        }
    }

    /// The address that the claims hold.
    fn address(&self, claims: &Map<String, Value>, multiple: MultipleEmails) -> Option<Result<Email, InvalidEmail>> {
        self.email.iter().find_map(|name| Email::from_claim(claims.get(*name)?, multiple))
    }

    fn is_email(&self, name: &str) -> bool {
        self.email.contains(&name) || (self.own_email && name == EMAIL)
    }

    /// The provider's own claim for the proof, if it is not the usual one.
    fn own_proof(&self) -> Option<&'a str> {
        Some(self.proof).filter(|proof| *proof != EMAIL_VERIFIED)
    }

    /// Whether the claims say that the address is not verified. A missing claim does not say so.
    fn deny(&self, claims: &Map<String, Value>) -> bool {
        [Some(EMAIL_VERIFIED), self.own_proof()].into_iter().flatten().any(|name| says_no(claims, name))
    }
}

/// The claims of one sign-in.
pub(crate) struct SignIn<'a> {
    pub(crate) claims: Map<String, Value>,
    /// The address. `None` if no claim has one.
    pub(crate) email: Option<Result<Email, InvalidEmail>>,
    /// The claim that says whether the address is verified, of the document with the address.
    pub(crate) email_verified: Option<Value>,
    /// Whether a document says that the address is not verified, or may be about another person.
    pub(crate) denied: bool,
    /// Why the user info answer is not trusted.
    pub(crate) distrusted: Option<&'static str>,
    /// The subject as the provider spells it.
    pub(crate) subject: Option<String>,
    names: Names<'a>,
    /// Whether some claims must not be stored. Then the answer must not be empty.
    narrowed: bool,
}

impl<'a> SignIn<'a> {
    /// Reads the ID token and the user info, or the SAML response, of a provider of this name. Returns `None` if there is
    /// none of them.
    pub(crate) fn read(event: &Event, provider: &str, settings: &'a Settings) -> Option<Self> {
        let attributes = event.request("attributes")?;
        let (own, multiple) = (settings.email_claims.of(provider), settings.multiple_emails);
        let document = |name: &str| attributes.get(name).and_then(Value::as_object).filter(|claims| !claims.is_empty());
        // Some senders have a member for each document, and leave those empty that they do not use.
        if let Some(saml) = document("samlResponse") {
            let names = Names::new(settings.saml_email_attributes.iter().map(String::as_str).collect(), own);
            let (email, proof, denied) = (names.address(saml, multiple), saml.get(names.proof), names.deny(saml));
            let sign_in = Self::new(saml.clone(), names, email, proof, denied);
            // The subject is the response's NameID, which does not come along. Any attribute may be called `id`.
            return Some(Self { subject: None, ..sign_in });
        }
        let names = Names::new(vec![EMAIL], own);
        let (id_token, user_info) = (document("idToken"), document("userInfo"));
        let agreement =
            id_token.zip(user_info).map_or(Agreement::Same, |(token, info)| Agreement::of(token, info, event));
        // OpenID Connect Core 5.3.2: the user info of another subject must not be used.
        let believed = user_info.filter(|_| agreement != Agreement::Other);
        let mut claims = Map::new();
        // The ID token comes last, because it is signed and wins, as it does in Cognito itself.
        for source in [believed, id_token].into_iter().flatten() {
            claims.extend(source.clone());
        }
        if claims.is_empty() {
            return None;
        }
        // An address from one document and a verification from the other prove nothing together, unless both have the
        // address. Two documents that contradict each other prove nothing either.
        let documents = [id_token, believed].into_iter().flatten();
        let found = documents
            .clone()
            .find_map(|document| names.address(document, multiple).map(|email| (email, document.get(names.proof))));
        let (email, mut email_verified) = found.map_or((None, None), |(email, claim)| (Some(email), claim));
        if agreement == Agreement::Same
            && let (None, Some(Ok(email)), Some(other)) = (email_verified, &email, believed)
            && names.address(other, multiple).is_some_and(|same| same.as_ref() == Ok(email))
        {
            email_verified = other.get(names.proof);
        }
        let of_user_info = id_token.is_some_and(|token| names.address(token, multiple).is_none());
        let unknown = agreement == Agreement::Unknown && of_user_info && email.is_some();
        let denied = unknown || documents.clone().any(|document| names.deny(document));
        let mut sign_in = Self::new(claims, names, email, email_verified, denied);
        sign_in.distrusted = match agreement {
            Agreement::Other => Some("its subject is not that of the ID token, so none of it is stored"),
            Agreement::Unknown if unknown => Some("the address is from the user info, which names no subject"),
            Agreement::Same | Agreement::Unknown => None,
        };
        sign_in.narrowed = agreement == Agreement::Other;
        Some(sign_in)
    }

    fn new(
        claims: Map<String, Value>,
        names: Names<'a>,
        email: Option<Result<Email, InvalidEmail>>,
        email_verified: Option<&Value>,
        denied: bool,
    ) -> Self {
        Self {
            email,
            email_verified: email_verified.cloned(),
            denied,
            distrusted: None,
            subject: subject(&claims).map(Cow::into_owned),
            names,
            narrowed: false,
            claims,
        }
    }

    /// The answer for a sign-in without an address: all claims except a true proof. The profile keeps the
    /// address of an earlier sign-in, perhaps from another provider, and Cognito would store this claim beside that
    /// address. Leaving it out keeps the stored value.
    pub(crate) fn without_address(mut self, provider: &str) -> Map<String, Value> {
        tracing::info!(decision = "keep_everything", provider, "decided");
        // Cognito would store an empty list as text.
        let blank = self.remove_email();
        let verified = self.remove_proof();
        if !(self.narrowed || blank || verified) {
            return Map::new();
        }
        self.leave_out_what_is_too_long(provider);
        self.never_empty();
        self.claims
    }

    /// Puts the address and its `email_verified` into the form to store, or leaves both out.
    pub(crate) fn correct_email(&mut self, proven: bool, stored: bool) {
        if !stored {
            self.remove_email();
            self.remove_proof();
            self.never_empty();
            return;
        }
        if let Some(Ok(email)) = &self.email {
            // If there are several SAML attributes, the pool may map another one than the one that was checked.
            for name in &self.names.email {
                if let Some(claim) = self.claims.get_mut(*name) {
                    *claim = email.to_lower_case().into();
                }
            }
            if self.names.own_email {
                self.claims.insert(EMAIL.to_owned(), email.to_lower_case().into());
            }
        }
        // The pool maps the one or the other.
        for name in [Some(EMAIL_VERIFIED), self.names.own_proof()].into_iter().flatten() {
            self.claims.insert(name.to_owned(), proven.to_string().into());
        }
    }

    pub(crate) fn leave_out_what_is_too_long(&mut self, provider: &str) {
        let before = self.claims.len();
        let fits = |value: &Value| value.as_str().is_none_or(|text| text.chars().count() <= MAX_VALUE_CHARS);
        self.claims.retain(|_, value| fits(value));
        let left_out = before - self.claims.len();
        if left_out > 0 {
            tracing::warn!(provider, left_out, "claims of more than {MAX_VALUE_CHARS} characters were left out");
        }
    }

    /// Whether a claim of this name holds the address.
    pub(crate) fn is_email(&self, name: &str) -> bool {
        name == EMAIL || self.names.is_email(name)
    }

    /// Whether a claim of this name says that the address is verified.
    pub(crate) fn is_proof(&self, name: &str) -> bool {
        name == EMAIL_VERIFIED || Some(name) == self.names.own_proof()
    }

    fn remove_email(&mut self) -> bool {
        let before = self.claims.len();
        self.claims.retain(|name, _| !self.names.is_email(name));
        self.claims.len() < before
    }

    /// Removes what says whether the address is verified. Returns whether something said that it is.
    fn remove_proof(&mut self) -> bool {
        let usual = self.claims.remove(EMAIL_VERIFIED);
        let own = self.names.own_proof().and_then(|name| self.claims.remove(name));
        [usual, own].into_iter().flatten().any(|claim| is_true(&claim))
    }

    /// With an empty answer, Cognito would store everything that came.
    fn never_empty(&mut self) {
        if self.claims.is_empty() {
            self.claims.insert(EMAIL_VERIFIED.to_owned(), "false".into());
        }
    }
}

/// Whether the user info is about the person that the ID token is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Same,
    Other,
    /// One of the two names no subject, which OpenID Connect does not allow.
    Unknown,
}

impl Agreement {
    fn of(id_token: &Map<String, Value>, user_info: &Map<String, Value>, event: &Event) -> Self {
        let sub = |claims| text_or_number(claims, SUBJECTS[0]);
        match (sub(id_token), sub(user_info)) {
            // A bridge may sign a token that names nobody. Then the user info is about the person whom Cognito signs in.
            (None, Some(subject)) if signs_in(event, &subject) => Self::Same,
            // Not even but for the case, which some pools do not keep.
            (None, Some(subject)) if names_another(event, &subject) => Self::Other,
            (Some(one), Some(other)) if one != other => Self::Other,
            (Some(one), _) if subject(user_info).as_ref() == Some(&one) => Self::Same,
            _ => Self::Unknown,
        }
    }
}

/// Whether the event is about the person with this subject. Cognito sends it bare; its documentation shows the provider's
/// name before it.
fn signs_in(event: &Event, subject: &str) -> bool {
    event.user_name().is_some_and(|name| name == subject || without_provider(event, name) == Some(subject))
}

/// Whether the event is about somebody, and not about the person with this subject, however it is spelled.
fn names_another(event: &Event, subject: &str) -> bool {
    event.user_name().is_some_and(|name| {
        let bare = without_provider(event, name);
        !name.eq_ignore_ascii_case(subject) && !bare.is_some_and(|bare| bare.eq_ignore_ascii_case(subject))
    })
}

/// The subject in a user name such as `Google_1234`, whatever the case of the provider's name.
fn without_provider<'a>(event: &Event, name: &'a str) -> Option<&'a str> {
    let provider = event.request("providerName").and_then(Value::as_str).unwrap_or_default();
    let (prefix, rest) = name.split_at_checked(provider.len())?;
    rest.strip_prefix('_').filter(|_| prefix.eq_ignore_ascii_case(provider))
}

fn subject(claims: &Map<String, Value>) -> Option<Cow<'_, str>> {
    SUBJECTS.iter().find_map(|name| text_or_number(claims, name))
}

/// A subject's text. Bridges to providers that count their people, such as GitHub, send a number.
fn text_or_number<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<Cow<'a, str>> {
    match claims.get(name)? {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) if !number.is_f64() => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

fn says_no(claims: &Map<String, Value>, name: &str) -> bool {
    let claim =
        claims.get(name).filter(|claim| !claim.is_null() && claim.as_str().is_none_or(|text| !text.trim().is_empty()));
    claim.is_some_and(|claim| !is_true(claim))
}
