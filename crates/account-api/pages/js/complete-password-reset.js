// Choosing a new password with a code from a message, and asking for that message.

import { confirmForgotPassword, forgotPassword } from "./cognito.js";
import { onPress, onSubmit, PAUSE, rest } from "./form.js";
import { dropLink, leaveFor, takeLink } from "./link.js";
import { start } from "./start.js";
import { alertWith, notice, say, show, slot, when } from "./view.js";

const PAGE = "complete-password-reset";
const link = takeLink(PAGE, ["code", "username", "email"]);
let { code, username, sent } = link;
let address = link.email ?? null;

// Whose password is set. A link is written by anybody: the address that people see, and that password managers keep, must
// be the account that the code is tried for.
const account = () => address ?? username ?? "";

function arrange() {
  slot("address", address ?? "");
  document.getElementById("username").value = account();
  when("address", Boolean(address));
  when("sent", Boolean(sent) && !code);
  when("no-code", !code);
}

// Whether there is such an account stays Cognito's secret, whatever the app client says.
async function send(config, name) {
  try {
    await forgotPassword(config, name);
  } catch (problem) {
    if (problem.code === "UserNotFoundException") return;
    if (["NotAuthorizedException", "InvalidParameterException"].includes(problem.code)) problem.code = "no-reset";
    throw problem;
  }
}

start((config) => {
  const email = document.getElementById("email");
  email.value ||= address ?? "";
  onSubmit("begin", async (values) => {
    await send(config, values.email);
    username = values.email;
    address = values.email;
    code = null;
    sent = true;
    leaveFor(PAGE, { username, email: address, sent });
    arrange();
    rest("resend", PAUSE);
    show("choose");
  });
  onSubmit("choose", async (values) => {
    try {
      await confirmForgotPassword(config, account(), code ?? values.code, values.password);
    } catch (problem) {
      const spent = ["CodeMismatchException", "ExpiredCodeException", "UserNotFoundException"].includes(problem.code);
      if (!spent || !code) throw problem;
      code = null;
      leaveFor(PAGE, { username, email: address });
      arrange();
      alertWith(say("errors.link_code"));
      return;
    }
    dropLink(PAGE);
    document.getElementById("choose").reset();
    show("done");
  });
  onPress("resend", async () => {
    await send(config, account());
    notice(say("common.code_sent"));
    document.getElementById("code").focus();
  }, PAUSE);
  onPress("other-email", () => {
    email.value = address ?? "";
    dropLink(PAGE);
    show("begin", { focus: false });
    email.focus();
  });
  arrange();
  show(account() && (code || sent) ? "choose" : "begin", { focus: false });
}, { hint: () => address });
