use super::body::{Body, Limits, has_chars};
use super::locales::Locales;
use crate::caller::{Caller, Origin};
use crate::invitation::flow::Invitations;
use crate::problem::{GatewayRefusal, Problem, ProblemBody};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// The person to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvitationRequest {
    /// Their address, in ASCII. It has at most 246 characters, because longer ones cannot be looked up, and at most 128
    /// in a pool where the address is the user name.
    #[schema(format = Email, max_length = 246, example = "grace@example.com")]
    email: String,
    /// Their attributes, such as `given_name` or `locale`. The operator chooses which ones may be set.
    #[serde(default)]
    #[schema(example = json!({ "given_name": "Grace", "locale": "en" }))]
    attributes: BTreeMap<String, String>,
}

impl Limits for InvitationRequest {
    fn is_within_limits(&self) -> bool {
        // The flow checks both members: `invalid-email` and `attribute-not-allowed` say more than `invalid-request`.
        true
    }
}

/// An empty object: the answer does not say who has an account.
#[derive(Serialize, ToSchema)]
pub(super) struct Invited {}

/// The answer to an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Completion {
    /// The user name from the link.
    #[schema(min_length = 1, max_length = 128)]
    username: String,
    /// The token from the link.
    #[schema(min_length = 1, max_length = 256)]
    token: String,
    /// The person's own password, which must satisfy the pool's policy.
    #[schema(format = Password, min_length = 1, max_length = 256)]
    password: String,
}

impl Limits for Completion {
    fn is_within_limits(&self) -> bool {
        has_chars(&self.username, 1..=128) && has_chars(&self.token, 1..=256) && has_chars(&self.password, 1..=256)
    }
}

/// The person can sign in to the account.
#[derive(Serialize, ToSchema)]
pub(super) struct Completed {
    /// The account's address, for the sign-in form.
    #[schema(example = "grace@example.com")]
    email: String,
}

/// Invites a person, or sends their invitation again
///
/// Where everybody may invite, the answer says nothing about the address. The work is done after the answer, and a
/// person who has an account already gets a mail that says so. Where only members of a group may invite, the answer is
/// `account-exists` in that case. An address can be invited once a minute and, unless the operator chose otherwise,
/// five times a day. Where everybody may invite, there are also limits for each domain and for all together. Above
/// them, the answer is `too-many-requests`.
#[utoipa::path(
    post, path = "/invitations", tag = "invitations", security(("accessToken" = [])),
    request_body = InvitationRequest,
    responses(
        (status = 202, description = "A mail is on its way, if that is possible", body = Invited),
        (status = 400, description = "invalid-request, invalid-email, attribute-not-allowed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "unauthorized", content((ProblemBody = "application/problem+json"), (GatewayRefusal = "application/json"))),
        (status = 403, description = "not-an-admin", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "account-exists", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "body-too-large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "unsupported-media-type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "too-many-requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "misconfigured", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "try-again, mail-not-sent", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn invite(
    State(api): State<Arc<Invitations>>,
    caller: Result<Caller, Problem>,
    origin: Origin,
    locales: Locales,
    Body(wish): Body<InvitationRequest>,
) -> Result<(StatusCode, Json<Invited>), Problem> {
    let sub = caller.as_ref().ok().map(|caller| caller.sub.clone());
    let invited = api.invite(caller, &origin, &wish.email, &wish.attributes, &locales.as_strs()).await;
    invited.inspect_err(|why| why.log(sub.as_deref()))?;
    Ok((StatusCode::ACCEPTED, Json(Invited {})))
}

/// Completes an invitation with the person's own password
#[utoipa::path(
    post, path = "/invitations/complete", tag = "invitations", security(()),
    request_body = Completion,
    responses(
        (status = 200, description = "The person can sign in to the account", body = Completed),
        (status = 400, description = "invalid-request, invitation-invalid, weak-password", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "account-unusable", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "already-completed, email-taken", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "invitation-expired", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "body-too-large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "unsupported-media-type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "misconfigured", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "try-again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn complete(
    State(api): State<Arc<Invitations>>,
    Body(completion): Body<Completion>,
) -> Result<Json<Completed>, Problem> {
    let Completion { username, token, password } = completion;
    let email = api.complete(&username, &token, password).await.inspect_err(|why| why.log(None))?;
    Ok(Json(Completed { email }))
}
