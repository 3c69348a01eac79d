//! The pages that the links of messages open: static, in the messages' languages, without anybody else's script.
//!
//! A page is HTML, one style sheet and modules of JavaScript, all embedded in the binary. It talks to Cognito's
//! public operations, to the pool's sign-in pages and to the account API, and to nobody else: the
//! Content-Security-Policy of every answer says so. Opening a page changes nothing, because mail scanners open links:
//! what changes something is a button.

mod assets;
mod colors;
mod document;
mod headers;
mod language;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde::Serialize;

pub use settings::{
    NAMES, PAGES_API_URL, PAGES_CLIENT_ID, PAGES_COGNITO_URL, PAGES_PASSWORD_LENGTH, PAGES_REGISTRATION,
    PAGES_SIGN_IN_URL, Settings,
};

use assets::Assets;
use document::Documents;

/// One page. Its name is its path below `APP_URL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The last segment of its path, for example `activate`.
    pub name: &'static str,
    /// The template it is rendered from, and the script that brings it to life.
    source: &'static str,
}

impl Page {
    const fn named(name: &'static str) -> Self {
        Self { name, source: name }
    }
}

/// Every page. `login` is what links to "sign in" open; it is the account page under another name.
pub const PAGES: [Page; 7] = [
    Page::named("register"),
    Page::named("complete-registration"),
    Page::named("complete-password-reset"),
    Page::named("complete-email-change"),
    Page::named("activate"),
    Page::named("account"),
    Page { name: "login", source: "account" },
];

/// What every answer is made from.
#[derive(Debug)]
struct Site {
    settings: Settings,
    documents: Documents,
    assets: Assets,
}

/// What the pages' script has to know; all of it is public.
#[derive(Debug, Serialize)]
struct Configuration<'a> {
    client_id: &'a str,
    cognito_url: &'a str,
    sign_in_url: Option<&'a str>,
    api_url: Option<&'a str>,
    registration: bool,
    password_length: Option<u8>,
    app_name: Option<&'a str>,
    support_email: Option<&'a str>,
    logo_url: Option<&'a str>,
    brand_color: String,
    default_locale: &'static str,
    locales: Vec<&'static str>,
}

/// Serves the pages, `pages-config.json` and `pages-assets/`. Every reference inside is relative, so the router can be
/// nested under any path. The page `register` is there only if registration is open.
pub fn router(settings: &Settings) -> Router {
    let assets = Assets::new(settings.branding.brand_color);
    let policy = headers::Policy::new(settings);
    let documents = Documents::new(settings, assets.version());
    let site = Arc::new(Site { settings: settings.clone(), documents, assets });
    let mut router = Router::new()
        .route("/pages-config.json", get(configuration))
        .route("/pages-assets/{version}/{name}", get(asset));
    for page in PAGES.into_iter().filter(|page| settings.registration || page.name != "register") {
        let path = format!("/{}", page.name);
        router = router.route(
            &path,
            get(async move |State(site): State<Arc<Site>>, RawQuery(query): RawQuery, headers: HeaderMap| {
                document(page, &site, &query.unwrap_or_default(), &headers)
            }),
        );
    }
    router.with_state(site).layer(middleware::map_response_with_state(Arc::new(policy), headers::secure))
}

fn document(page: Page, site: &Site, query: &str, headers: &HeaderMap) -> Response {
    // Codes and tokens are the page's own business: of the query only the language is looked at.
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "lang").map(|(_, value)| value);
    let (locale, source) = language::choose(asked.as_deref(), headers, site.settings.default_locale);
    match site.documents.render(page, locale, source) {
        Ok(html) => {
            let language = [
                (header::CONTENT_LANGUAGE, HeaderValue::from_static(locale.tag)),
                (header::VARY, HeaderValue::from_static("accept-language")),
            ];
            (language, Html(html)).into_response()
        }
        Err(error) => {
            let cause = error.to_string();
            tracing::error!(error_code = "page_unusable", page = page.name, cause, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn configuration(State(site): State<Arc<Site>>) -> Response {
    let settings = &site.settings;
    let branding = &settings.branding;
    Json(Configuration {
        client_id: &settings.client_id,
        cognito_url: &settings.cognito_url,
        sign_in_url: settings.sign_in_url.as_deref(),
        api_url: settings.api_url.as_deref(),
        registration: settings.registration,
        password_length: settings.password_length,
        app_name: branding.app_name.as_deref(),
        support_email: branding.support_email.as_deref(),
        logo_url: branding.logo_url.as_deref(),
        brand_color: branding.brand_color.to_string(),
        default_locale: settings.default_locale.tag,
        locales: messages::LOCALES.iter().map(|locale| locale.tag).collect(),
    })
    .into_response()
}

async fn asset(State(site): State<Arc<Site>>, Path((version, name)): Path<(String, String)>) -> Response {
    match site.assets.find(&version, &name) {
        Some(asset) => {
            ([(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, assets::IMMUTABLE)], asset.body)
                .into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
