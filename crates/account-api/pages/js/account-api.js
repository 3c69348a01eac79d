// The account API.

import { Refusal, unreachable } from "./refusal.js";
import { accessToken, endSession } from "./session.js";
import { client, language } from "./view.js";

async function call(config, method, path, { body, token } = {}) {
  const address = config.api_url ? `${config.api_url}/${path}` : new URL(path, location.href);
  const headers = { "accept-language": language() };
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(address, { method, headers, credentials: "omit", body: body && JSON.stringify(body) });
  } catch {
    throw unreachable();
  }
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  if (answer.status === 401 && token === accessToken()) endSession();
  const wait = Number(answer.headers.get("retry-after")) || null;
  const { code = "", detail = "", tries_left: triesLeft = null, password_policy: policy = null } = found;
  throw new Refusal({ code, status: answer.status, detail, wait, triesLeft, policy });
}

const signedIn = (config, method, path, body) => call(config, method, path, { body, token: accessToken() });

export const changeUnderWay = (config) => signedIn(config, "GET", "email-change");
// The links of the mails lead back to the application that people came from.
export const beginChange = (config, email) => {
  const query = client() ? `?client=${encodeURIComponent(client())}` : "";
  return signedIn(config, "POST", `email-change${query}`, { new_email: email });
};
export const proveChange = (config, code, id) => signedIn(config, "POST", "email-change/verify", { code, id });
export const resendChange = (config) => signedIn(config, "POST", "email-change/resend");
export const withdrawChange = (config) => signedIn(config, "DELETE", "email-change");

export const waysToSignIn = (config) => signedIn(config, "GET", "identities");
export const disconnect = (config, id) => signedIn(config, "DELETE", `identities/${id}`);
// All three tell the owner by mail.
export const deleteAccount = (config) => signedIn(config, "DELETE", "account");
export const endSessions = (config) => signedIn(config, "DELETE", "sessions");
export const tellOfPassword = (config) => signedIn(config, "POST", "notices", { what: "password-changed" });
export const connect = (config, wish) => signedIn(config, "POST", "identities", wish);
// With the token of the other account, which this page does not keep as its session.
export const offer = (config, token, to) => call(config, "POST", "identities/offer", { body: { to }, token });

export const completeInvitation = (config, username, token, password) =>
  call(config, "POST", "invitations/complete", { body: { username, token, password } });
