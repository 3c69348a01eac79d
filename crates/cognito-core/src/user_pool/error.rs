use crate::failure::{Failure, Kind, Words};
use crate::next_function::REFUSED;
use std::fmt;

/// What kind of error it is. AWS's texts never decide it, because AWS changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolErrorKind {
    /// The user name is taken.
    UserNameExists,
    /// The e-mail address is another profile's alias, or the identity is another profile's.
    AliasExists,
    /// The user name is the `sub` of another profile, which a call might reach instead. Our own check, not AWS's.
    BorrowedSub,
    /// Another profile has the user name as an alias, and calls reach that one. Our own check, not AWS's.
    HiddenByAlias,
    /// There is no such profile, or it was deleted.
    UserNotFound,
    /// No such group, provider or pool.
    ResourceNotFound,
    /// Cognito does not accept the parameters in the pool's current state.
    InvalidParameter,
    /// A limit of the profile is reached.
    LimitExceeded,
    /// The function's role, or the pool's configuration, does not allow the call.
    Denied,
    /// Cognito called a trigger of the pool, and its function refused.
    TriggerRefused,
    /// There were too many calls, and the SDK's retries did not help.
    Throttled,
    /// AWS or the network failed, and the SDK's retries did not help.
    Unavailable,
    /// Anything else.
    Other,
}

impl PoolErrorKind {
    /// Whether a call with the user name would change another profile. Trying again does not help.
    #[must_use]
    pub fn reaches_another(self) -> bool {
        matches!(self, Self::BorrowedSub | Self::HiddenByAlias)
    }
}

/// A call to the user pool that failed.
///
/// It names the operation, AWS's error code and the request id. AWS's message is left out: it
/// may repeat user names, addresses and subjects. Only what the team's own function says to the person is kept, for that
/// person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolError {
    kind: PoolErrorKind,
    operation: &'static str,
    code: String,
    request_id: Option<String>,
    words: Option<Words>,
}

impl PoolError {
    /// An error of `operation` with AWS's error code.
    #[must_use]
    pub fn new(kind: PoolErrorKind, operation: &'static str, code: impl Into<String>) -> Self {
        Self { kind, operation, code: code.into(), request_id: None, words: None }
    }

    /// Adds the AWS request id.
    #[must_use]
    pub fn with_request_id(mut self, id: Option<&str>) -> Self {
        self.request_id = id.map(str::to_owned);
        self
    }

    /// Adds what the function of a trigger says to the person, out of AWS's message.
    #[must_use]
    pub fn with_words(mut self, message: Option<&str>) -> Self {
        self.words = message.and_then(said).map(Words::new);
        self
    }

    /// What the error means.
    #[must_use]
    pub fn kind(&self) -> PoolErrorKind {
        self.kind
    }

    /// Whether a call to unlink an identity found no such link. Cognito has no error of its own for that.
    #[must_use]
    pub fn is_not_linked(&self) -> bool {
        use PoolErrorKind::{InvalidParameter, ResourceNotFound, UserNotFound};
        matches!(self.kind, ResourceNotFound | UserNotFound | InvalidParameter)
    }

    /// The operation that failed, such as `ListUsers`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// AWS's error code, or what failed on the way.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether the same call may succeed a little later although nobody changes anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, PoolErrorKind::Throttled | PoolErrorKind::Unavailable)
    }

    /// The failure for the person signing in: what the team's function says, try again, or misconfigured.
    #[must_use]
    pub fn into_failure(mut self) -> Failure {
        if let Some(words) = self.words.take() {
            return Failure::in_words_of_another(REFUSED, self, words);
        }
        let kind = if self.is_transient() { Kind::TRY_AGAIN } else { Kind::MISCONFIGURED };
        Failure::because(kind, self)
    }
}

/// What a function threw: Cognito writes `PreSignUp failed with error` before it, and a full stop after it.
fn said(message: &str) -> Option<&str> {
    let (_, words) = message.split_once(" failed with error ")?;
    words.strip_suffix('.')
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.code)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PoolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_teams_function_says_reaches_the_person_and_no_log() {
        let refused = |message| {
            PoolError::new(PoolErrorKind::TriggerRefused, "AdminCreateUser", "UserLambdaValidationException")
                .with_words(message)
        };
        let error = refused(Some("PreSignUp failed with error Not for ada@example.com.."));
        assert!(!format!("{error:?} {error}").contains("ada@"), "{error:?}");
        let failure = error.into_failure();
        assert_eq!((failure.kind(), failure.public_text()), (REFUSED, "Not for ada@example.com."));
        assert!(!format!("{failure:?} {}", failure.cause_chain()).contains("ada@"), "{failure:?}");
        // Where AWS writes it in another way, the person sees a text of ours.
        for other in [None, Some(""), Some("PreSignUp invocation failed"), Some("x failed with error y")] {
            assert_eq!(refused(other).into_failure().public_text(), Kind::MISCONFIGURED.message);
        }
    }
}
