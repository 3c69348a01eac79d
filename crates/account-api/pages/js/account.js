// Who is signed in, how they can sign in, and what they can change.

import { changeUnderWay, tellOfPassword } from "./account-api.js";
import { changePassword, getUser } from "./cognito.js";
import { goOnConnecting } from "./connect.js";
import { showDevices } from "./devices.js";
import { emailChange } from "./email-change.js";
import { empty, onPress, onSubmit } from "./form.js";
import { addressOf, dropLink, leaveFor, takeLink } from "./link.js";
import { explain, reason, Refusal } from "./refusal.js";
import { accessToken, dropPurpose, endSession, finishSignIn, purpose, signIn, signInUnderWay, signOut } from "./session.js";
import { keepNext, stillSignedIn, takeNext } from "./session.js";
import { start } from "./start.js";
import { alertWith, client, language, nameOf, notice, quiet, say, show, slot } from "./view.js";
import { askAgain, askToDelete, askToSignOutEverywhere, showWays, wireAsking } from "./ways.js";

const PAGE = "account";
const answer = takeLink(PAGE, ["code", "state", "error", "error_description"]);
const { email: hint } = takeLink("login", ["email", "username"]);

let email = null;

async function showProfile(config) {
  const user = await getUser(config, accessToken());
  const attributes = Object.fromEntries(user.UserAttributes.map(({ Name, Value }) => [Name, Value]));
  email = attributes.email ?? "";
  const verified = attributes.email_verified === "true";
  slot("address", email);
  document.getElementById("verified").hidden = !verified;
  document.getElementById("unverified").hidden = verified;
  const found = await showWays(config, attributes);
  // Whoever signs in with a provider alone has no password that could be changed.
  document.getElementById("password-part").hidden = found.identities.some(({ primary }) => primary);
  document.getElementById("open-password").hidden = found.password === "none";
  return found;
}

function changing(yes) {
  document.getElementById("changing").hidden = !yes;
  document.getElementById("start-change").hidden = yes;
}

function wireChange(config) {
  const close = (text) => {
    changing(false);
    notice(text);
    document.getElementById("open-change").focus();
  };
  const steps = emailChange(config, {
    done: async () => {
      if (!(await stillSignedIn(config))) {
        show("signed-out", { focus: false });
        return notice(say("complete-email-change.done"));
      }
      await showProfile(config);
      close(say("complete-email-change.done"));
    },
    withdrawn: () => close(say("change.withdrawn")),
    // The way on is to begin again.
    gone: () => steps.ask(),
  });
  onPress("open-change", () => {
    steps.ask();
    changing(true);
    document.getElementById("new-email").focus();
  });
  return steps;
}

function wirePassword(config) {
  const form = document.getElementById("password-change");
  const open = (yes) => {
    empty("password-change");
    document.getElementById("password-manager-name").value = email;
    form.hidden = !yes;
    document.getElementById("open-password").hidden = yes;
  };
  onPress("open-password", () => {
    open(true);
    document.getElementById("current-password").focus();
  });
  onPress("close-password", () => {
    open(false);
    document.getElementById("open-password").focus();
  });
  onSubmit("password-change", async ({ current, password }) => {
    try {
      await changePassword(config, accessToken(), current, password);
    } catch (problem) {
      // Cognito says the same of a wrong password and of a session that has ended.
      if (problem.code !== "NotAuthorizedException") throw problem;
      throw new Refusal({ code: (await stillSignedIn(config)) ? "wrong-password" : "", status: 401 });
    }
    // It is changed, whether or not the mail about it can be sent.
    if (config.tells) await tellOfPassword(config).catch(() => {});
    open(false);
    notice(say("account.password_changed"));
    document.getElementById("open-password").focus();
  });
  onPress("new-password", () => {
    leaveFor("complete-password-reset", { email });
    location.assign(addressOf("complete-password-reset"));
  });
}

// A change that was begun earlier, here or on another device, goes on where it stands.
async function resume(config, steps) {
  try {
    const change = await changeUnderWay(config);
    if (change.stage === "none") return;
    steps.prove(change);
    changing(true);
  } catch (problem) {
    alertWith(explain(problem).text, false);
  }
}

async function signedIn(config) {
  let found;
  try {
    found = await showProfile(config);
  } catch (problem) {
    if (problem.code !== "NotAuthorizedException") throw problem;
    endSession();
    show("signed-out", { focus: false });
    return alertWith(say("errors.signed_out"), false);
  }
  const steps = wireChange(config);
  wirePassword(config);
  wireAsking();
  onPress("sign-out", () => signOut(config));
  onPress("sign-out-everywhere", () => askToSignOutEverywhere(config));
  if (document.getElementById("delete-account")) onPress("delete-account", () => askToDelete(config));
  // It is for this sign-in alone. What begins on the page that people see now sets another one.
  const then = purpose()?.then;
  dropPurpose();
  show("signed-in", { focus: false });
  const devices = showDevices(config);
  await resume(config, steps);
  if (then) askAgain(config, then, found);
  await devices;
}

const home = async (config) => (accessToken() ? signedIn(config) : show("signed-out", { focus: false }));

function goesTo(address) {
  if (address === location.href) return false;
  location.replace(address);
  return true;
}

// Loads this page again if the person came from one in another language or of another app client.
function turnsTo({ lang, client: came }) {
  const address = new URL(location.href);
  if (lang && lang !== language()) address.searchParams.set("lang", lang);
  if (came && came !== client()) address.searchParams.set("client", came);
  return goesTo(address.href);
}

// Back from the sign-in pages. True if another page goes on from here.
async function arrived(config) {
  if (!answer.state && !answer.error) return false;
  if (turnsTo(signInUnderWay() ?? {})) return true;
  // Not before, because the page may first be loaded again; and not later, because a code of the sign-in pages works once.
  dropLink(PAGE);
  const { returnTo } = await finishSignIn(config, answer);
  return goesTo(addressOf(returnTo));
}

// Back from the end of the session on the sign-in pages. False if nothing was to follow.
async function followed(config) {
  const next = takeNext();
  if (!next) return false;
  const values = { provider: nameOf(next.provider ?? "") };
  if (turnsTo(next)) {
    keepNext(next);
  } else if (next.go) {
    await signIn(config, next.go);
  } else if (next.result) {
    slot("result-title", say(`account.result.${next.result}.title`, values));
    slot("result", say(`account.result.${next.result}.text`, values));
    // Whoever has just deleted the account is not asked to make another one.
    document.getElementById("result-on").hidden = next.result === "deleted";
    show("result");
  } else {
    await home(config);
    if (next.alert) alertWith(explain(new Refusal({ code: next.alert })).text);
    else if (next.notice) notice(say("connect.canceled", values));
  }
  return true;
}

start(async (config) => {
  quiet();
  try {
    if (await arrived(config)) return;
  } catch (problem) {
    // Somebody who wanted to connect a second account is still signed in to the first.
    await home(config);
    const told = problem instanceof Refusal && problem.code === "sign-in-refused" ? reason(problem.detail) : "";
    return alertWith([say("errors.sign_in"), told].filter(Boolean).join(" "), false);
  }
  if (await followed(config)) return;
  if (await goOnConnecting(config)) return;
  await home(config);
}, { hint: () => hint ?? null });
