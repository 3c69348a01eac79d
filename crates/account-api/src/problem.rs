//! How the API says no: problem details (RFC 9457), each with a stable code.

use crate::mailer::NotSent;
use crate::queue::NotTaken;
use crate::store::StoreError;
use axum::Json;
use axum::response::{IntoResponse, Response};
use cognito_core::user_pool::{PasswordPolicy, PoolError};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every refusal (RFC 9457 section 3).
pub const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! codes {
    ($($code:ident = $name:literal, $status:literal, $detail:literal;)*) => {
        /// Every way to say no.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each has a text that describes it")]
        pub enum Code {
            $($code,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The code as it is sent and logged.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// The HTTP status it is sent with.
            #[must_use]
            pub fn status(self) -> StatusCode {
                let status = match self {
                    $(Self::$code => $status,)*
                };
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// The text for the person.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self {
                    $(Self::$code => $detail,)*
                }
            }
        }
    };
}

// Stable code, HTTP status, and a text that a stranger may read.
codes! {
    InvalidRequest = "invalid-request", 400, "The request does not match the API's description.";
    InvalidEmail = "invalid-email", 400, "This is not an e-mail address that can be used here.";
    SameEmail = "same-email", 400, "The account has this address already.";
    WrongCode = "wrong-code", 400, "The code is wrong.";
    AttributeNotAllowed = "attribute-not-allowed", 400, "One of the attributes cannot be set here.";
    GroupNotAllowed = "group-not-allowed", 400, "An invitation cannot name this group.";
    ReturnNotAllowed = "return-not-allowed", 400, "An invitation cannot lead to this address.";
    InvitationInvalid = "invitation-invalid", 400, "The invitation is not valid, or a newer one has taken its place.";
    WeakPassword = "weak-password", 400, "The password is not strong enough.";
    SameAccount = "same-account", 400, "Both are the same account.";
    OfferInvalid = "offer-invalid", 400, "The offer is not valid for this account.";
    Unauthorized = "unauthorized", 401, "This needs an access token of the user pool.";
    FederatedAccount = "federated-account", 403, "The provider that this account signs in with manages its address.";
    LinkedAccount = "linked-account", 403, "A provider that this account is linked with would overwrite the new address.";
    AccountUnusable = "account-unusable", 403, "This account cannot be used at the moment.";
    SignInAgain = "sign-in-again", 403, "This needs a sign-in of the last minutes; sign in again.";
    OlderAccount = "older-account", 403, "The account that would go was in use before, and is not given up here; contact support.";
    NotByProvider = "not-by-provider", 403, "The account that would go must be signed in to with its provider; one with a password, for the first time.";
    ProviderNotLinked = "provider-not-linked", 403, "This provider is not connected to accounts here.";
    SecondSubject = "second-subject", 403, "The account has another identity of this provider already; disconnect it first.";
    SecondFactor = "second-factor", 403, "The account has a second factor, so no provider is connected to it.";
    NotAnAdmin = "not-an-admin", 403, "Only administrators may do this.";
    DomainNotAllowed = "domain-not-allowed", 403, "Addresses of this domain get no account here.";
    NoRequest = "no-request", 404, "No change of the address is under way.";
    NoSuchIdentity = "no-such-identity", 404, "The account has no such way to sign in.";
    NotFound = "not-found", 404, "There is nothing here.";
    MethodNotAllowed = "method-not-allowed", 405, "This method is not allowed here.";
    RequestPending = "request-pending", 409, "A change of the address is under way; cancel it to begin another one.";
    CommitInProgress = "commit-in-progress", 409, "The address is being changed right now.";
    EmailTaken = "email-taken", 409, "This address belongs to another account.";
    AccountChanged = "account-changed", 409, "The account has changed, so the change of the address has ended.";
    AlreadyChanged = "already-changed", 409, "The address has been changed already.";
    EmailUnverified = "email-unverified", 409, "The account's address is not verified; ask for a change to that same address first.";
    NoCurrentEmail = "no-current-email", 409, "The account has no address that can approve the change.";
    InvitationOpen = "invitation-open", 409, "An open invitation of this address has another group or return address; revoke it first.";
    AccountExists = "account-exists", 409, "Somebody has an account with this address.";
    AlreadyCompleted = "already-completed", 409, "The invitation was used: sign in, or reset the password.";
    IdentityChanging = "identity-changing", 409, "Another change of the ways to sign in is under way.";
    OnlyWayIn = "only-way-in", 409, "Nobody could sign in to the account without this; set a password or connect another provider first.";
    OwnIdentity = "own-identity", 409, "The account was made for this way to sign in, so it stays.";
    CannotUntie = "cannot-untie", 409, "The pool cannot take this way to sign in away; contact support.";
    CannotStay = "cannot-stay", 409, "Neither account can take in the other.";
    TooManyIdentities = "too-many-identities", 409, "An account has at most five providers; disconnect one first.";
    GroupsDiffer = "groups-differ", 409, "The account that would go has rights that the other one lacks; contact support.";
    AccountsChanged = "accounts-changed", 409, "One of the accounts has changed; look at both again.";
    CodeExpired = "code-expired", 410, "The code has expired; begin again.";
    TooManyTries = "too-many-tries", 410, "The code was wrong too often; begin again.";
    OfferExpired = "offer-expired", 410, "The offer has expired; sign in again.";
    InvitationExpired = "invitation-expired", 410, "The invitation has expired; ask for another one.";
    BodyTooLarge = "body-too-large", 413, "The request is too large.";
    UnsupportedMediaType = "unsupported-media-type", 415, "The request must be application/json.";
    TooManyRequests = "too-many-requests", 429, "There were too many requests; try again later.";
    ResendTooSoon = "resend-too-soon", 429, "A mail went out a moment ago; try again later.";
    ResendsUsedUp = "resends-used-up", 429, "This request sends no more mails; begin again.";
    Misconfigured = "misconfigured", 500, "This is not possible at the moment; contact support.";
    TryAgain = "try-again", 503, "This did not work; try again in a moment.";
    MailNotSent = "mail-not-sent", 503, "The mail could not be sent; try again in a moment.";
}

