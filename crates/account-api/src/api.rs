//! The API as HTTP: routes, their description, and what goes in and out.

mod body;
mod email_change;
mod invitations;
mod locales;

use crate::caller::Caller;
use crate::email_change::flow::{Progress, View};
use crate::invitation::Mode;
use crate::mailer::Mailer;
use crate::problem::{Code, Problem};
use crate::services::Services;
use crate::store::Store;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use cognito_core::user_pool::{Invitations, UserPool};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS};
use std::collections::BTreeMap;
use std::sync::Arc;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes a request's body may have. The longest sensible one, an invitation with every attribute, has a tenth of it.
const BODY_LIMIT: usize = 32 * 1024;

/// What the routes call. It hides the four ports behind one pointer, so that handlers are compiled once.
pub(crate) trait Api: Send + Sync {
    fn request<'a>(
        &'a self,
        caller: &'a Caller,
        new_email: &'a str,
        locales: &'a [&'a str],
    ) -> BoxFuture<'a, Result<View, Problem>>;
    fn status<'a>(&'a self, caller: &'a Caller, locales: &'a [&'a str]) -> BoxFuture<'a, Result<View, Problem>>;
    fn cancel<'a>(&'a self, caller: &'a Caller, locales: &'a [&'a str]) -> BoxFuture<'a, Result<(), Problem>>;
    fn resend<'a>(&'a self, caller: &'a Caller, locales: &'a [&'a str]) -> BoxFuture<'a, Result<View, Problem>>;
    fn verify<'a>(
        &'a self,
        caller: &'a Caller,
        code: &'a str,
        locales: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Progress, Problem>>;
    fn invite<'a>(
        &'a self,
        caller: Result<Caller, Problem>,
        email: &'a str,
        attributes: &'a BTreeMap<String, String>,
        locales: &'a [&'a str],
    ) -> BoxFuture<'a, Result<(), Problem>>;
    fn complete<'a>(
        &'a self,
        user_name: &'a str,
        token: &'a str,
        password: String,
    ) -> BoxFuture<'a, Result<String, Problem>>;
}

impl<P, I, S, M> Api for Services<P, I, S, M>
where
    P: UserPool + Send,
    I: Invitations + Send,
    S: Store,
    M: Mailer,
{
    fn request<'a>(
        &'a self,
        caller: &'a Caller,
        new_email: &'a str,
        locales: &'a [&'a str],
    ) -> BoxFuture<'a, Result<View, Problem>> {
        self.request_change(caller, new_email, locales).boxed()
    }

    fn status<'a>(&'a self, caller: &'a Caller, locales: &'a [&'a str]) -> BoxFuture<'a, Result<View, Problem>> {
        self.change_status(caller, locales).boxed()
    }

    fn cancel<'a>(&'a self, caller: &'a Caller, locales: &'a [&'a str]) -> BoxFuture<'a, Result<(), Problem>> {
        self.cancel_change(caller, locales).boxed()
    }

    fn resend<'a>(&'a self, caller: &'a Caller, locales: &'a [&'a str]) -> BoxFuture<'a, Result<View, Problem>> {
        self.resend_code(caller, locales).boxed()
    }

    fn verify<'a>(
        &'a self,
        caller: &'a Caller,
        code: &'a str,
        locales: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Progress, Problem>> {
        self.verify_code(caller, code, locales).boxed()
    }

    fn invite<'a>(
        &'a self,
        caller: Result<Caller, Problem>,
        email: &'a str,
        attributes: &'a BTreeMap<String, String>,
        locales: &'a [&'a str],
    ) -> BoxFuture<'a, Result<(), Problem>> {
        self.invite_person(caller, email, attributes, locales).boxed()
    }

    fn complete<'a>(
        &'a self,
        user_name: &'a str,
        token: &'a str,
        password: String,
    ) -> BoxFuture<'a, Result<String, Problem>> {
        self.complete_invitation(user_name, token, password).boxed()
    }
}

/// The state of every handler.
pub(crate) type Shared = State<Arc<dyn Api>>;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Account API",
        description = "Changes an account's e-mail address with proof of both addresses, and invites people.",
    ),
    modifiers(&Bearer),
    tags(
        (name = "email-change", description = "For the signed-in person"),
        (name = "invitations", description = "Accounts that somebody else begins and their owner completes"),
    )
)]
struct Head;

/// The access token that API Gateway checks.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, description: &mut Description) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let scheme = scheme.description(Some("An access token of the user pool")).build();
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("accessToken", SecurityScheme::Http(scheme));
    }
}

fn routes(invitations: &Mode) -> (Router<Arc<dyn Api>>, Description) {
    let mut routes = OpenApiRouter::with_openapi(Head::openapi())
        .routes(routes!(email_change::request, email_change::status, email_change::cancel))
        .routes(routes!(email_change::verify))
        .routes(routes!(email_change::resend));
    if *invitations != Mode::Off {
        routes = routes.routes(routes!(invitations::invite)).routes(routes!(invitations::complete));
    }
    let (router, mut description) = routes.split_for_parts();
    if *invitations == Mode::Public {
        // Asked of nobody there: the description says so.
        if let Some(operation) = description.paths.paths.get_mut("/invitations").and_then(|path| path.post.as_mut()) {
            operation.security = None;
        }
    }
    (router, description)
}

/// The description of the API in OpenAPI 3.1, with the routes that a mode of invitations leaves.
#[must_use]
pub fn description(invitations: &Mode) -> Description {
    routes(invitations).1
}

/// The answer to a path that leads nowhere.
pub(crate) fn nothing_here() -> Response {
    ([(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], Problem::from(Code::NotFound)).into_response()
}

/// The API's routes. What leads nowhere is for the caller to answer.
pub(crate) fn router(api: Arc<dyn Api>, invitations: &Mode) -> Router {
    let (router, description) = routes(invitations);
    let description = Arc::new(description);
    router
        .route("/openapi.json", get(async move || Json(Arc::clone(&description)).into_response()))
        .method_not_allowed_fallback(async || Problem::from(Code::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        // Answers name addresses, and none is to be kept anywhere on the way.
        .layer(header(CACHE_CONTROL, "no-store"))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .with_state(api)
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
