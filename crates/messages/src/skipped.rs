//! Why a template was skipped.

use std::fmt;

use crate::kind::{Kind, Part};

/// One template that could not be used for a message, so the next one was tried. The order is: the custom template, the
/// built-in one, Cognito's own message. It contains no personal data and no code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedTemplate {
    /// The message.
    pub kind: Kind,
    /// Which of its texts.
    pub part: Part,
    /// The template that was skipped.
    pub from: Source,
    /// What was wrong with it.
    pub reason: Reason,
}

impl fmt::Display for SkippedTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {}: {} {}", self.kind.name(), self.from, self.reason)
    }
}

/// Where a template comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file of `TEMPLATE_DIR`, by its path there.
    Custom(String),
    /// A template of this crate, in the locale with this tag.
    BuiltIn(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(file) => write!(f, "the template {file:?}"),
            Self::BuiltIn(tag) => write!(f, "the built-in template ({tag})"),
        }
    }
}

/// What was wrong with a template or with the text that it gave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The template does not parse, or names something that does not exist. The engine's own description is left out,
    /// because it may quote a value.
    #[error("fails: {problem} in {file:?}, line {line}")]
    Template {
        /// The kind of failure.
        problem: String,
        /// The template that failed, which may be an included one.
        file: String,
        /// The line in that file, from 1. 0 if it is unknown.
        line: usize,
    },
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The code is missing. Cognito would have nothing to replace.
    #[error("does not contain the code; write {{{{ code }}}}")]
    NoCode,
    /// The user name is missing. Cognito requires it in an administrator's invitation.
    #[error("does not contain the user name; write {{{{ username }}}}")]
    NoUsername,
    /// The link is missing. The message is useless without it.
    #[error("does not contain the link; write {{{{ link }}}}")]
    NoLink,
    /// More characters than Cognito allows.
    #[error("is {length} characters long; allowed: {limit}")]
    TooLong {
        /// Characters, counted as in [`crate::limits`].
        length: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// Fewer characters than Cognito allows.
    #[error("is {length} characters long; needed: {limit}")]
    TooShort {
        /// Characters, counted as in [`crate::limits`].
        length: usize,
        /// The fewest that are allowed.
        limit: usize,
    },
    /// The event has no `codeParameter`.
    #[error("cannot be used: the event has no codeParameter")]
    EventWithoutCode,
    /// The event has no `usernameParameter`, but the message must show it.
    #[error("cannot be used: the event has no usernameParameter")]
    EventWithoutUsername,
}

impl Reason {
    pub(crate) fn from_engine(error: &minijinja::Error) -> Self {
        Self::Template {
            problem: error.kind().to_string(),
            file: error.name().unwrap_or_default().to_owned(),
            line: error.line().unwrap_or_default(),
        }
    }
}
