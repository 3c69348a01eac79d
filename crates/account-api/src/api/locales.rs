use crate::caller::{Caller, Origin};
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use std::convert::Infallible;

/// The most languages that are read. The best ones count.
const MOST: usize = 5;

/// The languages that the client says its person reads, best first.
pub(super) struct Locales(Vec<String>);

impl Locales {
    pub(super) fn as_strs(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    fn of(parts: &Parts) -> Self {
        let header = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self::parse(header.unwrap_or_default())
    }

    /// Reads `Accept-Language` (RFC 9110 section 12.5.4).
    fn parse(header: &str) -> Self {
        Self(messages::preferred(header).into_iter().take(MOST).map(str::to_owned).collect())
    }
}

impl<S: Sync> FromRequestParts<S> for Locales {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut caller = Self::from_extensions(&parts.extensions)?;
        caller.locales = Locales::of(parts).0;
        Ok(caller)
    }
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::from_extensions(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_language_comes_first_and_nonsense_is_passed_over() {
        let read = |header: &str| Locales::parse(header).as_strs().join(" ");
        assert_eq!(read("de-CH, fr;q=0.9, en;q=0.95, *;q=0.1"), "de-CH en fr");
        assert_eq!(read("fr;q=0, en;q=NaN, ;;, de;q=x, ja"), "ja");
        assert_eq!(read(""), "");
        assert_eq!(read("a,b,c,d,e,f,g"), "a b c d e");
    }
}
