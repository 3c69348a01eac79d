// The ways to sign in: the list, and the steps that change something about it.

import { deleteAccount, disconnect, endSessions, waysToSignIn } from "./account-api.js";
import { passkeys, signOutEverywhere } from "./cognito.js";
import { onPress } from "./form.js";
import { explain, Refusal } from "./refusal.js";
import { accessToken, isFresh, signOut, stale, subject, throughSignOut } from "./session.js";
import { alertWith, dayOf, nameOf, put, say } from "./view.js";

const at = (id) => document.getElementById(id);

// The same code means something else where an address is changed.
const named = (code) => (code === "email-unverified" ? "way-unverified" : code);
const told = (code) => explain(new Refusal({ code: named(code) })).text;

// What Cognito alone tells of a person.
function fromAttributes({ identities = "[]" }) {
  const found = JSON.parse(identities).map(({ providerName, dateCreated, primary }) => ({
    provider: providerName,
    connected_at: Number(dateCreated) / 1000,
    primary: String(primary) === "true",
  }));
  // A profile that a provider made has no password of its own.
  const password = found.some(({ primary }) => primary) ? "none" : "known";
  return { password, identities: found, passkeys: "none", second_factors: [], may_connect: false };
}

async function read(config, attributes) {
  if (!config.connects) return fromAttributes(attributes);
  try {
    return await waysToSignIn(config);
  } catch (problem) {
    alertWith(explain(problem).text, false);
    return fromAttributes(attributes);
  }
}

function add(name, ...remarks) {
  const item = put(at("ways"), "li", "");
  const text = put(item, "div", name);
  for (const remark of remarks) if (remark) put(text, "small", remark);
  return item;
}

const counted = (name, count) => (count ? `${name} (${count})` : name);

// The number of passkeys, which Cognito tells nobody but the person.
async function countPasskeys(config) {
  try {
    return (await passkeys(config, accessToken())).Credentials.length;
  } catch {
    return 0;
  }
}

// Shows the list. Returns what was found.
export async function showWays(config, attributes) {
  const found = await read(config, attributes);
  const keys = found.passkeys === "some" ? await countPasskeys(config) : 0;
  at("ways").replaceChildren();
  at("connects").replaceChildren();
  if (found.password !== "none") {
    add(say("common.password"), found.password === "unknown" && say("account.password_unknown"));
  }
  for (const identity of found.identities) {
    const { id, provider, account, connected_at: since, fixed } = identity;
    const name = nameOf(provider);
    const item = add(name, account, since && say("account.since", { date: dayOf(since) }), fixed && told(fixed));
    if (!id || fixed) continue;
    const button = put(item, "button", say("account.disconnect"), { type: "button", className: "quiet", id: `way-${id}` });
    button.setAttribute("aria-label", `${say("account.disconnect")}: ${name}`);
    onPress(button, () => askToDisconnect(config, identity));
  }
  if (found.passkeys === "some") add(counted(say("account.passkeys"), keys));
  if (found.second_factors.length > 0) add(counted(say("account.second_factors"), found.second_factors.length));
  const known = found.identities.map(({ provider }) => provider.toLowerCase());
  for (const provider of found.may_connect ? config.connects : []) {
    if (known.includes(provider.toLowerCase())) continue;
    const text = say("account.connect", { provider: nameOf(provider) });
    const button = put(at("connects"), "button", text, { type: "button", className: "second", id: `connect-${provider}` });
    onPress(button, () => askToConnect(config, provider));
  }
  // The code that approves a connection goes to the address.
  const waits = found.email_verified === false && !found.identities.some(({ primary }) => primary);
  if (waits && config.connects.length > 0) put(at("connects"), "p", told("connect-unverified"), { className: "hint" });
  return found;
}

// One step at a time is asked for, in the place where it was begun.
let asked = null;

function ask(kind, { opener, place, provider = "", work, again = null }) {
  const values = { provider: nameOf(provider) };
  const isLate = again && !isFresh();
  at("asking-title").textContent = say(`account.ask.${kind}.title`, values);
  at("asking-text").textContent = say(`account.ask.${kind}.text`, values);
  at("asking-late").hidden = !isLate;
  at("asking-go").textContent = isLate ? say("common.sign_in_again") : say(`account.ask.${kind}.button`, values);
  asked = { opener, work: isLate ? again : work };
  place.after(at("asking"));
  at("asking").hidden = false;
  at("asking-title").focus();
  at("asking").scrollIntoView({ block: "nearest" });
}

export function wireAsking() {
  onPress("asking-go", () => asked.work());
  onPress("asking-cancel", () => {
    at("asking").hidden = true;
    at(asked.opener)?.focus();
  });
}

// Signs in once more, and comes back to this very step.
const signInAgain = (config, then) =>
  signOut(config, { go: { hint: document.querySelector("[data-slot=address]").textContent, purpose: { then } } });

// Does what needs a fresh sign-in, and asks once more if the server says that this one is not.
const freshly = (askOnceMore, work) => async () => {
  try {
    await work();
  } catch (problem) {
    if (problem.code === "sign-in-again") {
      stale();
      return askOnceMore();
    }
    throw problem instanceof Refusal ? new Refusal({ ...problem, code: named(problem.code) }) : problem;
  }
};

function askToDisconnect(config, { id, provider }) {
  const again = () => signInAgain(config, { disconnect: id });
  const work = freshly(() => askToDisconnect(config, { id, provider }), async () => {
    await disconnect(config, id);
    await signOut(config, { result: "disconnected", provider });
  });
  ask("disconnect", { opener: `way-${id}`, place: at("ways"), provider, work, again });
}

function askToConnect(config, provider) {
  const again = () => signInAgain(config, { connect: provider });
  // This account stays signed in here, and nowhere else: the sign-in pages must not take the person for it.
  const work = () => throughSignOut(config, { go: { provider, purpose: { joins: subject(), provider } } });
  ask("connect", { opener: `connect-${provider}`, place: at("connects"), provider, work, again });
}

export function askToSignOutEverywhere(config) {
  const work = async () => {
    try {
      const itself = () => signOutEverywhere(config, accessToken());
      if (!config.tells) await itself();
      // The sessions must end, even if nobody can be told.
      else await endSessions(config).catch((problem) => (problem.status === 401 ? Promise.reject(problem) : itself()));
    } catch (problem) {
      // It has ended already.
      if (problem.code !== "NotAuthorizedException" && problem.status !== 401) throw problem;
    }
    await signOut(config, { result: "everywhere" });
  };
  ask("everywhere", { opener: "sign-out-everywhere", place: at("sign-outs"), work });
}

export function askToDelete(config) {
  const work = freshly(() => askToDelete(config), async () => {
    await deleteAccount(config);
    await signOut(config, { result: "deleted" });
  });
  ask("delete", { opener: "delete-account", place: at("deletion"), work, again: () => signInAgain(config, { deletes: true }) });
}

// Goes on with a step for which the person has signed in again.
export function askAgain(config, { disconnect: id, connect: provider, deletes }, { identities }) {
  const identity = identities.find((one) => one.id === id);
  if (identity) askToDisconnect(config, identity);
  if (provider && at(`connect-${provider}`)) askToConnect(config, provider);
  if (deletes && at("deletion")) askToDelete(config);
}
