// What the links of the e-mail change open. Whoever comes without being signed in is sent to sign in first.

import { changeUnderWay } from "./account-api.js";
import { sendEmailCode, verifyEmail } from "./cognito.js";
import { emailChange } from "./email-change.js";
import { onPress, onSubmit, PAUSE } from "./form.js";
import { dropLink, leaveFor, takeLink } from "./link.js";
import { explain } from "./refusal.js";
import { accessToken, stillSignedIn } from "./session.js";
import { start } from "./start.js";
import { alertWith, notice, say, show, when } from "./view.js";

const PAGE = "complete-email-change";
const link = takeLink(PAGE, ["code", "username"]);

function finish(view) {
  dropLink(PAGE);
  show(view);
}

// Cognito's own message after UpdateUserAttributes names the user; the account API's does not.
function attribute(config) {
  let { code } = link;
  const arrange = () => {
    when("link", Boolean(code));
    when("no-code", !code);
  };
  onSubmit("verify", async (values) => {
    try {
      await verifyEmail(config, accessToken(), code ?? values.code);
      finish("done");
    } catch (problem) {
      if (!code || !["CodeMismatchException", "ExpiredCodeException"].includes(problem.code)) throw problem;
      code = null;
      leaveFor(PAGE, { username: link.username });
      arrange();
      alertWith(say("errors.link_code"));
    }
  });
  onPress("new-code", async () => {
    await sendEmailCode(config, accessToken());
    notice(say("common.code_sent"));
    document.getElementById("code").focus();
  }, PAUSE);
  arrange();
  show("attribute", { focus: false });
}

async function change(config) {
  const steps = emailChange(config, {
    code: link.code,
    used: () => dropLink(PAGE),
    done: async () => {
      // The change is made, whatever can be found out about the session.
      await stillSignedIn(config).catch(() => {});
      finish("done");
    },
    withdrawn: () => finish("none"),
    gone: () => finish("none"),
  });
  try {
    const change = await changeUnderWay(config);
    if (change.stage === "none") return finish("none");
    steps.prove(change);
    show("change", { focus: false });
  } catch (problem) {
    show("signed-out", { focus: false });
    alertWith(explain(problem).text, false);
  }
}

start(async (config) => {
  if (!accessToken()) return show("signed-out", { focus: false });
  if (link.username) return attribute(config);
  await change(config);
}, { returnTo: PAGE });
