//! How a function refuses or fails.
//!
//! Cognito shows an error's message to the person who signs in, sometimes in the query of a redirect, and adds a full
//! stop. So a message is a fixed text that anybody may read, without a full stop at its end. The cause goes only to the
//! log.

use std::error::Error;
use std::fmt;

/// A refusal or failure, as Lambda reports it.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    cause: Box<dyn Error + Send + Sync>,
    /// What the person sees in the place of the kind's text.
    words: Option<Words>,
}

/// What the team's own function says to the person. It may hold personal data, so no form that is logged shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Words(String);

impl Words {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(..)")
    }
}

/// One way to fail: a stable code for the log and `errorType`, and the public text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// A stable name in lower case with underscores. Metrics and alarms count it.
    pub code: &'static str,
    /// The text that the person sees.
    pub message: &'static str,
    /// Whether this is a decision about the sign-in. Otherwise something is broken.
    pub refusal: bool,
}

impl Kind {
    /// Time ran out, or AWS throttles or fails. The same sign-in will work later.
    pub const TRY_AGAIN: Self =
        Self { code: "try_again", message: "Signing in took too long, please try again", refusal: false };
    /// The function was called with something that is not a Cognito event.
    pub const NOT_A_COGNITO_EVENT: Self = Self {
        code: "not_a_cognito_event",
        message: "This function serves Amazon Cognito triggers only",
        refusal: false,
    };
    /// AWS refused a call because permissions or configuration are wrong. Trying again will not help.
    pub const MISCONFIGURED: Self = Self {
        code: "misconfigured",
        message: "Signing in is not possible at the moment, please contact support",
        refusal: false,
    };

    /// A decision against a sign-in.
    #[must_use]
    pub const fn refusal(code: &'static str, message: &'static str) -> Self {
        Self { code, message, refusal: true }
    }
}

impl Failure {
    /// A failure with its cause for the log. The cause's text must be free of personal data.
    #[must_use]
    pub fn because(kind: Kind, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, cause: cause.into(), words: None }
    }

    /// The refusal of another function, whose words the person is to see unchanged.
    pub(crate) fn in_words_of_another(
        kind: Kind,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
        words: Words,
    ) -> Self {
        Self { words: Some(words), ..Self::because(kind, cause) }
    }

    /// What the person is to see.
    #[must_use]
    pub fn public_text(&self) -> &str {
        self.words.as_ref().map_or(self.kind.message, |words| &words.0)
    }

    /// The stable code and its usual public text.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The cause and its causes, joined by colons.
    #[must_use]
    pub fn cause_chain(&self) -> String {
        let mut text = String::new();
        let mut next = Some(self.cause.as_ref() as &dyn Error);
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }

    /// Writes the one log line of this failure: a warning for a refusal, an error otherwise.
    pub fn log(&self) {
        let (code, cause) = (self.kind.code, self.cause_chain());
        if self.kind.refusal {
            tracing::warn!(error_code = code, cause, "refused");
        } else {
            tracing::error!(error_code = code, cause, "failed");
        }
    }
}

impl fmt::Display for Failure {
    /// The kind's public text only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_ref() as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_text_never_shows_the_cause_and_ends_without_a_full_stop() {
        let failure = Failure::because(Kind::MISCONFIGURED, "AdminLinkProviderForUser: AccessDeniedException");
        assert!(!failure.to_string().contains("AccessDenied"));
        assert!(failure.cause_chain().contains("AccessDenied"));
        for kind in [Kind::TRY_AGAIN, Kind::NOT_A_COGNITO_EVENT, Kind::MISCONFIGURED] {
            assert!(!kind.message.ends_with('.'));
            assert!(crate::testing::is_documented(kind), "docs/OUTCOMES.md lacks {}", kind.code);
        }
    }
}
