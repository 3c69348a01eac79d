// Answering an invitation with a password of one's own.

import { completeInvitation } from "./account-api.js";
import { onSubmit } from "./form.js";
import { dropLink, takeLink } from "./link.js";
import { explain } from "./refusal.js";
import { start } from "./start.js";
import { show, slot } from "./view.js";

const PAGE = "activate";
const link = takeLink(PAGE, ["username", "token"]);

// The invitation itself is the matter, so no other password helps.
const UNUSABLE = ["invitation-invalid", "invitation-expired", "already-completed"];

function unusable(reason) {
  dropLink(PAGE);
  slot("reason", reason);
  show("unusable");
}

// Known once the token has proven itself. A link is written by anybody, and must not say whose account this is.
let address = null;

start((config) => {
  const name = document.getElementById("username");
  name.defaultValue = link.username ?? "";
  onSubmit("activate", async ({ password }) => {
    try {
      ({ email: address } = await completeInvitation(config, link.username, link.token, password));
    } catch (problem) {
      if (!UNUSABLE.includes(problem.code)) throw problem;
      return unusable(explain(problem).text);
    }
    dropLink(PAGE);
    slot("address", address);
    // What password managers keep the password under, and what `reset` leaves.
    name.defaultValue = address;
    document.getElementById("activate").reset();
    show("done");
  });
  if (link.username && link.token) show("form", { focus: false });
  else show("unusable", { focus: false });
}, { hint: () => address });
