// Two accounts of one person, side by side, before one of them takes the other one in.
//
// The tab has signed in to both: to its own account, whose session it keeps, and with a provider to the other one. It
// takes part in no flow that it did not begin: the sign-in carried a `state` of this tab, and names the account that was
// signed in here when the flow began. The mailbox of the account that changes approves it with a code.

import { connect, offer } from "./account-api.js";
import { empty, onPress, onSubmit } from "./form.js";
import { explain, Refusal } from "./refusal.js";
import { accessToken, dropPurpose, purpose, revokeTokens, signOut, subject, throughSignOut } from "./session.js";
import { alertWith, dayOf, language, nameOf, notice, put, say, show, slot, timeOf, when } from "./view.js";

const at = (id) => document.getElementById(id);

// What may be otherwise in a moment.
const passes = ({ code, status }) => code === "unreachable" || code === "identity-changing" || status === 429 || status >= 500;

// What is only wrong with what was typed, or has been asked for too often.
const isRepeatable = ({ code }) => code === "wrong-code" || code === "resends-used-up";

// The same code means something else where an address is changed.
const meant = (code) => (code === "email-unverified" ? "connect-unverified" : code);

// An account may have no address: a provider proved none.
const named = ({ email, identities: [first], sub }) => email ?? first?.label ?? sub;

function card(title, account) {
  const box = put(at("both"), "div", "", { className: "account" });
  put(box, "h2", title);
  put(put(box, "p", "", { className: "address" }), "bdi", named(account));
  const list = (items) => new Intl.ListFormat(language()).format(items);
  const line = (text) => put(box, "p", text, { className: "hint" });
  if (account.is_new) line(say("connect.is_new"));
  else if (account.created_at) line(say("connect.created", { date: dayOf(account.created_at) }));
  const ways = account.identities.map(({ label, account: address }) => (address ? `${label} (${address})` : label));
  if (ways.length > 0) line(say("connect.ways", { list: list(ways) }));
  if (account.groups.length > 0) line(say("connect.groups", { list: list(account.groups) }));
  // Support may ask for it, and the one that goes is lost for good.
  line(say("connect.id", { id: account.sub }));
}

// Shows both, with a button for each thing that may be done.
function propose(config, { provider }, proposal, choose) {
  const { own, other, choices } = proposal;
  const values = { provider: nameOf(provider) };
  at("both").replaceChildren();
  at("choices").replaceChildren();
  card(say("connect.own"), own);
  card(say("connect.opened", values), other);
  for (const { stays, goes } of choices) {
    const [keeps, loses] = stays === own.sub ? [own, other] : [other, own];
    const address = named(loses);
    // Cognito writes what a provider says of a person at each sign-in. It looks like a mistake if nobody said so.
    if (keeps === own && other.email && other.email !== own.email) {
      put(at("choices"), "p", say("connect.takes_email", { ...values, address: other.email }));
    }
    const text = loses.is_new ? say("connect.goes_new", { address }) : say("connect.goes", { address });
    const warning = put(at("choices"), "p", text, { className: loses.is_new ? "" : "warning", id: `goes-${goes}` });
    const label = stays === own.sub ? say("account.connect", values) : say("connect.keep", { address: named(keeps) });
    const button = put(at("choices"), "button", label, { type: "button" });
    if (stays !== own.sub) button.className = "second";
    button.setAttribute("aria-describedby", warning.id);
    onPress(button, () => choose(stays));
  }
}

// Ends the flow without a change. The sign-in pages forget the other account, and the own one stays signed in here.
async function end(config, next) {
  const { session } = purpose();
  dropPurpose();
  await revokeTokens(config, session);
  throughSignOut(config, next);
}

// Goes on with a flow that this tab began. False if there is none.
export async function goOnConnecting(config) {
  const flow = purpose();
  if (!flow?.joins) return false;
  const { provider, session, joins } = flow;

  // What was confirmed, and is approved with codes.
  let confirmed = null;

  async function look() {
    // Another tab, or an hour, may have ended the session that began this.
    if (!accessToken() || subject() !== joins) throw new Refusal({ code: "connect-lost" });
    const made = await offer(config, session.access, joins);
    const wish = { offer: made.offer };
    const proposal = await connect(config, wish);
    propose(config, flow, proposal, (stays) => confirm({ ...wish, confirmation: proposal.confirmation, stays }));
    when("proposal", true);
    at("choices").hidden = false;
    when("approval", false);
    when("retry", false);
  }

  // Sends what was confirmed. The answer may ask for a code of one mailbox, and then for one of another.
  async function confirm(wish, code) {
    let answer;
    try {
      answer = await connect(config, code ? { ...wish, code } : wish);
    } catch (problem) {
      if (problem.code === "accounts-changed") {
        await look();
        return alertWith(explain(problem).text);
      }
      if (!confirmed || passes(problem) || isRepeatable(problem)) throw problem;
      return end(config, { alert: meant(problem.code) });
    }
    if (answer.sent_to) return askForCode(wish, answer);
    dropPurpose();
    await revokeTokens(config, session);
    await signOut(config, { result: "connected", provider });
  }

  function askForCode(wish, { sent_to: address, expires_at: expires }) {
    const isNew = confirmed?.expires !== expires;
    if (confirmed) notice(say(isNew ? "common.code_sent" : "errors.too_soon"));
    confirmed = { wish, expires };
    slot("approval", say("connect.approve", { address }));
    slot("approval-expires", say("change.expires", { time: timeOf(expires) }));
    empty("approval");
    at("choices").hidden = true;
    when("approval", true);
    at("approval-code").focus();
  }

  async function tryToLook() {
    try {
      await look();
      show("connect");
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem;
      if (!passes(problem)) return end(config, { alert: meant(problem.code) });
      show("connect");
      alertWith(explain(problem).text);
    }
  }

  onSubmit("approval", ({ code }) => confirm(confirmed.wish, code));
  onPress("approval-resend", () => confirm(confirmed.wish));
  onPress("connect-retry", tryToLook);
  onPress("connect-cancel", () => end(config, { notice: "canceled", provider }));
  await tryToLook();
  return true;
}
