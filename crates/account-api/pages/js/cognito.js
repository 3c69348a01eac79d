// Cognito's public operations: those that need no AWS credentials.

import { Refusal, unreachable } from "./refusal.js";
import { client, language } from "./view.js";

async function call(config, operation, input) {
  let answer;
  try {
    answer = await fetch(`${config.cognito_url}/`, {
      method: "POST",
      credentials: "omit",
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
      },
      body: JSON.stringify(input),
    });
  } catch {
    throw unreachable();
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  const code = String(body.__type ?? "").split("#").pop();
  throw new Refusal({ code, status: answer.status, detail: body.message ?? body.Message ?? "" });
}

// Without it the triggers would have to guess the language of their messages, and their links would name the app client of
// the pages.
const metadata = () => ({ locale: language(), ...(client() && { return_client: client() }) });

export const signUp = (config, email, password) =>
  call(config, "SignUp", { ClientId: config.client_id, Username: email, Password: password, ClientMetadata: metadata() });

export const confirmSignUp = (config, username, code) =>
  call(config, "ConfirmSignUp", {
    ClientId: config.client_id,
    Username: username,
    ConfirmationCode: code,
    ClientMetadata: metadata(),
  });

export const resendConfirmation = (config, username) =>
  call(config, "ResendConfirmationCode", { ClientId: config.client_id, Username: username, ClientMetadata: metadata() });

export const forgotPassword = (config, username) =>
  call(config, "ForgotPassword", { ClientId: config.client_id, Username: username, ClientMetadata: metadata() });

export const confirmForgotPassword = (config, username, code, password) =>
  call(config, "ConfirmForgotPassword", {
    ClientId: config.client_id,
    Username: username,
    ConfirmationCode: code,
    Password: password,
    ClientMetadata: metadata(),
  });

export const getUser = (config, token) => call(config, "GetUser", { AccessToken: token });

export const verifyEmail = (config, token, code) =>
  call(config, "VerifyUserAttribute", { AccessToken: token, AttributeName: "email", Code: code });

export const sendEmailCode = (config, token) =>
  call(config, "GetUserAttributeVerificationCode", {
    AccessToken: token,
    AttributeName: "email",
    ClientMetadata: metadata(),
  });

export const revoke = (config, token) => call(config, "RevokeToken", { ClientId: config.client_id, Token: token });

export const changePassword = (config, token, previous, password) =>
  call(config, "ChangePassword", { AccessToken: token, PreviousPassword: previous, ProposedPassword: password });

export const signOutEverywhere = (config, token) => call(config, "GlobalSignOut", { AccessToken: token });

export const listDevices = (config, token, next) =>
  call(config, "ListDevices", { AccessToken: token, Limit: 60, PaginationToken: next });

export const forgetDevice = (config, token, key) =>
  call(config, "ForgetDevice", { AccessToken: token, DeviceKey: key });

export const passkeys = (config, token) => call(config, "ListWebAuthnCredentials", { AccessToken: token });
