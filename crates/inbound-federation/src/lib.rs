//! Inbound federation: sets `email_verified` to the truth before Cognito writes the profile.
//!
//! Cognito calls this trigger on every federated sign-in, after it verified the provider's answer and before it writes
//! the profile and issues tokens. The function returns the claims that it got and corrects three of them:
//! `email_verified` follows the same rule as linking, the address gets its plain spelling, and the raw subject is
//! added, because later triggers may see it only in lower case. Where the operator names other claims of a provider for
//! address and proof (`EMAIL_CLAIMS`), these are read, and both they and the usual ones are answered. It leaves out an address that is not proven, because
//! Cognito would overwrite the proven address of a linked account with it. It makes no API call.
//!
//! If the answer is not empty, Cognito stores only the claims in it, and the profile keeps its
//! other values. So the function returns every other claim too. If there is nothing to correct, it
//! returns an empty answer, and Cognito stores everything as it came.

mod next_function;
mod settings;
mod sign_in;

pub use settings::{NAMES, Settings};

use cognito_core::email::InvalidEmail;
use cognito_core::event::{Event, TriggerSource};
use cognito_core::failure::Failure;
use cognito_core::next_function::{Answers, Defaults};
use cognito_core::provider::{Provider, Trust};
use cognito_core::trigger::{Clock, Trigger};
use serde_json::{Map, Value};
use sign_in::SignIn;

/// The `error_code` of the warning about a claim that should have one address and has none or several.
pub const ADDRESS_UNUSABLE: &str = "address_unusable";
/// The `error_code` of the warning about a user info answer with another subject than the ID token.
pub const OTHER_SUBJECT: &str = "user_info_of_other_subject";

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

/// The member of the answer that holds the claims to store.
const MAP: &str = "userAttributesToMap";
/// What a provider that `PROVIDERS` does not have is called.
const UNLISTED: &str = "unlisted";

impl Trigger for InboundFederation {
    const CALLS_NEXT_FUNCTION: bool = cfg!(feature = "next-function");

    /// It changes claims as ours leaves them. Where it cannot be asked, nothing is stored that it would have changed.
    const NEXT_FUNCTION: Defaults = Defaults::CHANGES_AFTERWARDS;

    fn handles(&self, source: TriggerSource) -> bool {
        source == TriggerSource::InboundFederationExternalProvider
    }

    async fn handle(&self, event: &mut Event, _clock: Clock) -> Result<(), Failure> {
        let map = self.attributes_to_map(event);
        event.respond(MAP, map);
        Ok(())
    }

    fn overrule(&self, event: &Event, answers: &Answers) -> Map<String, Value> {
        let Some(theirs) = answers.theirs.get(MAP) else { return Map::new() };
        let ours = answers.ours.get(MAP).and_then(Value::as_object).cloned().unwrap_or_default();
        // By the name in the settings, as when ours answered: they say in which claims address and proof are.
        let provider = self.provider(event).map_or(UNLISTED, |provider| provider.name.as_str());
        let claims = next_function::claims(SignIn::read(event, provider, &self.settings), ours, theirs, &self.settings);
        // Also where they are the same: the text of theirs may name a claim twice, and who reads it may take the other one.
        Map::from_iter([(MAP.to_owned(), claims.into())])
    }
}

impl InboundFederation {
    /// The provider of this sign-in, if `PROVIDERS` has it.
    fn provider(&self, event: &Event) -> Option<&Provider> {
        let name = event.request("providerName").and_then(Value::as_str)?;
        self.settings.providers.named(name)
    }

    /// The claims to store for this sign-in. If they are empty, Cognito stores everything as it came.
    fn attributes_to_map(&self, event: &Event) -> Map<String, Value> {
        let provider = self.provider(event);
        let name = provider.map_or(UNLISTED, |provider| provider.name.as_str());
        let Some(mut sign_in) = SignIn::read(event, name, &self.settings) else {
            tracing::warn!(provider = name, "the event has neither claims nor SAML attributes, everything is kept");
            return Map::new();
        };
        if let Some(cause) = sign_in.distrusted {
            tracing::warn!(error_code = OTHER_SUBJECT, cause, provider = name, "the user info proves nothing");
        }
        let proven = match &sign_in.email {
            None => return sign_in.without_address(name),
            Some(Err(why)) => {
                warn_of_unusable(*why, name);
                false
            }
            Some(Ok(email)) => {
                let claim = sign_in.email_verified.as_ref();
                !sign_in.denied && provider.is_some_and(|provider| provider.proves(email, claim))
            }
        };
        // Pre sign-up takes every address of such a provider for proven, whatever the claim says. So an unproven one
        // must not be stored.
        let always = provider.is_some_and(|provider| match &sign_in.email {
            Some(Ok(email)) => provider.always_proves(email),
            _ => provider.trust == Trust::Always,
        });
        let stored = proven || (self.settings.store_unproven_email && !always);
        sign_in.correct_email(proven, stored);
        if let (Some(attribute), Some(subject)) = (&self.settings.subject_attribute, sign_in.subject.take()) {
            sign_in.claims.insert(attribute.clone(), subject.into());
        }
        sign_in.leave_out_what_is_too_long(name);
        let email = if stored { "stored" } else { "left_out" };
        tracing::info!(decision = "map_attributes", provider = name, email, email_verified = proven, "decided");
        sign_in.claims
    }
}

fn warn_of_unusable(why: InvalidEmail, provider: &str) {
    let cause = why.to_string();
    tracing::warn!(
        error_code = ADDRESS_UNUSABLE,
        cause,
        provider,
        "the e-mail claim is unusable, so it is never verified"
    );
}

#[cfg(test)]
mod tests;
