// Answering an invitation with a password of one's own.

import { completeInvitation } from "./account-api.js";
import { onSubmit } from "./form.js";
import { dropLink, takeLink } from "./link.js";
import { explain } from "./refusal.js";
import { start } from "./start.js";
import { show, slot, when } from "./view.js";

const PAGE = "activate";
const link = takeLink(PAGE, ["username", "token"]);

// The invitation itself is the matter, so no other password helps.
const UNUSABLE = ["invitation-invalid", "invitation-expired", "already-completed"];

function unusable(reason) {
  dropLink(PAGE);
  slot("reason", reason);
  show("unusable");
}

// What to sign in with, known once the token has proven itself. A link is written by anybody, and must not say whose
// account this is.
let signInName = null;

start((config) => {
  const name = document.getElementById("username");
  name.defaultValue = link.username ?? "";
  onSubmit("activate", async ({ password }) => {
    let done;
    try {
      done = await completeInvitation(config, link.username, link.token, password);
    } catch (problem) {
      if (!UNUSABLE.includes(problem.code)) throw problem;
      return unusable(explain(problem).text);
    }
    dropLink(PAGE);
    // The sign-in takes the address, unless the answer names a user name.
    signInName = done.username ?? done.email;
    slot("address", signInName);
    // What password managers keep the password under, and what `reset` leaves.
    name.defaultValue = signInName;
    document.getElementById("activate").reset();
    // The API names an address of the operator's list. The link of the mail cannot.
    if (done.return_to) document.getElementById("return").href = done.return_to;
    when("returns", Boolean(done.return_to));
    when("stays", !done.return_to);
    show("done");
  });
  if (link.username && link.token) show("form", { focus: false });
  else show("unusable", { focus: false });
}, { hint: () => signInName });
