use super::body::{Body, Limits};
use super::locales::Locales;
use super::logged;
use crate::caller::Caller;
use crate::identities::flow::Identities;
use crate::problem::{GatewayRefusal, Problem, ProblemBody};
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What the owner is to be told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoticeRequest {
    /// What has happened.
    what: Happened,
}

/// What may have happened.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Happened {
    /// The owner changed the password at Cognito.
    PasswordChanged,
}

impl Limits for NoticeRequest {
    fn is_within_limits(&self) -> bool {
        true
    }
}

/// Signs out everywhere
///
/// Every session of the account ends, the caller's own one too: Cognito's tokens are void, and no sign-in from before
/// counts as fresh for this API. An access token is good for this API, and for whoever checks only its signature, until it
/// expires. The owner gets a mail.
#[utoipa::path(
    delete, path = "/sessions", tag = "identities", security(("accessToken" = [])),
    responses(
        (status = 204, description = "Every session has ended"),
        (status = 401, description = "unauthorized", content((ProblemBody = "application/problem+json"), (GatewayRefusal = "application/json"))),
        (status = 403, description = "account-unusable", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too-many-requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "misconfigured", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "try-again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn end(
    State(api): State<Arc<Identities>>,
    caller: Caller,
    locales: Locales,
) -> Result<StatusCode, Problem> {
    logged(api.sign_out_everywhere(&caller, &locales.as_strs()).await, &caller)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes the account
///
/// The caller's account is deleted with its `sub`, a moment after the answer, and every session ends. This needs a sign-in of
/// the last ten minutes. Nothing brings the account back: whoever signs in later with the same address or provider gets a
/// new account. The owner gets a mail, and the application an event.
#[utoipa::path(
    delete, path = "/account", tag = "identities", security(("accessToken" = [])),
    responses(
        (status = 202, description = "The account is being deleted"),
        (status = 401, description = "unauthorized", content((ProblemBody = "application/problem+json"), (GatewayRefusal = "application/json"))),
        (status = 403, description = "sign-in-again, account-unusable", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "identity-changing", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too-many-requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "misconfigured", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "try-again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn delete(
    State(api): State<Arc<Identities>>,
    caller: Caller,
    locales: Locales,
) -> Result<StatusCode, Problem> {
    logged(api.delete_account(&caller, &locales.as_strs()).await, &caller)?;
    Ok(StatusCode::ACCEPTED)
}

/// Tells the owner by mail
///
/// Call it after the person changed the password with Cognito's `ChangePassword`, which tells nobody.
#[utoipa::path(
    post, path = "/notices", tag = "identities", security(("accessToken" = [])),
    request_body = NoticeRequest,
    responses(
        (status = 202, description = "The mail is sent, or is owed"),
        (status = 400, description = "invalid-request", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "unauthorized", content((ProblemBody = "application/problem+json"), (GatewayRefusal = "application/json"))),
        (status = 403, description = "account-unusable", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "body-too-large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "unsupported-media-type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too-many-requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "misconfigured", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "try-again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn notice(
    State(api): State<Arc<Identities>>,
    caller: Caller,
    locales: Locales,
    Body(NoticeRequest { what: Happened::PasswordChanged }): Body<NoticeRequest>,
) -> Result<StatusCode, Problem> {
    logged(api.password_changed(&caller, &locales.as_strs()).await, &caller)?;
    Ok(StatusCode::ACCEPTED)
}
