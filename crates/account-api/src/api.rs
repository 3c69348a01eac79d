//! The HTTP side of the API: routes, their description, and the bodies of requests and answers.

mod body;
mod email_change;
mod id;
mod identities;
mod invitations;
mod link_client;
mod locales;
mod refusals;
mod sessions;

use crate::caller::Caller;
use crate::identities::SelfService;
use crate::invitation::Mode;
use crate::problem::{Code, GatewayRefusal, Problem, ProblemBody};
use crate::{AccountApi, Settings};
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS};
use std::sync::Arc;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most bytes of a request's body. An invitation with every attribute, the longest sensible body, has a tenth of
/// that.
const BODY_LIMIT: usize = 32 * 1024;

/// Logs why the API said no to a caller.
fn logged<T>(result: Result<T, Problem>, caller: &Caller) -> Result<T, Problem> {
    result.inspect_err(|why| why.log(Some(&caller.sub)))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Account API",
        description = "Changes an account's e-mail address with proof of both addresses, shows and changes how it signs in, \
                       and invites people.",
    ),
    components(schemas(ProblemBody, GatewayRefusal)),
    modifiers(&Bearer),
    tags(
        (name = "email-change", description = "For the signed-in person"),
        (name = "identities", description = "How the signed-in person signs in"),
        (name = "invitations", description = "Accounts that one person begins and their owner completes"),
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

fn routes(invitations: &Mode, own: &crate::identities::Settings) -> (Router<AccountApi>, Description) {
    let mut routes = OpenApiRouter::with_openapi(Head::openapi())
        .routes(routes!(email_change::request, email_change::status, email_change::cancel))
        .routes(routes!(email_change::verify))
        .routes(routes!(email_change::resend));
    if own.self_service != SelfService::Off {
        routes = routes
            .routes(routes!(identities::list, identities::connect))
            .routes(routes!(identities::offer))
            .routes(routes!(identities::disconnect));
    }
    if own.needs_fresh_sign_ins() {
        routes = routes.routes(routes!(sessions::end)).routes(routes!(sessions::notice));
    }
    if own.deletion {
        routes = routes.routes(routes!(sessions::delete));
    }
    if *invitations != Mode::Off {
        routes = routes.routes(routes!(invitations::invite)).routes(routes!(invitations::complete));
    }
    if matches!(invitations, Mode::Members(_)) {
        routes = routes
            .routes(routes!(invitations::list))
            .routes(routes!(invitations::look_at, invitations::revoke))
            .routes(routes!(invitations::resend));
    }
    let (router, mut description) = routes.split_for_parts();
    if *invitations == Mode::Public {
        // The description must not ask for a token where everybody may invite.
        if let Some(operation) = description.paths.paths.get_mut("/invitations").and_then(|path| path.post.as_mut()) {
            operation.security = None;
        }
    }
    (router, description)
}

/// The description of the API in OpenAPI 3.1, with the routes that exist with these settings.
#[must_use]
pub fn description(settings: &Settings) -> Description {
    routes(&settings.invitations.mode, &settings.identities).1
}

/// The answer to a path that leads nowhere.
pub(crate) fn nothing_here() -> Response {
    ([(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], Problem::from(Code::NotFound)).into_response()
}

/// The API's routes. The caller adds the answer to paths that lead nowhere.
pub(crate) fn router(api: AccountApi) -> Router {
    let (router, description) = routes(&api.invitations.settings.mode, &api.identities.settings);
    let description = Arc::new(description);
    router
        .route("/openapi.json", get(async move || Json(Arc::clone(&description)).into_response()))
        .method_not_allowed_fallback(async || Problem::from(Code::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        // Answers name addresses, so no cache on the way may keep one.
        .layer(header(CACHE_CONTROL, "no-store"))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .with_state(api)
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
