//! An app as a customer of the pool would write it: sign-in buttons, the code grant with PKCE, and a page that shows
//! who signed in. Unlike a customer's, it keeps one sign-in for everybody, in memory, and sets no cookie.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use minijinja::Environment;
use minijinja::value::Serde;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::address::Address;
use super::people::{FACEBOOK, GOOGLE, READY_ACCOUNT};
use crate::hosted_login::{authorize_url, claims_for_code};
use crate::seed::PASSWORD;
use crate::server::Server;
use crate::user_pool::UserPool;

const TEMPLATE: &str = include_str!("app/page.html");

/// Starts the app. The caller opens the listener first, because the stack is deployed with the app's address.
pub(super) fn serve(listener: TcpListener, address: &Address, own: Option<&str>) -> Result<Server> {
    let session = Session {
        pool: address.stack.pool()?,
        client: address.stack.output("FrontendClientId")?.to_owned(),
        callback: format!("{}/callback", address.app),
        own: own.map(str::to_owned),
        under_way: Mutex::default(),
        signed_in: Mutex::default(),
    };
    let router = Router::new()
        .route("/", get(home))
        .route("/sign-in", get(sign_in))
        .route("/callback", get(callback))
        .route("/sign-out", get(sign_out))
        .with_state(Arc::new(session));
    Server::on(listener, router)
}

/// The sign-in that is under way, and the person who is signed in.
struct Session {
    pool: UserPool,
    client: String,
    callback: String,
    /// The developer's own provider.
    own: Option<String>,
    /// State and PKCE verifier of the sign-in that began last.
    under_way: Mutex<Option<(String, String)>>,
    /// Claims of the ID token.
    signed_in: Mutex<Option<Value>>,
}

type Fields = Query<HashMap<String, String>>;

async fn home(State(session): State<Arc<Session>>) -> Response {
    let Some(claims) = lock(&session.signed_in).clone() else {
        return page(StatusCode::OK, &who_can_sign_in(session.own.as_deref()));
    };
    // Read each time, so that the page shows the pool as it is now and not as it was at the sign-in.
    match session.pool.profile(claims["sub"].as_str().unwrap_or_default()).await {
        Ok(profile) => page(StatusCode::OK, &json!({ "profile": profile, "claims": claims })),
        Err(error) => refused(StatusCode::BAD_GATEWAY, &error),
    }
}

fn who_can_sign_in(own: Option<&str>) -> Value {
    let providers: Vec<_> = ["Google", "Facebook"].into_iter().chain(own).collect();
    json!({
        "account": READY_ACCOUNT, "password": PASSWORD, "google": GOOGLE, "facebook": FACEBOOK, "providers": providers,
    })
}

async fn sign_in(State(session): State<Arc<Session>>, Query(query): Fields) -> Redirect {
    let (state, verifier) = (random(), format!("{}{}", random(), random()));
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let mut fields =
        vec![("state", state.as_str()), ("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    if let Some(provider) = query.get("provider") {
        fields.push(("identity_provider", provider));
    }
    let url = authorize_url(&session.pool, &session.client, &session.callback, &fields);
    *lock(&session.under_way) = Some((state, verifier));
    Redirect::to(&url)
}

async fn callback(State(session): State<Arc<Session>>, Query(query): Fields) -> Response {
    match session.claims(&query).await {
        Ok(claims) => {
            *lock(&session.signed_in) = Some(claims);
            Redirect::to("/").into_response()
        }
        Err(error) => refused(StatusCode::FORBIDDEN, &error),
    }
}

async fn sign_out(State(session): State<Arc<Session>>) -> Redirect {
    *lock(&session.signed_in) = None;
    Redirect::to("/")
}

impl Session {
    /// The claims of the ID token of the person who comes back from the pool.
    async fn claims(&self, query: &HashMap<String, String>) -> Result<Value> {
        if let Some(error) = query.get("error_description").or(query.get("error")) {
            bail!("{error}");
        }
        let under_way = lock(&self.under_way).take();
        let Some((_, verifier)) = under_way.filter(|(state, _)| query.get("state") == Some(state)) else {
            bail!("This sign-in did not begin here, or is over already");
        };
        let code = query.get("code").context("the callback has no code")?;
        let fields = [("code", code.as_str()), ("code_verifier", verifier.as_str())];
        claims_for_code(&self.pool, &self.client, &self.callback, &fields).await
    }
}

fn refused(status: StatusCode, error: &anyhow::Error) -> Response {
    page(status, &json!({ "refused": format!("{error:#}") }))
}

/// A page as HTML. The ending of the name turns escaping on, because values come from providers, the pool and the
/// address bar.
fn page(status: StatusCode, data: &Value) -> Response {
    match Environment::new().render_named_str("page.html", TEMPLATE, Serde(data)) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// 122 random bits as 32 characters.
fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // After a panic in another request, the value is still usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn text(response: Response) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_comes_from_outside_is_escaped() {
        let page = text(refused(StatusCode::FORBIDDEN, &anyhow::anyhow!("<script>alert(1)</script>"))).await;
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    }

    #[tokio::test]
    async fn the_page_shows_every_person_or_every_way_in() {
        let signed_out = text(page(StatusCode::OK, &who_can_sign_in(Some("Corp")))).await;
        assert!(signed_out.contains("/sign-in?provider=Corp"), "{signed_out}");
        for person in GOOGLE.iter().chain(&FACEBOOK) {
            assert!(signed_out.contains(person.subject) && signed_out.contains(person.name.1), "{signed_out}");
        }
        let profile = json!({
            "status": "CONFIRMED",
            "attributes": { "email": READY_ACCOUNT, "given_name": "Ada" },
            "identities": [{ "provider": "Google", "subject": "1" }],
            "groups": ["Users", "Others"],
        });
        let claims = json!({ "email_verified": true });
        let signed_in = text(page(StatusCode::OK, &json!({ "profile": profile, "claims": claims }))).await;
        for part in ["Ada", "Password", "Google", "Users, Others", "the token says true"] {
            assert!(signed_in.contains(part), "{part} in {signed_in}");
        }
    }
}
