// Signing in on the pool's own pages with the code grant and PKCE (RFC 7636), and signing out.
//
// The tokens lie in sessionStorage: in memory they would be gone on the next page, and a link from a message opens a
// page. Nothing but the modules of this origin runs here (Content-Security-Policy), they end with the tab, and the
// access token with its hour. The refresh token is kept for one purpose: to be revoked at the sign-out.

import { getUser, revoke } from "./cognito.js";
import { addressOf } from "./link.js";
import { forget, keep, recall } from "./memory.js";
import { Refusal, unreachable } from "./refusal.js";
import { language } from "./view.js";

const SESSION = "session";
const UNDER_WAY = "sign-in";
const SCOPES = "openid email aws.cognito.signin.user.admin";
// What the pool's sign-in pages are translated into, of our languages.
const TRANSLATED = ["de", "en", "es", "fr", "ja", "pt-BR"];
// Seconds; a token that ends on the way to the server is no token.
const MARGIN = 30;

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// The one address that the app client has to allow, for sign-in and sign-out.
const account = () => new URL("account", location.href).href.split("?")[0];

export function accessToken() {
  const session = recall(SESSION);
  return session && session.ends > Date.now() / 1000 + MARGIN ? session.access : null;
}

export function endSession() {
  forget(SESSION);
}

// Whether the pool still takes the session here; forgets it if not. A change of the address may end every session.
export async function stillSignedIn(config) {
  try {
    await getUser(config, accessToken());
    return true;
  } catch (problem) {
    if (problem.code !== "NotAuthorizedException") throw problem;
    endSession();
    return false;
  }
}

// Leaves for the sign-in pages; `returnTo` is the page to come back to.
export async function signIn(config, returnTo, hint) {
  const underWay = { state: random(), nonce: random(), verifier: random(), returnTo, lang: language() };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(underWay.verifier));
  keep(UNDER_WAY, underWay);
  const query = new URLSearchParams({
    response_type: "code",
    client_id: config.client_id,
    redirect_uri: account(),
    scope: SCOPES,
    state: underWay.state,
    nonce: underWay.nonce,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  if (hint) query.set("login_hint", hint);
  if (TRANSLATED.includes(language())) query.set("lang", language());
  location.assign(`${config.sign_in_url}/oauth2/authorize?${query}`);
}

// Takes the answer of the sign-in pages and returns where to go on: `{ returnTo, lang }`.
export async function finishSignIn(config, answer) {
  const underWay = recall(UNDER_WAY);
  forget(UNDER_WAY);
  if (!underWay || answer.state !== underWay.state) throw new Refusal({ code: "foreign-sign-in" });
  if (answer.error) throw new Refusal({ code: "sign-in-refused", detail: answer.error_description ?? "" });
  const tokens = await exchange(config, answer.code, underWay.verifier);
  // The token came straight from the pool over TLS, which stands in for its signature (OpenID Connect Core 3.1.3.7).
  if (claims(tokens.id_token).nonce !== underWay.nonce) throw new Refusal({ code: "foreign-sign-in" });
  const ends = Date.now() / 1000 + tokens.expires_in;
  keep(SESSION, { access: tokens.access_token, refresh: tokens.refresh_token, ends });
  return underWay;
}

async function exchange(config, code, verifier) {
  let answer;
  try {
    answer = await fetch(`${config.sign_in_url}/oauth2/token`, {
      method: "POST",
      credentials: "omit",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        client_id: config.client_id,
        redirect_uri: account(),
        code,
        code_verifier: verifier,
      }),
    });
  } catch {
    throw unreachable();
  }
  if (!answer.ok) throw new Refusal({ code: "sign-in-failed", status: answer.status });
  return answer.json();
}

function claims(token) {
  const text = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
}

// Ends the session here, its tokens, and the session on the sign-in pages.
export async function signOut(config) {
  const session = recall(SESSION);
  endSession();
  try {
    if (session?.refresh) await revoke(config, session.refresh);
  } catch {
    // It ends by itself; what counts is that nobody is signed in here any more.
  }
  const query = new URLSearchParams({ client_id: config.client_id, logout_uri: account() });
  location.assign(config.sign_in_url ? `${config.sign_in_url}/logout?${query}` : addressOf("account"));
}
