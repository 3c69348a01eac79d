use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use std::convert::Infallible;

/// The `id` in the path. One that is no text, such as `%CC`, is empty, which is nobody's: the answer is that of any other
/// unknown one.
pub(super) struct Id(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(Path::from_request_parts(parts, state).await.map_or_else(|_| String::new(), |Path(id)| id)))
    }
}
