// Who is signed in, how they can sign in, and what they can change.

import { changeUnderWay } from "./account-api.js";
import { getUser } from "./cognito.js";
import { emailChange } from "./email-change.js";
import { onPress } from "./form.js";
import { addressOf, dropLink, leaveFor, takeLink } from "./link.js";
import { explain, reason, Refusal } from "./refusal.js";
import { accessToken, endSession, finishSignIn, signOut, stillSignedIn } from "./session.js";
import { start } from "./start.js";
import { alertWith, language, notice, quiet, say, show, slot } from "./view.js";

const PAGE = "account";
const answer = takeLink(PAGE, ["code", "state", "error", "error_description"]);
const { email: hint } = takeLink("login", ["email", "username"]);

// What people call the providers that Cognito names otherwise.
const NAMES = { SignInWithApple: "Apple", LoginWithAmazon: "Amazon" };

let email = null;

function ways(attributes) {
  const identities = JSON.parse(attributes.identities ?? "[]");
  const list = document.getElementById("ways");
  list.replaceChildren();
  const add = (name, remark) => {
    const item = list.appendChild(document.createElement("li"));
    item.append(name);
    if (remark) item.appendChild(document.createElement("small")).textContent = remark;
  };
  // A profile that a provider made has no password of its own.
  const ownPassword = !identities.some(({ primary }) => String(primary) === "true");
  if (ownPassword) add(say("common.password"));
  const day = new Intl.DateTimeFormat(language(), { dateStyle: "long", numberingSystem: "latn" });
  for (const { providerName, dateCreated } of identities) {
    const since = Number(dateCreated);
    add(NAMES[providerName] ?? providerName, since ? say("account.since", { date: day.format(since) }) : "");
  }
}

async function showProfile(config) {
  const user = await getUser(config, accessToken());
  const attributes = Object.fromEntries(user.UserAttributes.map(({ Name, Value }) => [Name, Value]));
  email = attributes.email ?? "";
  const verified = attributes.email_verified === "true";
  slot("address", email);
  document.getElementById("verified").hidden = !verified;
  document.getElementById("unverified").hidden = verified;
  ways(attributes);
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
  try {
    await showProfile(config);
  } catch (problem) {
    if (problem.code !== "NotAuthorizedException") throw problem;
    endSession();
    show("signed-out", { focus: false });
    return alertWith(say("errors.signed_out"), false);
  }
  const steps = wireChange(config);
  onPress("new-password", () => {
    leaveFor("complete-password-reset", { email });
    location.assign(addressOf("complete-password-reset"));
  });
  onPress("sign-out", () => signOut(config));
  show("signed-in", { focus: false });
  await resume(config, steps);
}

// Back from the sign-in pages. True if another page goes on from here.
async function arrived(config) {
  if (!answer.state && !answer.error) return false;
  // Not before, because the page may first be loaded again in another language; and not later, because a code of the
  // sign-in pages works once.
  dropLink(PAGE);
  const { returnTo, lang } = await finishSignIn(config, answer);
  const address = new URL(addressOf(returnTo));
  if (lang !== language()) address.searchParams.set("lang", lang);
  if (address.href === location.href) return false;
  location.replace(address);
  return true;
}

start(async (config) => {
  quiet();
  try {
    if (await arrived(config)) return;
  } catch (problem) {
    show("signed-out", { focus: false });
    const told = problem instanceof Refusal && problem.code === "sign-in-refused" ? reason(problem.detail) : "";
    return alertWith([say("errors.sign_in"), told].filter(Boolean).join(" "), false);
  }
  if (!accessToken()) return show("signed-out", { focus: false });
  await signedIn(config);
}, { hint: () => hint ?? null });
