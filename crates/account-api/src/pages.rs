//! The pages that the links of messages open: static, in the messages' languages, without anybody else's script.
//!
//! A page is HTML, one style sheet and one script, all embedded in the binary: three requests for a first visit, one for
//! a later one. It talks to Cognito's
//! public operations, to the pool's sign-in pages and to the account API, and to nobody else: the
//! Content-Security-Policy of every answer says so. Opening a page changes nothing, because mail scanners open links:
//! what changes something is a button.

mod assets;
mod colors;
mod compression;
mod document;
mod headers;
mod language;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};

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

/// The password reset, from `/.well-known/`.
const RESET: &str = "../complete-password-reset";

/// The page behind every path that leads nowhere.
const NOT_FOUND: Page = Page::named("not-found");

/// What every answer is made from. The files are put together when the first page is asked for: calls of the API do not
/// wait for them.
#[derive(Debug)]
struct Site {
    settings: Settings,
    made: OnceLock<(Documents, Assets)>,
}

impl Site {
    fn made(&self) -> &(Documents, Assets) {
        self.made.get_or_init(|| {
            let assets = Assets::new(self.settings.branding.brand_color);
            (Documents::new(&self.settings, assets.version()), assets)
        })
    }
}

/// Serves the pages and `pages-assets/`. Every reference inside is relative, so the router can be nested under any path.
/// The page `register` is there only if registration is open. `/` leads to the account page. What leads nowhere is
/// answered with a page to browsers, and to everybody else as `otherwise` says.
pub fn router(settings: &Settings, otherwise: fn() -> Response) -> Router {
    let policy = headers::Policy::new(settings);
    let site = Arc::new(Site { settings: settings.clone(), made: OnceLock::new() });
    let mut router = Router::new()
        .route("/", get(async || (StatusCode::SEE_OTHER, [(header::LOCATION, "account")])))
        // Where password managers send people to change a password (W3C, "A Well-Known URL for Changing Passwords").
        .route("/.well-known/change-password", get(async || (StatusCode::SEE_OTHER, [(header::LOCATION, RESET)])))
        .route("/pages-assets/{version}/{name}", get(asset))
        .fallback(
            async move |State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap| {
                if reads_html(&headers) { nothing_here(&site, &uri, &headers) } else { otherwise() }
            },
        );
    for page in PAGES.into_iter().filter(|page| settings.registration || page.name != "register") {
        let path = format!("/{}", page.name);
        router = router.route(
            &path,
            get(async move |State(site): State<Arc<Site>>, RawQuery(query): RawQuery, headers: HeaderMap| {
                document(page, "", &site, &query.unwrap_or_default(), &headers)
            }),
        );
    }
    router.with_state(site).layer(middleware::map_response_with_state(Arc::new(policy), headers::secure))
}

/// Whether somebody looks at the answer: browsers ask for HTML by name, programs do not.
fn reads_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|item| item.split(';').next().is_some_and(|kind| kind.trim() == "text/html"))
}

/// The page that says that there is no page, with a way on.
fn nothing_here(site: &Site, uri: &Uri, headers: &HeaderMap) -> Response {
    // The references in the page are relative to where the browser believes to be.
    let depth = uri.path().matches('/').count().saturating_sub(1).min(DEEPEST);
    let mut answer = document(NOT_FOUND, &"../".repeat(depth), site, uri.query().unwrap_or_default(), headers);
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

/// Folders that are gone up from at most. Nobody mistypes a deeper path.
const DEEPEST: usize = 20;

/// A page. `up` leads from where the browser is to where the pages are.
fn document(page: Page, up: &str, site: &Site, query: &str, headers: &HeaderMap) -> Response {
    // Codes and tokens are the page's own business: of the query only the language is looked at.
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "lang").map(|(_, value)| value);
    let (locale, source) = language::choose(asked.as_deref(), headers, site.settings.default_locale);
    match site.made().0.render(page, up, locale, source) {
        Ok(html) => {
            let packed = compression::accepts_gzip(headers).then(|| compression::gzip(html.as_bytes())).flatten();
            let head = [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (header::CONTENT_LANGUAGE, HeaderValue::from_static(locale.tag)),
                (header::VARY, HeaderValue::from_static("accept-language, accept-encoding")),
            ];
            (head, packed.map_or_else(|| html.into_response(), compression::packed)).into_response()
        }
        Err(error) => {
            let cause = error.to_string();
            tracing::error!(error_code = "page_unusable", page = page.name, cause, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn asset(
    State(site): State<Arc<Site>>,
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(asset) = site.made().1.find(&version, &name) else { return StatusCode::NOT_FOUND.into_response() };
    let head = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, assets::IMMUTABLE),
        (header::VARY, "accept-encoding"),
    ];
    let packed = asset.packed.filter(|_| compression::accepts_gzip(&headers));
    (head, packed.map_or_else(|| asset.body.into_response(), compression::packed)).into_response()
}
