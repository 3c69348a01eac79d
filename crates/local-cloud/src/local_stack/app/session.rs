//! Who is signing in and who is signed in, in memory only.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::Address;
use super::page::{Account, Page};
use crate::http::{Http, form_encode};
use crate::user_pool::UserPool;

/// The session cookie's name.
const COOKIE: &str = "session";

/// The app's memory.
#[derive(Debug)]
pub(super) struct Sessions {
    pool: UserPool,
    client: String,
    app: String,
    http: Http,
    /// PKCE verifiers by the state they were sent with.
    under_way: Mutex<HashMap<String, String>>,
    /// Claims of ID tokens by session.
    signed_in: Mutex<HashMap<String, Value>>,
}

impl Sessions {
    pub(super) fn new(address: &Address) -> Result<Self> {
        Ok(Self {
            pool: address.stack.pool()?,
            client: address.stack.output("FrontendClientId")?.to_owned(),
            app: address.app.clone(),
            http: Http::default(),
            under_way: Mutex::default(),
            signed_in: Mutex::default(),
        })
    }

    /// The page for somebody who comes with this `Cookie` header.
    pub(super) async fn home(&self, cookie: &str) -> Result<Page> {
        let claims = session_in(cookie).and_then(|session| lock(&self.signed_in).get(session).cloned());
        let Some(claims) = claims else { return Ok(Page::signed_out()) };
        let subject = claims["sub"].as_str().context("the ID token names nobody")?;
        // Asked anew each time, so that the page shows the pool as it is and not as it was at the sign-in.
        let profile = self.pool.profile(subject).await?;
        Ok(Page::signed_in(Account::new(&profile, &claims)))
    }

    /// Where to send a browser that wants to sign in; the query may name a `provider`.
    pub(super) fn begin(&self, query: &str) -> String {
        let provider = field(query, "provider");
        let state = random();
        let verifier = format!("{}{}", random(), random());
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        lock(&self.under_way).insert(state.clone(), verifier);
        let callback = format!("{}/callback", self.app);
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", &callback),
            ("scope", "openid email profile"),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if let Some(provider) = &provider {
            fields.push(("identity_provider", provider));
        }
        format!("{}/oauth2/authorize?{}", self.pool.endpoint(), form_encode(&fields))
    }

    /// Takes the browser back. Inside is the `Set-Cookie` value, or what the pool told the person.
    pub(super) async fn finish(&self, query: &str) -> Result<Result<String, String>> {
        if let Some(error) = field(query, "error") {
            return Ok(Err(field(query, "error_description").unwrap_or(error)));
        }
        let state = field(query, "state").context("the callback has no state")?;
        let Some(verifier) = lock(&self.under_way).remove(&state) else {
            return Ok(Err("This sign-in was not begun here, or is over already".to_owned()));
        };
        let code = field(query, "code").context("the callback has no code")?;
        let callback = format!("{}/callback", self.app);
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", &self.client),
            ("redirect_uri", &callback),
            ("code", &code),
            ("code_verifier", &verifier),
        ];
        let answer = self.http.submit(&format!("{}/oauth2/token", self.pool.endpoint()), &fields).await?;
        if !answer.status.is_success() {
            bail!("the pool gave no tokens: {}", answer.status);
        }
        let claims = claims(answer.json()?["id_token"].as_str().context("there is no ID token")?)?;
        let session = random();
        lock(&self.signed_in).insert(session.clone(), claims);
        Ok(Ok(format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax")))
    }

    /// Forgets whoever comes with this `Cookie` header.
    pub(super) fn end(&self, cookie: &str) {
        if let Some(session) = session_in(cookie) {
            lock(&self.signed_in).remove(session);
        }
    }
}

/// The session's id in a `Cookie` header.
fn session_in(cookie: &str) -> Option<&str> {
    cookie.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// One field of a query.
fn field(query: &str, wanted: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}

/// Reads a token's claims. The signature is not checked: the token came straight from the pool.
fn claims(token: &str) -> Result<Value> {
    let payload = token.split('.').nth(1).context("the ID token is no JWT")?;
    Ok(serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload)?)?)
}

/// 122 random bits as 32 characters.
fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in another request leaves a map that is still a map.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_found_among_other_cookies() {
        assert_eq!(session_in("theme=dark; session=abc; x=y"), Some("abc"));
        assert_eq!(session_in("sessions=abc"), None);
        assert_eq!(session_in(""), None);
    }

    #[test]
    fn a_field_of_a_query_is_decoded() {
        assert_eq!(
            field("error_description=Please+try%20again", "error_description").as_deref(),
            Some("Please try again")
        );
        assert_eq!(field("a=b", "c"), None);
    }
}
