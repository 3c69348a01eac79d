use super::body::{Body, Limits, has_chars};
use super::id::Id;
use super::link_client::LinkClient;
use super::locales::Locales;
use super::refusals::refusals;
use crate::AccountApi;
use crate::caller::{Caller, Origin};
use crate::invitation::complete::Completed;
use crate::invitation::flow::Sent;
use crate::invitation::listing::State as InvitationState;
use crate::invitation::members::Seen;
use crate::invitation::{Asker, Wishes};
use crate::problem::{Code, Problem};
use axum::Json;
use axum::extract::{RawQuery, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// For members: the group that the guest joins. The operator chooses which ones may be named.
    #[serde(default)]
    #[schema(max_length = 128)]
    group: Option<String>,
    /// For members: the name of the person who invites, for the mail.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 60, example = "Ada Lovelace")]
    inviter: Option<String>,
    /// For members: where the guest goes afterwards. The operator chooses which addresses may be named.
    #[serde(default)]
    #[schema(max_length = 2048)]
    return_to: Option<String>,
    /// For members: `false` sends no mail and returns the link. The address then stays unverified when the
    /// guest answers.
    #[serde(default = "yes")]
    notify: bool,
}

const fn yes() -> bool {
    true
}

impl Limits for InvitationRequest {
    fn is_within_limits(&self) -> bool {
        // The flow checks the other members: `invalid-email`, `attribute-not-allowed`, `group-not-allowed` and
        // `return-not-allowed` say more than `invalid-request`.
        self.inviter.as_deref().is_none_or(|name| has_chars(name, 1..=60))
    }
}

/// An invitation as a member sees it. Times are in seconds since 1970.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationView {
    id: String,
    #[schema(example = "grace@example.com")]
    email: String,
    state: InvitationState,
    /// The `sub` of the member who invited, or the ARN of the operator.
    invited_by: String,
    /// The name that this member gave for the mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    inviter: Option<String>,
    invited_at: u64,
    /// When the link was last sent or handed out.
    sent_at: u64,
    expires_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_to: Option<String>,
    /// Whether the link was mailed. Otherwise a member got it.
    notify: bool,
}

impl From<Seen> for InvitationView {
    fn from(Seen { listing, state, invitation }: Seen) -> Self {
        // What belongs to a newer invitation of the same account is not shown.
        let of_this = (invitation.id.as_deref() == Some(&listing.id)).then_some(invitation);
        let notify = of_this.as_ref().is_none_or(|invitation| !invitation.handed_out);
        let (group, return_to) = of_this.map(|invitation| (invitation.group, invitation.return_to)).unwrap_or_default();
        Self {
            id: listing.id,
            email: listing.email,
            state,
            invited_by: listing.invited_by,
            inviter: listing.inviter,
            invited_at: listing.invited_at,
            sent_at: listing.sent_at,
            expires_at: listing.expires_at,
            group,
            return_to,
            notify,
        }
    }
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationPage {
    invitations: Vec<InvitationView>,
    /// What to send as `before` for the next page. Absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

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

refusals! {
    InviteRefused: SIGNED_IN, WITH_BODY;
    InvalidEmail, AttributeNotAllowed, GroupNotAllowed, ReturnNotAllowed, NotAnAdmin, DomainNotAllowed, AccountExists,
    InvitationOpen, TooManyRequests, MailNotSent
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
    request_body = InvitationRequest, params(LinkClient),
    responses(
        (status = 202, description = "A mail is on its way, if that is possible", body = Sent),
        InviteRefused,
    )
)]
pub(super) async fn invite(
    State(api): State<AccountApi>,
    caller: Result<Caller, Problem>,
    origin: Origin,
    LinkClient { client }: LinkClient,
    locales: Locales,
    Body(wish): Body<InvitationRequest>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let sub = sub_of(&caller);
    let InvitationRequest { email, attributes, group, inviter, return_to, notify } = wish;
    let wishes = Wishes { group, return_to, inviter, hand_out: !notify };
    let asker = Asker { locales: &locales.as_strs(), client: client.as_deref() };
    let invited = api.invitations.invite(caller, &origin, &email, &attributes, wishes, asker).await;
    let sent = invited.inspect_err(|why| why.log(sub.as_deref()))?;
    Ok((StatusCode::ACCEPTED, Json(sent)))
}

fn sub_of(caller: &Result<Caller, Problem>) -> Option<String> {
    caller.as_ref().ok().map(|caller| caller.id_in_log().to_owned())
}

refusals! { ListRefused: SIGNED_IN; InvalidRequest, NotAnAdmin }

/// Lists the invitations that have not expired, the last one sent first
///
/// An account that its owner opened through a provider shows as `open` here. Look at the invitation to be sure.
#[utoipa::path(
    get, path = "/invitations", tag = "invitations", security(("accessToken" = [])),
    params(("before" = Option<String>, Query, description = "`next` of the page before", max_length = 64)),
    responses(
        (status = 200, description = "One page", body = InvitationPage),
        ListRefused,
    )
)]
pub(super) async fn list(
    State(api): State<AccountApi>,
    caller: Result<Caller, Problem>,
    RawQuery(query): RawQuery,
) -> Result<Json<InvitationPage>, Problem> {
    let sub = sub_of(&caller);
    let before = before(query.as_deref().unwrap_or_default());
    let page = async { api.invitations.list(caller, before?.as_deref()).await }.await;
    let (invitations, next) = page.inspect_err(|why| why.log(sub.as_deref()))?;
    Ok(Json(InvitationPage { invitations: invitations.into_iter().map(InvitationView::from).collect(), next }))
}

