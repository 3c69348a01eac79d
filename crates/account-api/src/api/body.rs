use crate::problem::{Code, Problem};
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

/// What the description promises of a body's members beyond their types.
pub(super) trait Limits {
    /// Whether all of them hold. Members whose limits have a refusal of their own are judged where that is given.
    fn hold(&self) -> bool;
}

/// Whether a text has so many characters, as JSON Schema counts them (2020-12, section 6.3.1).
pub(super) fn has_chars(text: &str, allowed: std::ops::RangeInclusive<usize>) -> bool {
    allowed.contains(&text.chars().count())
}

/// A JSON body within its limits; anything else is a problem without an echo of what was sent.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + Limits, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) if body.hold() => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Code::UnsupportedMediaType.into()),
            Err(why) if why.status() == http::StatusCode::PAYLOAD_TOO_LARGE => Err(Code::BodyTooLarge.into()),
            Ok(_) | Err(_) => Err(Code::InvalidRequest.into()),
        }
    }
}
