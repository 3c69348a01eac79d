use crate::problem::{Code, Problem};
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

/// A JSON body; anything else is a problem without an echo of what was sent.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Code::UnsupportedMediaType.into()),
            Err(why) if why.status() == http::StatusCode::PAYLOAD_TOO_LARGE => Err(Code::BodyTooLarge.into()),
            Err(_) => Err(Code::InvalidRequest.into()),
        }
    }
}