/// The parameter `before`, if it can be the place of an invitation.
fn before(query: &str) -> Result<Option<String>, Problem> {
    let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "before");
    let is_place =
        |text: &str| text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    match found {
        Some((_, text)) if is_place(&text) => Ok(Some(text.into_owned())),
        Some(_) => Err(Code::InvalidRequest.into()),
        None => Ok(None),
    }
}

refusals! { LookAtRefused: SIGNED_IN; NotAnAdmin, NotFound }

/// Shows one invitation
#[utoipa::path(
    get, path = "/invitations/{id}", tag = "invitations", security(("accessToken" = [])),
    params(("id" = String, Path, description = "The invitation")),
    responses(
        (status = 200, description = "The invitation", body = InvitationView),
        LookAtRefused,
    )
)]
pub(super) async fn look_at(
    State(api): State<AccountApi>,
    caller: Result<Caller, Problem>,
    Id(id): Id,
) -> Result<Json<InvitationView>, Problem> {
    let sub = sub_of(&caller);
    let seen = api.invitations.look_at(caller, &id).await.inspect_err(|why| why.log(sub.as_deref()))?;
    Ok(Json(seen.into()))
}

refusals! { RevokeRefused: SIGNED_IN; NotAnAdmin, NotFound, AlreadyCompleted }

/// Revokes an invitation
///
/// Its link is void at once. If the API made the account, and nobody has opened it, the account is deleted.
#[utoipa::path(
    delete, path = "/invitations/{id}", tag = "invitations", security(("accessToken" = [])),
    params(("id" = String, Path, description = "The invitation")),
    responses(
        (status = 204, description = "No link opens it any more"),
        RevokeRefused,
    )
)]
pub(super) async fn revoke(
    State(api): State<AccountApi>,
    caller: Result<Caller, Problem>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let sub = sub_of(&caller);
    api.invitations.revoke(caller, &id).await.inspect_err(|why| why.log(sub.as_deref()))?;
    Ok(StatusCode::NO_CONTENT)
}

refusals! {
    ResendRefused: SIGNED_IN;
    InvalidEmail, InvitationInvalid, NotAnAdmin, NotFound, AlreadyCompleted, TooManyRequests, MailNotSent
}

/// Sends an invitation again
///
/// The link is new and has its whole time. The one before is void. It goes the way it went before: by mail, or in this
/// answer.
#[utoipa::path(
    post, path = "/invitations/{id}/resend", tag = "invitations", security(("accessToken" = [])),
    params(("id" = String, Path, description = "The invitation"), LinkClient),
    responses(
        (status = 202, description = "A mail is on its way, or the link is in this answer", body = Sent),
        ResendRefused,
    )
)]
pub(super) async fn resend(
    State(api): State<AccountApi>,
    caller: Result<Caller, Problem>,
    LinkClient { client }: LinkClient,
    locales: Locales,
    Id(id): Id,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let sub = sub_of(&caller);
    let asker = Asker { locales: &locales.as_strs(), client: client.as_deref() };
    let sent = api.invitations.resend(caller, &id, asker).await.inspect_err(|why| why.log(sub.as_deref()))?;
    Ok((StatusCode::ACCEPTED, Json(sent)))
}

refusals! {
    CompleteRefused: WITH_BODY;
    InvitationInvalid, WeakPassword, AccountUnusable, AlreadyCompleted, EmailTaken, InvitationExpired, Misconfigured,
    TryAgain
}

/// Completes an invitation with the person's own password
#[utoipa::path(
    post, path = "/invitations/complete", tag = "invitations", security(()),
    request_body = Completion,
    responses(
        (status = 200, description = "The person can sign in to the account", body = Completed),
        CompleteRefused,
    )
)]
pub(super) async fn complete(
    State(api): State<AccountApi>,
    Body(completion): Body<Completion>,
) -> Result<Json<Completed>, Problem> {
    let Completion { username, token, password } = completion;
    Ok(Json(api.invitations.complete(&username, &token, password).await.inspect_err(|why| why.log(None))?))
}
