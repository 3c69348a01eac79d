use super::body::{Body, Limits, has_chars};
use super::id::Id;
use super::logged;
use super::refusals::refusals;
use crate::AccountApi;
use crate::caller::Caller;
use crate::code::typed;
use crate::identities::{CodeAsked, Confirmation, Connecting, Offer, Ways};
use crate::problem::{Code, Problem};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

/// The account to offer this one to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfferRequest {
    /// The `sub` of the account that is to be connected with this one.
    #[schema(min_length = 1, max_length = 64, example = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11")]
    to: String,
}

impl Limits for OfferRequest {
    fn is_within_limits(&self) -> bool {
        has_chars(&self.to, 1..=64)
    }
}

/// An offer, with the confirmation once the person has seen both accounts, and with the code once it came.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionRequest {
    /// What the other account got from `POST /identities/offer`.
    #[schema(min_length = 1, max_length = 2048)]
    offer: String,
    /// The `confirmation` of the answer without it. Send `stays` along.
    #[schema(min_length = 1, max_length = 64)]
    confirmation: Option<String>,
    /// The `sub` of the account that stays, from one of the `choices`. The other one is deleted.
    #[schema(min_length = 1, max_length = 64)]
    stays: Option<String>,
    /// The code from the mail, beside the other three: six decimal digits of any script. White space, hyphens and
    /// invisible marks between them are ignored.
    #[schema(min_length = 6, max_length = 64, example = "123456")]
    code: Option<String>,
}

impl Limits for ConnectionRequest {
    fn is_within_limits(&self) -> bool {
        let short = |text: &Option<String>| text.as_deref().is_none_or(|text| has_chars(text, 1..=64));
        let is_code = self.code.as_deref().is_none_or(|code| typed(code).is_some());
        has_chars(&self.offer, 1..=2048) && short(&self.confirmation) && short(&self.stays) && is_code
    }
}

refusals! { OfferRefused: SIGNED_IN, WITH_BODY; SameAccount, SignInAgain, IdentityChanging }

/// Offers the account to another one of the same person
///
/// Call this with the token of the account that a sign-in with the provider has just led to, and name the `sub` of the
/// account that the person wants to keep. It needs a sign-in of the last ten minutes, and changes nothing.
#[utoipa::path(
    post, path = "/identities/offer", tag = "identities", security(("accessToken" = [])),
    request_body = OfferRequest,
    responses(
        (status = 200, description = "The offer", body = Offer),
        OfferRefused,
    )
)]
pub(super) async fn offer(
    State(api): State<AccountApi>,
    caller: Caller,
    Body(wish): Body<OfferRequest>,
) -> Result<Json<Offer>, Problem> {
    Ok(Json(logged(api.identities.offer(&caller, &wish.to).await, &caller)?))
}

refusals! {
    ConnectRefused: SIGNED_IN, WITH_BODY;
    OfferInvalid, SameAccount, WrongCode, InvalidEmail, SignInAgain, AccountUnusable, OlderAccount, NotByProvider,
    ProviderNotLinked, SecondSubject, SecondFactor, CannotStay, TooManyIdentities, GroupsDiffer, EmailUnverified,
    AccountsChanged, IdentityChanging, OfferExpired, CodeExpired, TooManyTries, TooManyRequests, ResendsUsedUp,
    MailNotSent
}

/// Connects the account that made an offer
///
/// The first call has only the offer. Its answer shows both accounts and what may become of them, and changes nothing.
/// The second call confirms: it names the account that stays. A code then goes to the mailbox of the account that gets a
/// provider, and after it one to the mailbox of an account that was in use and goes. The same call with the code approves;
/// without a code, a minute later, it sends another one, three times for each mailbox. Then the account that goes is
/// deleted with its `sub`, and its providers sign in to the one that stays. Both accounts need a sign-in of the last ten
/// minutes when the code is asked for. Owners get a mail.
#[utoipa::path(
    post, path = "/identities", tag = "identities", security(("accessToken" = [])),
    request_body = ConnectionRequest,
    responses(
        (status = 200, description = "Both accounts, or the one that they have become", body = Connecting),
        (status = 202, description = "A code is on its way", body = CodeAsked),
        ConnectRefused,
    )
)]
pub(super) async fn connect(
    State(api): State<AccountApi>,
    caller: Caller,
    Body(wish): Body<ConnectionRequest>,
) -> Result<(StatusCode, Json<Connecting>), Problem> {
    let offer = wish.offer.as_str();
    let code = wish.code.as_deref().and_then(typed);
    let connecting = match (&wish.confirmation, &wish.stays, &code) {
        (None, None, None) => api.identities.look(&caller, offer).await.map(Box::new).map(Connecting::Proposed),
        (Some(seen), Some(stays), code) => {
            let code = code.as_ref().map(|code| code.as_str());
            api.identities.connect(&caller, &Confirmation { offer, seen, stays, code }).await
        }
        _ => Err(Code::InvalidRequest.into()),
    };
    let connecting = logged(connecting, &caller)?;
    let status = if matches!(connecting, Connecting::Asked(_)) { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(connecting)))
}

refusals! { ListRefused: SIGNED_IN; AccountUnusable, IdentityChanging }

/// Says how the account signs in
///
/// The answer names each provider that is connected, and why it cannot be disconnected if that is so.
#[utoipa::path(
    get, path = "/identities", tag = "identities", security(("accessToken" = [])),
    responses(
        (status = 200, description = "The ways to sign in", body = Ways),
        ListRefused,
    )
)]
pub(super) async fn list(State(api): State<AccountApi>, caller: Caller) -> Result<Json<Ways>, Problem> {
    Ok(Json(logged(api.identities.list(&caller).await, &caller)?))
}

refusals! {
    DisconnectRefused: SIGNED_IN;
    SignInAgain, AccountUnusable, NoSuchIdentity, OnlyWayIn, EmailUnverified, OwnIdentity, CannotUntie,
    IdentityChanging, TooManyRequests
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
        DisconnectRefused,
    )
)]
pub(super) async fn disconnect(
    State(api): State<AccountApi>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    logged(api.identities.disconnect(&caller, &id).await, &caller)?;
    Ok(StatusCode::NO_CONTENT)
}
