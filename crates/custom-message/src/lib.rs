//! Custom message trigger: writes the mails and SMS that Cognito sends.
//!
//! A text that Cognito would refuse is never returned: an own template falls back to the built-in one, and the
//! built-in one to Cognito's default (the member of `response` stays null). Each fall is one error in the log
//! with the code [`TEMPLATE_PASSED_OVER`], which metrics and alarms count.

use cognito_core::event::{Event, TriggerSource};
use cognito_core::failure::Failure;
use cognito_core::settings::{Lookup, SettingError};
use cognito_core::trigger::{Clock, Trigger};
use messages::{Answer, Kind, Messages, Person, Request, Settings};

/// `error_code` of the log line written for each template that could not be used for a message.
pub const TEMPLATE_PASSED_OVER: &str = "template_passed_over";
/// `error_code` of the log line written at start for each file of `TEMPLATE_DIR` that cannot be used.
pub const TEMPLATE_UNUSABLE: &str = "template_unusable";

/// The trigger, with its templates parsed.
#[derive(Debug)]
pub struct CustomMessage {
    messages: Messages,
}

impl CustomMessage {
    /// Reads the settings and parses the templates. Files of `TEMPLATE_DIR` that cannot be used are logged;
    /// the built-in templates stand in for them.
    ///
    /// # Errors
    ///
    /// The first setting with a value that is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let messages = Messages::new(Settings::from_lookup(lookup)?);
        for problem in messages.problems() {
            tracing::error!(error_code = TEMPLATE_UNUSABLE, "{problem}");
        }
        Ok(Self { messages })
    }

    /// Writes the message that `event` asks for; empty for an event of another trigger.
    #[must_use]
    pub fn answer(&self, event: &Event) -> Answer {
        let Some(kind) = Kind::from_trigger_source(event.source()) else { return Answer::default() };
        let attributes = event.user_attributes();
        let locales: Vec<&str> =
            [event.client_metadata(), attributes].into_iter().filter_map(|texts| texts.text("locale")).collect();
        let parameter = |name| event.request(name).and_then(|value| value.as_str());
        self.messages.answer(&Request {
            kind,
            person: Person {
                name: attributes.text("given_name").or_else(|| attributes.text("name")),
                username: event.user_name(),
                email: attributes.text("email"),
                locales: &locales,
            },
            code_parameter: parameter("codeParameter"),
            username_parameter: parameter("usernameParameter"),
            link_parameter: parameter("linkParameter"),
        })
    }
}

impl Trigger for CustomMessage {
    fn handles(&self, source: TriggerSource) -> bool {
        Kind::from_trigger_source(source).is_some()
    }

    async fn handle(&self, event: &mut Event, _clock: Clock) -> Result<(), Failure> {
        let answer = self.answer(event);
        for fall in &answer.falls {
            tracing::error!(error_code = TEMPLATE_PASSED_OVER, message_kind = fall.kind.name(), "{fall}");
        }
        if let Some(email) = answer.email {
            event.respond("emailSubject", email.subject);
            event.respond("emailMessage", email.html);
        }
        if let Some(sms) = answer.sms {
            event.respond("smsMessage", sms);
        }
        Ok(())
    }
}
