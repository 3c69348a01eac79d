// Answering an invitation with a password of one's own.

import { completeInvitation } from "./account-api.js";
import { onSubmit } from "./form.js";
import { dropLink, takeLink } from "./link.js";
import { explain } from "./refusal.js";
import { start } from "./start.js";
import { show, slot, when } from "./view.js";

const PAGE = "activate";
const link = takeLink(PAGE, ["username", "token", "email"]);

// The invitation itself is the matter, so no other password helps.
const UNUSABLE = ["invitation-invalid", "invitation-expired", "already-completed"];

function unusable(reason) {
  dropLink(PAGE);
  slot("reason", reason);
  show("unusable");
}

let address = link.email ?? null;

start((config) => {
  slot("address", link.email ?? "");
  when("address", Boolean(link.email));
  document.getElementById("username").value = link.email ?? link.username ?? "";
  onSubmit("activate", async ({ password }) => {
    try {
      ({ email: address } = await completeInvitation(config, link.username, link.token, password));
    } catch (problem) {
      if (!UNUSABLE.includes(problem.code)) throw problem;
      return unusable(explain(problem).text);
    }
    dropLink(PAGE);
    document.getElementById("activate").reset();
    show("done");
  });
  if (link.username && link.token) show("form", { focus: false });
  else show("unusable", { focus: false });
}, { hint: () => address });
