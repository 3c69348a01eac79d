//! Which language a page is in.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use messages::Locale;

/// Why a page has its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The query names it. Every link on the page keeps it.
    Query,
    /// The browser's `Accept-Language`.
    Header,
    /// Neither names a language that we have. A cache or proxy may have removed the header, so the page asks the
    /// browser again.
    Default,
}

impl Source {
    /// The word that the page's script reads.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Header => "header",
            Self::Default => "default",
        }
    }
}

/// Chooses the language of a page: the query's `lang`, or else what the browser asks for, or else the default.
pub(super) fn choose(query: Option<&str>, headers: &HeaderMap, default: &'static Locale) -> (&'static Locale, Source) {
    if let Some(locale) = query.and_then(Locale::for_tag) {
        return (locale, Source::Query);
    }
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match messages::preferred(accepted).into_iter().find_map(Locale::for_tag) {
        Some(locale) => (locale, Source::Header),
        None => (default, Source::Default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn check(query: Option<&str>, accepted: &'static str, expected: (&str, Source)) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
        let (locale, source) = choose(query, &headers, Locale::with_tag("fr").unwrap());
        assert_eq!((locale.tag, source), expected);
    }

    #[test]
    fn the_query_outranks_the_browser_and_the_browser_the_default() {
        check(Some("ja"), "de", ("ja", Source::Query));
        check(None, "de-AT, en;q=0.5", ("de", Source::Header));
        check(Some("xx"), "", ("fr", Source::Default));
        check(None, "*", ("fr", Source::Default));
    }

    #[test]
    fn the_browsers_order_is_that_of_the_weights_and_zero_is_a_no() {
        check(None, "de;q=0.2, pt-PT;q=0.9, zh", ("pt-BR", Source::Header));
        check(None, "de;q=0, ar;q=nonsense, es;q=0.1", ("es", Source::Header));
    }
}
