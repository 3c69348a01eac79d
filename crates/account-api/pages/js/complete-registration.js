// Confirming the address of a new account.

import { confirmSignUp, resendConfirmation } from "./cognito.js";
import { empty, onPress, onSubmit, PAUSE } from "./form.js";
import { dropLink, leaveFor, takeLink } from "./link.js";
import { start } from "./start.js";
import { alertWith, notice, say, show, slot, when } from "./view.js";

const PAGE = "complete-registration";
const link = takeLink(PAGE, ["code", "username", "email"]);
let { code, username } = link;
let address = link.email ?? null;

// The code counts for the user name, so an address is shown only where it is that name: a link is written by anybody, and
// could name somebody else's.
const shown = () => (address && address === username ? address : "");

function arrange() {
  slot("address", shown());
  when("link", Boolean(code));
  when("sent", Boolean(link.sent) && !code);
  when("address", Boolean(shown()));
  when("no-address", !username);
  when("no-code", !code);
}

// The code of the link has failed: only another one helps.
function forgetCode() {
  code = null;
  leaveFor(PAGE, { username, email: address });
  arrange();
}

// Cognito says so in words alone: the exceptions stand for other things, too.
const isConfirmed = ({ code: name, detail }) =>
  (name === "NotAuthorizedException" && /status is CONFIRMED/i.test(detail))
  || (name === "InvalidParameterException" && /already confirmed/i.test(detail));

function finish(view) {
  dropLink(PAGE);
  show(view);
}

start((config) => {
  onSubmit("confirm", async (values) => {
    username ??= values.email;
    address ??= values.email;
    try {
      await confirmSignUp(config, username, code ?? values.code);
      finish("done");
    } catch (problem) {
      if (isConfirmed(problem)) return finish("already");
      if (!link.username) username = null;
      const spent = ["CodeMismatchException", "ExpiredCodeException", "UserNotFoundException"].includes(problem.code);
      if (spent && code) {
        forgetCode();
        alertWith(say("errors.link_code"));
        return;
      }
      throw problem;
    }
  });
  onPress("resend", async () => {
    const input = document.getElementById("email");
    if (!username && !input.checkValidity()) {
      input.focus();
      return alertWith(say("errors.missing_email"), false);
    }
    try {
      await resendConfirmation(config, username ?? input.value.trim());
    } catch (problem) {
      if (isConfirmed(problem)) return finish("already");
      if (problem.code !== "UserNotFoundException") throw problem;
    }
    if (username) empty("confirm");
    notice(say("common.code_sent"));
    document.getElementById("code").focus();
  }, PAUSE);
  arrange();
  show(link.done ? "done" : "form", { focus: false });
}, { hint: () => address });
