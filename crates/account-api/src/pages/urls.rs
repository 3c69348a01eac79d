//! What an address in the settings of the pages may be.

use http::Uri;

pub(super) const ORIGIN_ALLOWED: &str = "https://host[:port] without a path (http for localhost only)";
pub(super) const RETURN_ALLOWED: &str =
    "https://host[:port][/path] without user and fragment (http for localhost only)";
pub(super) const URL_ALLOWED: &str =
    "https://host[:port][/path] without user, query and fragment (http for localhost only)";

/// Longest address, in characters. It keeps the Content-Security-Policy short enough for servers.
const URL_LIMIT: usize = 300;

/// An address that people follow. It may have a query.
pub(super) fn parse_return_url(value: &str) -> Option<String> {
    let path = value.split_once('?').map_or(value, |(path, _)| path);
    let plain = value.len() <= URL_LIMIT && !value.contains(['"', '\'', '<', '>', '#', '\\']);
    (plain && parse_url(path).is_some()).then(|| value.to_owned())
}

/// An address that can stand in a Content-Security-Policy: `;`, `,` and `'` would end or change a directive.
pub(super) fn parse_url(value: &str) -> Option<String> {
    let plain = value.len() <= URL_LIMIT && !value.contains([';', ',', '\'', '"', '*', '#', '?', '\\']);
    let uri: Uri = plain.then(|| value.parse().ok()).flatten()?;
    let authority = uri.authority()?.as_str();
    let local = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let secure = uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && local);
    (secure && !authority.contains('@')).then(|| value.trim_end_matches('/').to_owned())
}

/// An address without a path.
pub(super) fn parse_origin(value: &str) -> Option<String> {
    let url = parse_url(value)?;
    let path_is_empty = url.parse::<Uri>().ok()?.path() == "/";
    path_is_empty.then_some(url)
}

/// Scheme, host and port of an address, as a Content-Security-Policy names it.
pub(super) fn origin(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}
