// Signing in on the pool's own pages with the code grant and PKCE (RFC 7636), and signing out.
//
// The tokens lie in sessionStorage: in memory they would be gone after a reload, and after the way to the sign-in pages
// and back. A link from a message opens a tab without them, and people sign in there.
// Nothing but the modules of this origin runs here (Content-Security-Policy), they end with the tab, and the
// access token with its hour. The refresh token is kept for one purpose: to be revoked at the sign-out.

import { getUser, revoke } from "./cognito.js";
import { addressOf } from "./link.js";
import { forget, keep, recall } from "./memory.js";
import { Refusal, unreachable } from "./refusal.js";
import { client, language } from "./view.js";

const SESSION = "session";
const UNDER_WAY = "sign-in";
// What follows when the sign-in pages have ended their own session.
const NEXT = "next";
// How long that takes, in milliseconds.
const PATIENCE = 120_000;
// For how many seconds a sign-in counts as fresh. The account API allows ten minutes; the way to a provider takes some.
const FRESH = 480;
const SCOPES = "openid email aws.cognito.signin.user.admin";
// What the pool's sign-in pages are translated into, of our languages.
const TRANSLATED = ["de", "en", "es", "fr", "ja", "pt-BR"];
// Seconds; a token that ends on the way to the server is no token.
const MARGIN = 30;

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// The one address that the app client has to allow, for sign-in and sign-out.
const account = () => new URL("account", location.href).href.split("?")[0];

// What people come back to: that address alone has neither.
const place = () => ({ lang: language(), client: client() });

export function accessToken() {
  const session = recall(SESSION);
  return session && session.ends > Date.now() / 1000 + MARGIN ? session.access : null;
}

export function endSession() {
  forget(SESSION);
}

// The `sub` of the account that is signed in.
export const subject = () => claims(accessToken()).sub;

// Whether the person signed in a moment ago. Only differences count, because the clock here may be wrong.
export function isFresh() {
  const { since = 0 } = recall(SESSION) ?? {};
  return Date.now() / 1000 - since < FRESH;
}

// The server says that it was not a moment ago.
export function stale() {
  keep(SESSION, { ...recall(SESSION), since: 0 });
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

// Leaves for the sign-in pages; `returnTo` is the page to come back to. With a provider, they lead on to that one alone.
// `purpose` is why, for the page that is come back to: `joins` makes this the sign-in to a second account.
export async function signIn(config, { returnTo = "account", hint = null, provider = null, purpose = null } = {}) {
  const underWay = { state: random(), nonce: random(), verifier: random(), returnTo, ...place(), purpose };
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
  if (provider) query.set("identity_provider", provider);
  if (TRANSLATED.includes(language())) query.set("lang", language());
  location.assign(`${config.sign_in_url}/oauth2/authorize?${query}`);
}

// The sign-in that this tab began, if it is not finished.
export const signInUnderWay = () => recall(UNDER_WAY);

// Takes the answer of the sign-in pages and returns where to go on: `{ returnTo }`.
export async function finishSignIn(config, answer) {
  const underWay = recall(UNDER_WAY);
  forget(UNDER_WAY);
  if (!underWay || answer.state !== underWay.state) throw new Refusal({ code: "foreign-sign-in" });
  if (answer.error) throw new Refusal({ code: "sign-in-refused", detail: answer.error_description ?? "" });
  const tokens = await exchange(config, answer.code, underWay.verifier);
  // The token came straight from the pool over TLS, which stands in for its signature (OpenID Connect Core 3.1.3.7).
  if (claims(tokens.id_token).nonce !== underWay.nonce) throw new Refusal({ code: "foreign-sign-in" });
  const now = Date.now() / 1000;
  const { iat, auth_time: at = iat } = claims(tokens.access_token);
  const session = {
    access: tokens.access_token,
    refresh: tokens.refresh_token,
    ends: now + tokens.expires_in,
    since: now - (iat - at),
  };
  const { purpose } = underWay;
  if (purpose) keep("purpose", { ...purpose, session: purpose.joins && session });
  if (!purpose?.joins) keep(SESSION, session);
  return underWay;
}

// Why the person was sent to sign in. It is kept until it has served.
export const purpose = () => recall("purpose");
export const dropPurpose = () => forget("purpose");

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

// Ends a session's tokens.
export async function revokeTokens(config, session) {
  try {
    if (session?.refresh) await revoke(config, session.refresh);
  } catch {
    // It ends by itself.
  }
}

// Ends the session here, its tokens, and the session on the sign-in pages.
export async function signOut(config, next) {
  const session = recall(SESSION);
  endSession();
  await revokeTokens(config, session);
  throughSignOut(config, next);
}

// Ends the session on the sign-in pages alone, so that the next sign-in there is a new one. `next` is for this page when
// it comes back.
export function throughSignOut(config, next = {}) {
  keep(NEXT, { ...next, ...place(), until: Date.now() + PATIENCE });
  const query = new URLSearchParams({ client_id: config.client_id, logout_uri: account() });
  location.assign(config.sign_in_url ? `${config.sign_in_url}/logout?${query}` : addressOf("account"));
}

// What was to follow, once. Whoever comes later than that, comes for something else.
export function takeNext() {
  const next = recall(NEXT);
  forget(NEXT);
  return next && next.until > Date.now() ? next : null;
}

export const keepNext = (next) => keep(NEXT, next);
