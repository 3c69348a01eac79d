use super::locales::Locales;
use crate::caller::Caller;
use crate::identities::Ways;
use crate::identities::flow::Identities;
use crate::problem::{GatewayRefusal, Problem, ProblemBody};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use std::sync::Arc;

/// Says how the account signs in
///
/// The answer names each provider that is connected, and why it cannot be disconnected if that is so.
#[utoipa::path(
    get, path = "/identities", tag = "identities", security(("accessToken" = [])),
    responses(
        (status = 200, description = "The ways to sign in", body = Ways),
        (status = 401, description = "unauthorized", content((ProblemBody = "application/problem+json"), (GatewayRefusal = "application/json"))),
        (status = 403, description = "account-unusable", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "identity-changing", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "misconfigured", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "try-again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Arc<Identities>>,
    caller: Caller,
    locales: Locales,
) -> Result<Json<Ways>, Problem> {
    Ok(Json(logged(api.list(&caller, &locales.as_strs()).await, &caller)?))
}

/// Disconnects a provider
///
/// This needs a sign-in of the last ten minutes. It ends all sessions of the account, the caller's own one too, because
/// Cognito cannot spare one: an access token is good for this API until it expires, and the application has to ask for
/// another sign-in. The owner gets a mail. Whoever signs in with that provider later is a newcomer: if the addresses
/// match, pre-sign-up connects them again.
#[utoipa::path(
    delete, path = "/identities/{id}", tag = "identities", security(("accessToken" = [])),
    params(("id" = String, Path, description = "The `id` of the provider in the account")),
    responses(
        (status = 204, description = "The provider does not sign in to the account any more"),
        (status = 401, description = "unauthorized", content((ProblemBody = "application/problem+json"), (GatewayRefusal = "application/json"))),
        (status = 403, description = "sign-in-again, account-unusable", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "no-such-identity", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "only-way-in, email-unverified, own-identity, cannot-untie, identity-changing", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too-many-requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "misconfigured", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "try-again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn disconnect(
    State(api): State<Arc<Identities>>,
    caller: Caller,
    locales: Locales,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    logged(api.disconnect(&caller, &id, &locales.as_strs()).await, &caller)?;
    Ok(StatusCode::NO_CONTENT)
}

fn logged<T>(result: Result<T, Problem>, caller: &Caller) -> Result<T, Problem> {
    result.inspect_err(|why| why.log(Some(&caller.sub)))
}
