use crate::problem::{Code, Problem};
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

/// The limits that the API's description states for a body's members, beyond their types.
pub(super) trait Limits {
    /// Whether the body keeps all of them. A limit with a problem code of its own is checked where that code is given.
    fn is_within_limits(&self) -> bool {
        true
    }
}

/// Whether a text has an allowed number of characters, as JSON Schema counts them (2020-12, section 6.3.1).
pub(super) fn has_chars(text: &str, allowed: std::ops::RangeInclusive<usize>) -> bool {
    allowed.contains(&text.chars().count())
}

/// A JSON body within its limits. Any other body is a problem that repeats nothing of what was sent.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + Limits, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) if body.is_within_limits() => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Code::UnsupportedMediaType.into()),
            Err(why) if why.status() == http::StatusCode::PAYLOAD_TOO_LARGE => Err(Code::BodyTooLarge.into()),
            Ok(_) | Err(_) => Err(Code::InvalidRequest.into()),
        }
    }
}
