use super::body::{Body, Limits};
use super::logged;
use super::refusals::refusals;
use crate::AccountApi;
use crate::caller::Caller;
use crate::problem::Problem;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
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

impl Limits for NoticeRequest {}

refusals! { EndRefused: SIGNED_IN; SignInAgain, AccountUnusable }

/// Signs out everywhere
///
/// Every session of the account ends, the caller's own one too: Cognito's tokens are void, and no sign-in from before
/// counts as fresh for this API. An access token is good for the other routes of this API, and for whoever checks only its
/// signature, until it expires. The owner gets a mail, at most 20 a day.
#[utoipa::path(
    delete, path = "/sessions", tag = "identities", security(("accessToken" = [])),
    responses(
        (status = 204, description = "Every session has ended"),
        EndRefused,
    )
)]
pub(super) async fn end(State(api): State<AccountApi>, caller: Caller) -> Result<StatusCode, Problem> {
    logged(api.identities.sign_out_everywhere(&caller).await, &caller)?;
    Ok(StatusCode::NO_CONTENT)
}

refusals! { DeleteRefused: SIGNED_IN; SignInAgain, AccountUnusable, IdentityChanging, TooManyRequests }

/// Deletes the account
///
/// The caller's account is deleted with its `sub`, a moment after the answer, and every session ends. This needs a sign-in of
/// the last ten minutes. Nothing brings the account back: whoever signs in later with the same address or provider gets a
/// new account. The owner gets a mail, and the application an event.
#[utoipa::path(
    delete, path = "/account", tag = "identities", security(("accessToken" = [])),
    responses(
        (status = 202, description = "The account is being deleted"),
        DeleteRefused,
    )
)]
pub(super) async fn delete(State(api): State<AccountApi>, caller: Caller) -> Result<StatusCode, Problem> {
    logged(api.identities.delete_account(&caller).await, &caller)?;
    Ok(StatusCode::ACCEPTED)
}

refusals! { NoticeRefused: SIGNED_IN, WITH_BODY; SignInAgain, AccountUnusable, TooManyRequests }

/// Tells the owner by mail
///
/// Call it after the person changed the password with Cognito's `ChangePassword`, which tells nobody.
#[utoipa::path(
    post, path = "/notices", tag = "identities", security(("accessToken" = [])),
    request_body = NoticeRequest,
    responses(
        (status = 202, description = "The mail is sent, or is owed"),
        NoticeRefused,
    )
)]
pub(super) async fn notice(
    State(api): State<AccountApi>,
    caller: Caller,
    Body(NoticeRequest { what: Happened::PasswordChanged }): Body<NoticeRequest>,
) -> Result<StatusCode, Problem> {
    logged(api.identities.password_changed(&caller).await, &caller)?;
    Ok(StatusCode::ACCEPTED)
}
