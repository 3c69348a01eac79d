//! The pages that the links in messages open: static, in the languages of the messages, without scripts of others.
//!
//! A page is HTML, one style sheet and one script, all embedded in the binary. A first visit takes three requests, a
//! later one takes one. A page calls Cognito's public operations, the pool's sign-in pages and the account API. The
//! Content-Security-Policy of every answer allows nothing else. Opening a page changes nothing, because mail scanners
//! open links. Only pressing a button does.

mod assets;
mod colors;
mod compression;
mod document;
mod headers;
mod language;
pub(crate) mod products;
mod settings;
#[cfg(test)]
mod tests;
mod urls;

use std::sync::{Arc, OnceLock};

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use messages::Locale;

pub use products::Product;
pub use settings::{
    NAMES, PAGES_API_URL, PAGES_CLIENT_ID, PAGES_COGNITO_URL, PAGES_PASSWORD_RULES, PAGES_PROVIDERS,
    PAGES_REGISTRATION, PAGES_SIGN_IN_URL, PasswordRules, Settings,
};

use assets::Assets;
use document::Documents;

/// One page. Its name is its path below `APP_URL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The last segment of its path, for example `activate`.
    pub name: &'static str,
    /// The name of its template and of its script.
    source: &'static str,
}

impl Page {
    const fn named(name: &'static str) -> Self {
        Self { name, source: name }
    }
}

/// Every page. Links to "sign in" open `login`, which is the account page under another name.
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

/// The page for every path that leads nowhere.
const NOT_FOUND: Page = Page::named("not-found");

/// What every answer is made from. The files are put together at the first request for a page, so that calls of the API
/// do not wait for them.
#[derive(Debug)]
struct Site {
    settings: Settings,
    files: OnceLock<(Documents, Assets)>,
}

impl Site {
    /// The app client that a query names, and where its people go on. `None` if the settings do not know it.
    fn product(&self, query: &str) -> Option<(&String, &Product)> {
        products::client_in(query).and_then(|id| self.settings.products.get_key_value(&id))
    }

    fn files(&self) -> &(Documents, Assets) {
        self.files.get_or_init(|| {
            let assets = Assets::new(self.settings.branding.brand_color, &self.settings.forms);
            (Documents::new(&self.settings, assets.version()), assets)
        })
    }
}

/// Serves the pages and `pages-assets/`. All references in the pages are relative, so the router can be nested under
/// any path. The page `register` exists only if registration is open. `/` redirects to the account page below `APP_URL`.
/// For a path that leads nowhere, browsers get a page, and other clients get the answer of `otherwise`.
pub fn router(settings: &Settings, otherwise: fn() -> Response) -> Router {
    let policy = headers::Policy::new(settings);
    let site = Arc::new(Site { settings: settings.clone(), files: OnceLock::new() });
    let mut router = Router::new()
        .route(
            "/",
            get(async |State(site): State<Arc<Site>>, RawQuery(query): RawQuery| {
                home(&site, &query.unwrap_or_default())
            }),
        )
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

/// Leads from the root to the account page. Below a path, browsers may have asked for the root without the slash at its end
/// (`https://example.com/pages`), as the footers of mails link it. From there, a relative reference leads beside the path.
fn home(site: &Site, query: &str) -> Response {
    let root = site.settings.branding.app_url.as_deref().map(|url| format!("{url}/")).unwrap_or_default();
    let lang = products::parameter(query, "lang").and_then(|tag| Locale::for_tag(&tag)).map(|locale| locale.tag);
    let client = site.product(query).map(|(id, _)| id.as_str());
    let query = products::query(lang, client);
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("{root}account{query}"))]).into_response()
}

/// Whether a person looks at the answer. Browsers ask for HTML by name, programs do not.
fn reads_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|item| item.split(';').next().is_some_and(|kind| kind.trim() == "text/html"))
}

/// The page that says that a path leads nowhere, with a link to one that does not.
fn nothing_here(site: &Site, uri: &Uri, headers: &HeaderMap) -> Response {
    // The browser resolves the references in the page against the path that it asked for.
    let depth = uri.path().matches('/').count().saturating_sub(1).min(DEEPEST);
    let mut answer = document(NOT_FOUND, &"../".repeat(depth), site, uri.query().unwrap_or_default(), headers);
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

/// The most folders that references go up. Nobody mistypes a deeper path.
const DEEPEST: usize = 20;

/// A page. `up` leads from the folder that the browser is in to the folder of the pages.
fn document(page: Page, up: &str, site: &Site, query: &str, headers: &HeaderMap) -> Response {
    // Only the page's script reads codes and tokens. The server reads the language and the app client from the query, and
    // nothing else.
    let requested = products::parameter(query, "lang");
    let (locale, source) = language::choose(requested.as_deref(), headers, site.settings.default_locale);
    let locale = site.settings.forms.of(locale);
    match site.files().0.render(page, up, (locale, source), site.product(query)) {
        Ok(html) => {
            let packed = compression::accepts_gzip(headers).then(|| compression::gzip(html.as_bytes()));
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
    let Some(asset) = site.files().1.find(&version, &name) else { return StatusCode::NOT_FOUND.into_response() };
    let head = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, assets::IMMUTABLE),
        (header::VARY, "accept-encoding"),
    ];
    let body = if compression::accepts_gzip(&headers) {
        compression::packed(asset.packed)
    } else {
        asset.body().into_response()
    };
    (head, body).into_response()
}
