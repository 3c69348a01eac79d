//! Custom message: writes the mails and SMS that Cognito sends.
//!
//! The function never returns a text that Cognito would refuse, or that lacks the code. If a custom template fails, the
//! built-in one replaces it. If that fails too, Cognito sends its own message (the member of `response` stays null).
//! Each fallback is one error in the log with the code [`TEMPLATE_PASSED_OVER`], which metrics and alarms count.

use cognito_core::event::{Event, TriggerSource};
use cognito_core::failure::{Failure, Kind as FailureKind};
use cognito_core::next_function::Answers;
use cognito_core::settings::{Overrides, PAGES_RETURN_URL};
use cognito_core::trigger::{Clock, Trigger};
use messages::{Answer, Kind, Messages, Part, Person, Request};
use serde_json::{Map, Value};

mod settings;

pub use settings::{DirectEmailChange, NAMES, Settings};

/// The refusal of a code for an address or phone number that a person with an access token wrote to their own account.
const CHANGE_ELSEWHERE: FailureKind =
    FailureKind::refusal("direct_email_change", "Please change your email address on your account page");

/// The names under which applications pass the language, in order of preference.
const LANGUAGES: [&str; 4] = ["locale", "lang", "language", "ui_locales"];

/// The name under which the pages pass the app client that people came with.
const RETURN_CLIENT: &str = "return_client";

/// The `error_code` that is logged for each template that could not be used for a message.
pub const TEMPLATE_PASSED_OVER: &str = "template_passed_over";
/// The `error_code` that is logged at start for each file of `TEMPLATE_DIR` that cannot be used.
pub const TEMPLATE_UNUSABLE: &str = "template_unusable";

/// The trigger, with its templates parsed.
#[derive(Debug)]
pub struct CustomMessage {
    messages: Messages,
    direct_email_change: DirectEmailChange,
    overrides: Overrides,
}

impl CustomMessage {
    /// A trigger with these settings. Reads `TEMPLATE_DIR`. It logs files that cannot be used, and the built-in
    /// templates replace them.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let messages = Messages::new(settings.messages);
        for problem in messages.problems() {
            let cause = problem.to_string();
            tracing::error!(error_code = TEMPLATE_UNUSABLE, cause, "a template cannot be used");
        }
        Self { messages, direct_email_change: settings.direct_email_change, overrides: settings.overrides }
    }

    /// Refuses to send the code for a changed address. Otherwise an access token would be enough to change it, and
    /// nobody would tell the old address. Cognito does not say whether the code is for an address or a phone number, so
    /// both are refused. Changes by administrators and the account API pass: no app client makes them, and an address
    /// that is set as verified needs no code. Federated sign-ins need no code either.
    fn refuse_direct_change(&self, event: &Event) -> Result<(), Failure> {
        let asks = matches!(
            event.source(),
            TriggerSource::CustomMessageUpdateUserAttribute | TriggerSource::CustomMessageVerifyUserAttribute
        );
        if asks && self.direct_email_change == DirectEmailChange::Refuse && event.client_id().is_some() {
            return Err(Failure::because(CHANGE_ELSEWHERE, "DIRECT_EMAIL_CHANGE refuses it"));
        }
        Ok(())
    }

    /// Writes the message that `event` asks for. The answer to an event of another trigger is empty.
    #[must_use]
    pub fn answer(&self, event: &Event) -> Answer {
        let Some(kind) = Kind::from_trigger_source(event.source()) else { return Answer::default() };
        let attributes = event.user_attributes();
        let metadata = event.client_metadata();
        let wishes = LANGUAGES.iter().filter_map(|name| metadata.text(name)).chain(attributes.text("locale"));
        let locales: Vec<&str> = wishes.flat_map(messages::preferred).collect();
        let client_id = event.client_id();
        let mut request = request(event, kind, &locales, client_id.as_deref());
        // The pages have an app client of their own, and say which one people came with. Anybody can say anything there,
        // so only a client of the settings counts.
        let is_known = |id: &&str| self.overrides.of_client(event.user_pool_id(), id, PAGES_RETURN_URL).is_some();
        request.person.link_client =
            [metadata.text(RETURN_CLIENT), client_id.as_deref()].into_iter().flatten().find(is_known);
        self.messages.answer(&request)
    }
}

/// What `event` asks for, in the languages `locales`.
fn request<'a>(event: &'a Event, kind: Kind, locales: &'a [&'a str], client_id: Option<&'a str>) -> Request<'a> {
    let attributes = event.user_attributes();
    let parameter = |name| event.request(name).and_then(Value::as_str);
    Request {
        kind,
        person: Person {
            name: attributes.text("given_name").or_else(|| attributes.text("name")),
            username: event.user_name(),
            email: attributes.text("email"),
            locales,
            client_id,
            link_client: None,
        },
        code_parameter: parameter("codeParameter"),
        username_parameter: parameter("usernameParameter"),
        link_parameter: parameter("linkParameter"),
    }
}

/// The members of the answer, and what each is.
const TEXTS: [(&str, Part); 3] = [(MESSAGE, Part::Html), (SUBJECT, Part::Subject), ("smsMessage", Part::Sms)];
const MESSAGE: &str = "emailMessage";
const SUBJECT: &str = "emailSubject";

/// The texts of the team's own function that do not count: those that Cognito would refuse, or that lack the code. A
/// subject goes with its message.
fn overruled(event: &Event, answers: &Answers) -> Map<String, Value> {
    let mut overruled = Map::new();
    let Some(kind) = Kind::from_trigger_source(event.source()) else { return overruled };
    let request = request(event, kind, &[], None);
    for (member, part) in TEXTS {
        let Some(text) = answers.theirs.get(member) else { continue };
        let cause = match text.as_str().map(|text| messages::check(&request, part, text)) {
            Some(Ok(())) if part != Part::Subject || !overruled.contains_key(MESSAGE) => continue,
            Some(Ok(())) => "its message is not sent".to_owned(),
            Some(Err(reason)) => reason.to_string(),
            None => "it is not a text".to_owned(),
        };
        tracing::info!(member, cause, "a text of the next function cannot be sent");
        overruled.insert(member.to_owned(), answers.ours.get(member).cloned().unwrap_or_default());
    }
    overruled
}

impl Trigger for CustomMessage {
    const CALLS_NEXT_FUNCTION: bool = cfg!(feature = "next-function");

    /// A fault in the team's texts must not keep a code from somebody.
    const OURS_STANDS_IN: bool = true;

    fn handles(&self, source: TriggerSource) -> bool {
        Kind::from_trigger_source(source).is_some()
    }

    async fn handle(&self, event: &mut Event, _clock: Clock) -> Result<(), Failure> {
        self.refuse_direct_change(event)?;
        let answer = self.answer(event);
        for template in &answer.skipped {
            let (kind, cause) = (template.kind.name(), template.to_string());
            tracing::error!(error_code = TEMPLATE_PASSED_OVER, kind, cause, "a template was skipped");
        }
        if let Some(email) = answer.email {
            event.respond(SUBJECT, email.subject);
            event.respond(MESSAGE, email.html);
        }
        if let Some(sms) = answer.sms {
            event.respond("smsMessage", sms);
        }
        Ok(())
    }

    fn overrule(&self, event: &Event, answers: &Answers) -> Map<String, Value> {
        overruled(event, answers)
    }
}

#[cfg(test)]
mod tests;
