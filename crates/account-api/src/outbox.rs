//! Writes mails from the templates and hands them to the mailer.

use crate::mailer::Mailer;
use crate::problem::{Code, Problem};
use cognito_core::email::Email;
use messages::{Mail, Messages, Person};
use std::sync::Arc;

/// The `error_code` that is logged for each template that could not be used for a mail.
const TEMPLATE_PASSED_OVER: &str = "template_passed_over";

/// The texts of mails, and the mailer that sends them.
pub(crate) struct Outbox {
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) messages: Messages,
}

impl Outbox {
    /// The link in a mail, for a person who gets it in another way.
    pub(crate) fn link(&self, mail: &Mail<'_>, person: &Person<'_>) -> Option<String> {
        self.messages.link(mail, person)
    }

    /// Sends a mail to somebody who reads these languages, best first. Its link names the app client.
    pub(crate) async fn send_in(
        &self,
        locales: &[String],
        to: &Email,
        mail: &Mail<'_>,
        link_client: Option<&str>,
    ) -> Result<(), Problem> {
        let locales: Vec<_> = locales.iter().map(String::as_str).collect();
        self.send(to, mail, Person { locales: &locales, link_client, ..Person::default() }).await
    }

    /// Writes a mail and sends it. The address in it is the one that it goes to.
    pub(crate) async fn send(&self, to: &Email, mail: &Mail<'_>, person: Person<'_>) -> Result<(), Problem> {
        let person = Person { email: Some(to.as_str()), ..person };
        let letter =
            self.messages.letter(mail, &person).map_err(|why| Problem::from(Code::Misconfigured).because(&why))?;
        for template in &letter.skipped {
            let (kind, cause) = (template.kind.name(), template.to_string());
            tracing::error!(error_code = TEMPLATE_PASSED_OVER, kind, cause, "a template was skipped");
        }
        Ok(self.mailer.send(to, &letter).await?)
    }
}
