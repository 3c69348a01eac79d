//! Inbound federation: the truth about `email_verified`, before the profile is written.
//!
//! Cognito calls this trigger on every federated sign-in, after it verified the provider's answer
//! and before it writes the profile and issues tokens. The function answers with all claims that
//! came, and three of them put right: `email_verified` by the same rule that linking follows, the
//! address in its plain spelling, and the raw subject, which later triggers may only see in lower
//! case. It makes no API call.
//!
//! A non-empty answer is authoritative: a claim left out is not stored. So every claim goes back,
//! and an empty answer, which keeps everything as it came, is given where nothing is to put right.

mod settings;

pub use settings::{NAMES, Settings};

use cognito_core::event::{Attributes, Event, TriggerSource, is_true};
use cognito_core::failure::Failure;
use cognito_core::trigger::{Clock, Trigger};
use serde_json::{Map, Value};

/// The longest attribute value Cognito stores, in characters (API model, `AttributeValueType`). A
/// longer one would fail the sign-in.
const MAX_VALUE_CHARS: usize = 2048;

const EMAIL: &str = "email";
const EMAIL_VERIFIED: &str = "email_verified";

/// The trigger.
#[derive(Debug)]
pub struct InboundFederation {
    settings: Settings,
}

impl InboundFederation {
    /// A trigger with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Trigger for InboundFederation {
    fn handles(&self, source: TriggerSource) -> bool {
        source == TriggerSource::InboundFederationExternalProvider
    }

    async fn handle(&self, event: &mut Event, _clock: Clock) -> Result<(), Failure> {
        let map = self.attributes_to_map(event);
        event.respond("userAttributesToMap", map);
        Ok(())
    }
}

impl InboundFederation {
    /// What to store for this sign-in; empty means everything as it came.
    fn attributes_to_map(&self, event: &Event) -> Map<String, Value> {
        let provider =
            event.request("providerName").and_then(Value::as_str).and_then(|n| self.settings.providers.named(n));
        let name = provider.map_or("unlisted", |provider| provider.name.as_str());
        let Some(mut sign_in) = SignIn::read(event, &self.settings.saml_email_attributes) else {
            tracing::warn!(provider = name, "neither claims nor SAML attributes came along, everything is kept");
            return Map::new();
        };
        if sign_in.email.is_none() {
            return sign_in.without_a_claim_about_another_address(name);
        }
        let proof = provider.is_some_and(|provider| provider.is_proof(sign_in.email_verified.as_ref()));
        sign_in.put_email_right(proof);
        if let (Some(attribute), Some(subject)) = (&self.settings.subject_attribute, sign_in.subject.take()) {
            sign_in.claims.insert(attribute.clone(), subject.into());
        }
        sign_in.leave_out_what_is_too_long(name);
        tracing::info!(decision = "map_attributes", provider = name, email_verified = proof, "decided");
        sign_in.claims
    }
}

/// The claims of one sign-in.
struct SignIn {
    claims: Map<String, Value>,
    /// The claim that holds the address, and the address.
    email: Option<(String, String)>,
    /// What the document that the address is from says about it.
    email_verified: Option<Value>,
    /// The subject as the provider spells it.
    subject: Option<String>,
}

impl SignIn {
    fn read(event: &Event, saml_email_attributes: &[String]) -> Option<Self> {
        let attributes = event.request("attributes")?;
        if let Some(saml) = attributes.get("samlResponse").and_then(Value::as_object) {
            return Some(Self::new(saml.clone(), saml_email_attributes, &[]));
        }
        let user_info = attributes.get("userInfo").and_then(Value::as_object);
        let id_token = attributes.get("idToken").and_then(Value::as_object);
        let mut claims = Map::new();
        // In this order, because the ID token is signed and wins, as it does in Cognito itself.
        for source in [user_info, id_token].into_iter().flatten() {
            claims.extend(source.clone());
        }
        if claims.is_empty() {
            return None;
        }
        // Facebook's subject is `id`, that of Login with Amazon `user_id`.
        let mut sign_in = Self::new(claims, &[EMAIL.to_owned()], &["sub", "id", "user_id"]);
        // An address of one document and a verification of the other prove nothing together, and
        // where the two contradict each other nothing is proven either.
        let documents = [id_token, user_info].into_iter().flatten();
        let document = documents.clone().find(|document| document.contains_key(EMAIL));
        let denied = documents.filter_map(|document| document.get(EMAIL_VERIFIED)).any(|claim| !is_true(claim));
        let claim = document.and_then(|document| document.get(EMAIL_VERIFIED)).cloned();
        sign_in.email_verified = claim.filter(|_| !denied);
        Some(sign_in)
    }

    fn new(claims: Map<String, Value>, email_names: &[String], subject_names: &[&str]) -> Self {
        let text = Attributes::of(&claims);
        let email = email_names.iter().find_map(|name| {
            let address = text.text(name)?.trim();
            let fits = !address.is_empty() && address.chars().count() <= MAX_VALUE_CHARS;
            fits.then(|| (name.clone(), address.to_ascii_lowercase()))
        });
        let subject = subject_names.iter().find_map(|name| text.text(name)).map(str::to_owned);
        Self { email_verified: claims.get(EMAIL_VERIFIED).cloned(), claims, email, subject }
    }

    /// The answer where no address came along: everything as it came. But a profile keeps the
    /// address of an earlier sign-in, perhaps of another provider, and a bare `email_verified`
    /// would be stored beside that: so this one claim is left out, and what is stored stays.
    fn without_a_claim_about_another_address(mut self, provider: &str) -> Map<String, Value> {
        tracing::info!(decision = "keep_everything", provider, "decided");
        if self.claims.remove(EMAIL_VERIFIED).is_none_or(|claim| !is_true(&claim)) {
            return Map::new();
        }
        self.leave_out_what_is_too_long(provider);
        if self.claims.is_empty() {
            // An empty answer would keep the claim.
            self.claims.insert(EMAIL_VERIFIED.to_owned(), "false".into());
        }
        self.claims
    }

    fn put_email_right(&mut self, proof: bool) {
        if let Some((name, address)) = &self.email {
            self.claims.insert(name.clone(), address.clone().into());
        }
        self.claims.insert(EMAIL_VERIFIED.to_owned(), proof.to_string().into());
    }

    fn leave_out_what_is_too_long(&mut self, provider: &str) {
        let before = self.claims.len();
        let fits = |value: &Value| value.as_str().is_none_or(|text| text.chars().count() <= MAX_VALUE_CHARS);
        self.claims.retain(|_, value| fits(value));
        let left_out = before - self.claims.len();
        if left_out > 0 {
            tracing::warn!(provider, left_out, "claims of more than {MAX_VALUE_CHARS} characters were left out");
        }
    }
}

#[cfg(test)]
mod tests;
