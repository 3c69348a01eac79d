//! The headers that restrict what a page may do and who may see it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use super::settings::Settings;
use super::urls::origin;

/// The Content-Security-Policy, made once.
#[derive(Debug)]
pub(super) struct Policy(HeaderValue);

impl Policy {
    /// Allows what the pages do with these settings, and nothing else.
    ///
    /// Trusted Types without a policy forbid everything that turns text into markup or code, so that a mistake in a
    /// script cannot become an injection.
    pub(super) fn new(settings: &Settings) -> Self {
        let urls = [Some(&settings.cognito_url), settings.sign_in_url.as_ref(), settings.api_url.as_ref()];
        let connect: BTreeSet<String> = urls.into_iter().flatten().filter_map(|url| origin(url)).collect();
        let image = settings.branding.logo_url.as_deref().and_then(origin);
        let list = |origins: &mut dyn Iterator<Item = &String>| origins.fold(String::new(), |all, one| all + " " + one);
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{}; connect-src 'self'{}; \
             form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; \
             trusted-types 'none'",
            list(&mut image.iter()),
            list(&mut connect.iter()),
        );
        // The addresses were checked when the settings were read, so this does not fail. If it did, the pages would
        // load and do nothing.
        Self(HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'")))
    }
}

/// The headers that are the same for every answer.
const FIXED: [(HeaderName, &str); 8] = [
    // Links carry codes and tokens, which no other site may see.
    (header::REFERRER_POLICY, "no-referrer"),
    // For this host alone. The pages must not decide for other hosts of the domain.
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// Adds the headers. An answer without `Cache-Control` is not cached.
pub(super) async fn secure(State(policy): State<Arc<Policy>>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.0.clone());
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
