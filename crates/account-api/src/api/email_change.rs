use super::body::{Body, Limits, has_chars};
use super::link_client::LinkClient;
use super::logged;
use super::refusals::refusals;
use crate::AccountApi;
use crate::caller::Caller;
use crate::email_change::view::{Standing, Verified, View};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

/// The address to change to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailChangeRequest {
    /// The new address, in ASCII. Its letters are stored in lower case.
    #[schema(format = Email, max_length = 246, example = "ada@example.com")]
    new_email: String,
}

/// A code from a mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeEntry {
    /// Six decimal digits of any script. White space, hyphens and invisible marks between them are ignored.
    #[schema(min_length = 6, max_length = 64, example = "123456")]
    code: String,
    /// The `id` of the change that the person sees. If another change has taken its place, nothing happens, and the
    /// answer is `account-changed`. Without `id`, the code counts for any change that is under way.
    #[schema(min_length = 1, max_length = 64, example = "0b7ce9f1-6d2f-4a35-9d0e-1d2f0c6b8e11")]
    id: Option<String>,
}

/// The flow checks the address: `invalid-email` says more than `invalid-request`.
impl Limits for EmailChangeRequest {}

impl Limits for CodeEntry {
    fn is_within_limits(&self) -> bool {
        crate::code::typed(&self.code).is_some() && self.id.as_deref().is_none_or(|id| has_chars(id, 1..=64))
    }
}

refusals! {
    RequestRefused: SIGNED_IN, WITH_BODY;
    InvalidEmail, SameEmail, FederatedAccount, LinkedAccount, AccountUnusable, RequestPending, EmailTaken,
    EmailUnverified, NoCurrentEmail, TooManyRequests, MailNotSent
}

/// Begins a change of the address
///
/// The API sends a code to the account's current address. An account can make ten requests a day; requests for an
/// address that is taken count too. If the current address is not verified, prove it first: ask for a change to the
/// same address. The API then sends one code there.
#[utoipa::path(
    post, path = "/email-change", tag = "email-change", security(("accessToken" = [])),
    request_body = EmailChangeRequest, params(LinkClient),
    responses(
        (status = 202, description = "A code is on its way", body = View),
        RequestRefused,
    )
)]
pub(super) async fn request(
    State(api): State<AccountApi>,
    caller: Caller,
    LinkClient { client }: LinkClient,
    Body(wish): Body<EmailChangeRequest>,
) -> Result<(StatusCode, Json<View>), Problem> {
    let view = api.email_change.request(&caller, &wish.new_email, client).await;
    Ok((StatusCode::ACCEPTED, Json(logged(view, &caller)?)))
}

refusals! { StatusRefused: SIGNED_IN; AccountUnusable }

/// Says where a change stands
#[utoipa::path(
    get, path = "/email-change", tag = "email-change", security(("accessToken" = [])),
    responses(
        (status = 200, description = "A change is under way, or none is", body = Standing),
        StatusRefused,
    )
)]
pub(super) async fn status(State(api): State<AccountApi>, caller: Caller) -> Result<Json<Standing>, Problem> {
    Ok(Json(logged(api.email_change.status(&caller).await, &caller)?))
}

refusals! { CancelRefused: SIGNED_IN; AlreadyChanged, CommitInProgress }

/// Ends a change, if one is under way
///
/// A change that is complete cannot be ended. The answer is then `already-changed`.
#[utoipa::path(
    delete, path = "/email-change", tag = "email-change", security(("accessToken" = [])),
    responses(
        (status = 204, description = "No change is under way"),
        CancelRefused,
    )
)]
pub(super) async fn cancel(State(api): State<AccountApi>, caller: Caller) -> Result<StatusCode, Problem> {
    logged(api.email_change.cancel(&caller).await, &caller)?;
    Ok(StatusCode::NO_CONTENT)
}

refusals! {
    VerifyRefused: SIGNED_IN, WITH_BODY;
    InvalidEmail, WrongCode, AccountUnusable, NoRequest, EmailTaken, AccountChanged, CommitInProgress, CodeExpired,
    TooManyTries, TooManyRequests, MailNotSent
}

/// Enters a code
///
/// The first code proves the current address, and the API sends a second code to the new address. The second code
/// changes the account. Entering a right code again gives the same answer again.
#[utoipa::path(
    post, path = "/email-change/verify", tag = "email-change", security(("accessToken" = [])),
    request_body = CodeEntry,
    responses(
        (status = 200, description = "The code was right", body = Verified),
        VerifyRefused,
    )
)]
pub(super) async fn verify(
    State(api): State<AccountApi>,
    caller: Caller,
    Body(entry): Body<CodeEntry>,
) -> Result<Json<Verified>, Problem> {
    let verified = api.email_change.verify(&caller, &entry.code, entry.id.as_deref()).await;
    Ok(Json(logged(verified, &caller)?))
}

refusals! {
    ResendRefused: SIGNED_IN;
    InvalidEmail, AccountUnusable, NoRequest, AccountChanged, CommitInProgress, CodeExpired, ResendTooSoon,
    ResendsUsedUp, MailNotSent
}

/// Sends another code
///
/// The former code stops working. You can ask three times for each address, a minute apart.
#[utoipa::path(
    post, path = "/email-change/resend", tag = "email-change", security(("accessToken" = [])),
    responses(
        (status = 202, description = "Another code is on its way", body = View),
        ResendRefused,
    )
)]
pub(super) async fn resend(State(api): State<AccountApi>, caller: Caller) -> Result<(StatusCode, Json<View>), Problem> {
    let view = api.email_change.resend(&caller).await;
    Ok((StatusCode::ACCEPTED, Json(logged(view, &caller)?)))
}