/// A refusal, with what the client needs to know beside the code.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    retry_after: Option<u64>,
    tries_left: Option<u8>,
    password_policy: Option<PolicyBody>,
    cause: Option<String>,
    from_outside: bool,
}

impl Problem {
    /// Tells the client how many seconds to wait before it tries again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// Makes the client wait at least this number of seconds, if it may try again at all.
    #[must_use]
    pub fn no_sooner_than(mut self, seconds: u64) -> Self {
        self.retry_after = self.retry_after.map(|already| already.max(seconds));
        self
    }

    /// Marks a problem that a caller's input or actions cause. Nothing is broken here, and a stranger must not be able
    /// to set off an alarm.
    #[must_use]
    pub fn caused_outside(self) -> Self {
        Self { from_outside: true, ..self }
    }

    /// Tells the client how many tries the code has left.
    #[must_use]
    pub fn tries_left(mut self, tries: u8) -> Self {
        self.tries_left = Some(tries);
        self
    }

    /// Tells the client what the pool requires of a password.
    #[must_use]
    pub fn password_policy(mut self, policy: PasswordPolicy) -> Self {
        self.password_policy = Some(PolicyBody {
            minimum_length: policy.minimum_length,
            lowercase: policy.lowercase,
            uppercase: policy.uppercase,
            numbers: policy.numbers,
            symbols: policy.symbols,
        });
        self
    }

    /// Keeps the cause for the log. Its text must be free of personal data.
    #[must_use]
    pub fn because(mut self, cause: &impl std::error::Error) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether the same request may work in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.code, Code::TryAgain | Code::MailNotSent | Code::CommitInProgress | Code::IdentityChanging)
    }

    /// Writes the one log line of this refusal. It is an error if something is broken, and a warning if AWS refused
    /// what a caller sent.
    pub fn log(&self, sub: Option<&str>) {
        let (error_code, cause) = (self.code.name(), self.cause.as_deref());
        if self.from_outside {
            tracing::warn!(error_code, cause, sub, "refused");
        } else if self.code.status().is_server_error() {
            tracing::error!(error_code, cause, sub, "failed");
        } else {
            tracing::info!(error_code, cause, sub, "refused");
        }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        let problem =
            Self { code, retry_after: None, tries_left: None, password_policy: None, cause: None, from_outside: false };
        if problem.is_passing() { problem.retry_after(2) } else { problem }
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        let code = if error.is_transient() { Code::TryAgain } else { Code::Misconfigured };
        Self::from(code).because(&error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::from(lasting_or_passing(&error.code)).because(&error)
    }
}

impl From<NotSent> for Problem {
    fn from(error: NotSent) -> Self {
        if error.is_recipients() {
            return Self::from(Code::InvalidEmail).because(&error).caused_outside();
        }
        Self::from(Code::MailNotSent).because(&error)
    }
}

impl From<NotTaken> for Problem {
    fn from(error: NotTaken) -> Self {
        Self::from(lasting_or_passing(&error.code)).because(&error)
    }
}

/// Waiting does not help against missing rights, or a missing table or function.
fn lasting_or_passing(aws_code: &str) -> Code {
    let lasting = ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"];
    if lasting.contains(&aws_code) { Code::Misconfigured } else { Code::TryAgain }
}

/// A refusal as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Always `about:blank`. `code` says which problem it is.
    #[schema(example = "about:blank")]
    r#type: &'static str,
    /// The name of the HTTP status.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// A text for the person, in English.
    detail: &'static str,
    /// Says which problem it is. It never changes, so clients decide by it.
    #[schema(example = "wrong-code")]
    code: &'static str,
    /// With `wrong-code`: how many tries are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    tries_left: Option<u8>,
    /// With `weak-password`: what the pool requires of a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_policy: Option<PolicyBody>,
}

/// API Gateway's own refusal of a token. It does not call the function then.
#[derive(Debug, Serialize, ToSchema)]
pub struct GatewayRefusal {
    /// A text for debugging.
    #[schema(example = "Unauthorized")]
    message: String,
}

/// What the pool requires of a password.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = PasswordPolicy)]
#[expect(clippy::struct_excessive_bools, reason = "the fields are those of the pool's policy")]
pub struct PolicyBody {
    /// The fewest characters it may have.
    minimum_length: u32,
    /// Whether it needs a lower-case letter.
    lowercase: bool,
    /// Whether it needs an upper-case letter.
    uppercase: bool,
    /// Whether it needs a digit.
    numbers: bool,
    /// Whether it needs a symbol.
    symbols: bool,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let body = ProblemBody {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.code.detail(),
            code: self.code.name(),
            tries_left: self.tries_left,
            password_policy: self.password_policy,
        };
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_unique_and_documented_with_its_status_and_text() {
        let manual = include_str!("../../../docs/ACCOUNT_API.md");
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL.iter().copied() {
            let row = format!("| `{}` | {} | {} |", code.name(), code.status().as_u16(), code.detail());
            assert!(manual.contains(&row), "docs/ACCOUNT_API.md lacks: {row}");
            assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        }
    }
}
