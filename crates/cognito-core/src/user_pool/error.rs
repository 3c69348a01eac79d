use std::fmt;

/// What kind of error it is. Message texts are never read, because AWS changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolErrorKind {
    /// The user name is taken.
    UserNameExists,
    /// The e-mail address is another profile's alias, or the identity is another profile's.
    AliasExists,
    /// The user name is the `sub` of another profile, which a call might reach instead. Our own check, not AWS's.
    BorrowedSub,
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
    /// There were too many calls, and the SDK's retries did not help.
    Throttled,
    /// AWS or the network failed, and the SDK's retries did not help.
    Unavailable,
    /// Anything else.
    Other,
}

/// A call to the user pool that failed.
///
/// It names the operation, AWS's error code and the request id. AWS's message is left out: it
/// may repeat user names, addresses and subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolError {
    kind: PoolErrorKind,
    operation: &'static str,
    code: String,
    request_id: Option<String>,
}

impl PoolError {
    /// An error of `operation` with AWS's error code.
    #[must_use]
    pub fn new(kind: PoolErrorKind, operation: &'static str, code: impl Into<String>) -> Self {
        Self { kind, operation, code: code.into(), request_id: None }
    }

    /// Adds the AWS request id.
    #[must_use]
    pub fn with_request_id(mut self, id: Option<&str>) -> Self {
        self.request_id = id.map(str::to_owned);
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

    /// The failure for the person signing in: try again, or misconfigured.
    #[must_use]
    pub fn into_failure(self) -> crate::failure::Failure {
        use crate::failure::{Failure, Kind};
        let kind = if self.is_transient() { Kind::TRY_AGAIN } else { Kind::MISCONFIGURED };
        Failure::because(kind, self)
    }
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
