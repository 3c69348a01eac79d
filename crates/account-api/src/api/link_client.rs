use crate::AccountApi;
use crate::caller::client_of;
use crate::pages::products::client_in;
use axum::extract::FromRequestParts;
use http::request::Parts;
use std::convert::Infallible;
use utoipa::IntoParams;

/// The app client that the links in mails name, so that the pages lead back to its application. Only those with a
/// `PAGES_RETURN_URL` of their own count.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LinkClient {
    /// The app client that the person came with. Behind the links of the mails, the pages lead back to the address that the
    /// settings have for it. Without it, the app client of the access token counts. An unknown one counts as none.
    #[param(max_length = 128, example = "1example23456789abcdefghij")]
    pub(super) client: Option<String>,
}

impl FromRequestParts<AccountApi> for LinkClient {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &AccountApi) -> Result<Self, Infallible> {
        let asked = parts.uri.query().and_then(client_in);
        let is_known = |id: &String| api.pages.as_ref().is_some_and(|pages| pages.products.contains_key(id));
        Ok(Self { client: asked.into_iter().chain(client_of(&parts.extensions)).find(is_known) })
    }
}
