//! A sign-in through a provider, as an app does it: the authorize link, the provider, the callback, the tokens.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::http::{Answer, Http, form_encode};
use crate::user_pool::{ApiError, CALLBACK, UserPool};

/// Signs a person in through a provider and returns the claims of the pool's ID token.
///
/// # Errors
///
/// Returns an [`ApiError`] if the pool refuses the sign-in. Also fails if a step leads to an unexpected address.
pub async fn sign_in(pool: &UserPool, client: &str, provider: &str, subject: &str) -> Result<Value> {
    let tokens = tokens(pool, client, provider, subject).await?;
    claims(tokens["id_token"].as_str().context("there is no ID token")?)
}

/// Signs a person in through a provider and returns the pool's tokens.
///
/// # Errors
///
/// The same as of [`sign_in`].
pub async fn tokens(pool: &UserPool, client: &str, provider: &str, subject: &str) -> Result<Value> {
    let http = Http::default();
    let link = authorize_url(pool, client, CALLBACK, &[("state", "from-the-app"), ("identity_provider", provider)]);
    let at_provider = redirect(&http.get(&link).await?)?;
    let back_at_pool = redirect(&http.submit(&at_provider, &[("sub", subject)]).await?)?;
    let at_app = redirect(&http.get(&back_at_pool).await?)?;
    let (callback, answer) = at_app.split_once('?').context("the app is called back with nothing")?;
    if callback != CALLBACK {
        bail!("the sign-in ended at {callback}, not at the app");
    }
    let answer: Vec<_> = form_urlencoded::parse(answer.as_bytes()).collect();
    let field = |wanted: &str| answer.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_ref());
    if let Some(error) = field("error") {
        let message = field("error_description").unwrap_or_default().to_owned();
        return Err(ApiError { code: error.to_owned(), message }.into());
    }
    if field("state") != Some("from-the-app") {
        bail!("the state came back changed");
    }
    let code = field("code").context("the app got no code")?;
    tokens_for_code(pool, client, CALLBACK, &[("code", code)]).await
}

/// The link that begins a sign-in. `further` adds fields such as the state.
pub(crate) fn authorize_url(pool: &UserPool, client: &str, callback: &str, further: &[(&str, &str)]) -> String {
    let fields = [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", callback),
        ("scope", "openid email profile"),
    ];
    format!("{}/oauth2/authorize?{}", pool.endpoint(), form_encode(&[&fields[..], further].concat()))
}

/// Exchanges a code for the tokens, and returns the claims of the ID token. `code` holds the form fields of the code.
///
/// # Errors
///
/// Returns an [`ApiError`] if the pool refuses.
pub(crate) async fn claims_for_code(
    pool: &UserPool,
    client: &str,
    callback: &str,
    code: &[(&str, &str)],
) -> Result<Value> {
    let tokens = tokens_for_code(pool, client, callback, code).await?;
    claims(tokens["id_token"].as_str().context("there is no ID token")?)
}

async fn tokens_for_code(pool: &UserPool, client: &str, callback: &str, code: &[(&str, &str)]) -> Result<Value> {
    let fields = [("grant_type", "authorization_code"), ("client_id", client), ("redirect_uri", callback)];
    let url = format!("{}/oauth2/token", pool.endpoint());
    let tokens = Http::default().submit(&url, &[&fields[..], code].concat()).await?;
    if !tokens.status.is_success() {
        return Err(ApiError::read(&tokens).into());
    }
    tokens.json()
}

/// The target of a redirect.
fn redirect(answer: &Answer) -> Result<String> {
    match &answer.location {
        Some(location) if answer.status.is_redirection() => Ok(location.clone()),
        _ => Err(ApiError::read(answer)).with_context(|| format!("the sign-in stopped with {}", answer.status)),
    }
}

/// Reads a token's claims. It does not check the signature, because the token comes straight from the pool.
fn claims(token: &str) -> Result<Value> {
    let payload = token.split('.').nth(1).context("the ID token is not a JWT")?;
    Ok(serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload)?)?)
}
