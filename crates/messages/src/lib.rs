//! Every mail and SMS: facts in, rendered text out.
//!
//! [`Messages`] holds the parsed templates and the settings. [`Messages::answer`] writes what Cognito is to
//! send (with Cognito's placeholders), [`Messages::letter`] what the account API sends itself (with the code or
//! link as it is). Neither does any I/O; `TEMPLATE_DIR` is read once, by [`Messages::new`].
//!
//! Three things hold whatever the input is:
//!
//! - A text that Cognito would refuse or that lacks the code is never returned: the next template is tried, and
//!   in the end there is no text, which leaves the message to Cognito.
//! - A value that a person chose is text: it is escaped in HTML, is one line, and can become neither a
//!   placeholder of Cognito nor an expression of a template.
//! - A message is entirely in one locale, and every built-in locale has every string: the build checks it.

mod cognito;
mod color;
mod context;
mod custom;
mod engine;
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

pub use cognito::{Answer, Email, Person, Request};
pub use color::Color;
pub use custom::Problem;
pub use kind::{Kind, Part};
pub use locale::{Direction, LOCALES, Locale, preferred};
pub use mail::{Letter, Mail, MailError};
pub use settings::{Branding, Settings, Style};
pub use skipped::{Reason, SkippedTemplate, Source};

use custom::CustomFiles;
use engine::Engine;

/// The messages, ready to be written. Made once at start; shared by reference.
#[derive(Debug)]
pub struct Messages {
    settings: Settings,
    engine: Engine,
}

impl Messages {
    /// Parses the built-in templates and those of `settings.template_dir`. What is wrong with a template is
    /// kept in [`problems`](Self::problems), because another can stand in for it.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let files = settings.template_dir.as_deref().map(CustomFiles::read).unwrap_or_default();
        Self { engine: Engine::new(files), settings }
    }

    /// What was wrong with files of `TEMPLATE_DIR`: to be logged as errors at start.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.engine.problems()
    }

    /// The settings the messages were made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Writes the e-mail and SMS that Cognito is to send.
    #[must_use]
    pub fn answer(&self, request: &Request<'_>) -> Answer {
        cognito::answer(&self.engine, &self.settings, request)
    }

    /// Writes a mail of the account API.
    ///
    /// # Errors
    ///
    /// The code or link is not fit for a mail, or no template gave a text that passes.
    pub fn letter(&self, mail: &Mail<'_>, person: &Person<'_>) -> Result<Letter, MailError> {
        mail::letter(&self.engine, &self.settings, mail, person)
    }
}
