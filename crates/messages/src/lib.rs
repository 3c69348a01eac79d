//! Writes every mail and SMS: facts in, rendered text out.
//!
//! [`Messages`] holds the parsed templates and the settings. [`Messages::answer`] writes the texts that Cognito sends,
//! with Cognito's placeholders. [`Messages::letter`] writes the mails that the account API sends itself, with the real
//! code or link. Neither does any I/O. [`Messages::new`] reads `TEMPLATE_DIR` once.
//!
//! Three things hold for any input:
//!
//! - A text that Cognito would refuse, or that lacks the code, is never returned. The next template is tried instead.
//!   If all fail, there is no text, and Cognito sends its own message.
//! - A value that a person chose stays text. It is escaped in HTML, is one line, and cannot become a placeholder of
//!   Cognito or an expression of a template.
//! - A message is entirely in one locale. The build checks that every built-in locale has every string.

mod cognito;
mod color;
mod context;
mod custom;
mod engine;
mod form;
#[cfg(feature = "gallery")]
pub mod gallery;
mod kind;
pub mod limits;
mod link;
mod locale;
mod mail;
mod personal;
mod placeholder;
pub mod settings;
mod skipped;
pub mod sms;
mod writer;

pub use cognito::{Answer, Email, Person, Request, check};
pub use color::Color;
pub use custom::Problem;
pub use form::FormsOfAddress;
pub use kind::{Kind, Part};
pub use locale::{Direction, INFORMAL, LOCALES, Locale, preferred};
pub use mail::{Letter, Mail, MailError};
pub use settings::{Branding, Settings, Style};
pub use skipped::{Reason, SkippedTemplate, Source};

use custom::CustomFiles;
use engine::Engine;

/// The parsed templates and the settings. Made once at start and shared by reference.
#[derive(Debug)]
pub struct Messages {
    settings: Settings,
    engine: Engine,
}

impl Messages {
    /// Parses the built-in templates and those of `settings.template_dir`. A template that cannot be used is not an
    /// error, because another one replaces it; [`problems`](Self::problems) lists it.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let files = settings.template_dir.as_deref().map(CustomFiles::read).unwrap_or_default();
        Self { engine: Engine::new(files), settings }
    }

    /// The files of `TEMPLATE_DIR` that cannot be used. Log them as errors at start.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.engine.problems()
    }

    /// The settings of the messages.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Writes the e-mail and SMS for Cognito to send.
    #[must_use]
    pub fn answer(&self, request: &Request<'_>) -> Answer {
        cognito::answer(&self.engine, &self.settings, request)
    }

    /// Writes a mail of the account API.
    ///
    /// # Errors
    ///
    /// Returns [`MailError`] if the code may not be put into a mail, if the mail needs a link and `APP_URL` is unset,
    /// or if no template gave a text that passes the checks.
    pub fn letter(&self, mail: &Mail<'_>, person: &Person<'_>) -> Result<Letter, MailError> {
        mail::letter(&self.engine, &self.settings, mail, person)
    }

    /// The link in a mail of the account API, to hand it over in another way. `None` if the mail has no link.
    #[must_use]
    pub fn link(&self, mail: &Mail<'_>, person: &Person<'_>) -> Option<String> {
        mail::link(&self.settings, mail, person)
    }
}
