// The steps of an e-mail change: the new address, the code to the current one, the code to the new one.

import { beginChange, changeUnderWay, proveChange, resendChange, withdrawChange } from "./account-api.js";
import { empty, onPress, onSubmit, PAUSE, rest } from "./form.js";
import { explain, Refusal } from "./refusal.js";
import { alertWith, notice, say, slot, timeOf } from "./view.js";

// A change that is under way already, begun in another tab perhaps, is shown instead.
async function begin(config, email) {
  try {
    return await beginChange(config, email);
  } catch (problem) {
    if (problem.code !== "request-pending") throw problem;
    const change = await changeUnderWay(config);
    notice(say("errors.pending"));
    return change;
  }
}

function step(name) {
  for (const element of document.querySelectorAll("[data-step]")) element.hidden = element.dataset.step !== name;
}

const field = () => document.querySelector("[data-step=prove] [data-field=code]");

// What ends a change without its having been made.
const ENDS = ["no-request", "code-expired", "too-many-tries", "account-changed", "federated-account", "linked-account"];

// Wires the steps up. `code` came with a link; `used` is told when it has served. `done`, `withdrawn` and `gone` say
// what follows when the change is made, withdrawn or over without having been made.
export function emailChange(config, { code = null, used = () => {}, done, withdrawn, gone }) {
  let underWay = null;

  function ask() {
    empty("change");
    step("ask");
  }

  // Shows which code is asked for. With a link's code there is a button alone.
  function prove(change) {
    underWay = change;
    empty("prove");
    field().hidden = Boolean(code);
    const values = { address: change.sent_to, new_address: change.new_email };
    const how = code ? "by_link" : "by_code";
    slot("prove", say(`change.${change.stage}.${how}`, values));
    slot("prove-button", say(`change.${change.stage}.button`));
    slot("expires", say("change.expires", { time: timeOf(change.expires_at) }));
    step("prove");
  }

  function failed(problem) {
    if (ENDS.includes(problem.code)) {
      gone();
      return alertWith(explain(problem).text);
    }
    if (!code || problem.code !== "wrong-code") throw problem;
    code = null;
    used();
    prove(underWay);
    alertWith(say("errors.link_code"));
  }

  onSubmit("change", async ({ email }) => {
    prove(await begin(config, email));
    rest("resend", PAUSE);
    document.getElementById("prove-code").focus();
  });

  onSubmit("prove", async (values) => {
    let answer;
    try {
      // The code is for the change that people see here, and for no other that took its place.
      answer = await proveChange(config, code ?? values.code, underWay.id);
    } catch (problem) {
      return failed(problem);
    }
    code = null;
    used();
    if (answer.stage === "done") return done();
    prove(answer);
    rest("resend", PAUSE);
    notice(say("change.halfway"));
    document.getElementById("prove-code").focus();
  });

  onPress("resend", async () => {
    try {
      const change = await resendChange(config);
      if (change.id !== underWay.id) throw new Refusal({ code: "account-changed" });
      code = null;
      used();
      prove(change);
    } catch (problem) {
      return failed(problem);
    }
    notice(say("common.code_sent"));
    document.getElementById("prove-code").focus();
  }, PAUSE);

  onPress("withdraw", async () => {
    try {
      await withdrawChange(config);
    } catch (problem) {
      // An earlier code has served after all.
      if (problem.code !== "already-changed") throw problem;
      return done();
    }
    withdrawn();
  });

  return { ask, prove };
}
