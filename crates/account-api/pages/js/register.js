// Creating an account.

import { signUp } from "./cognito.js";
import { onSubmit } from "./form.js";
import { addressOf, leaveFor } from "./link.js";
import { remember, start } from "./start.js";
import { show } from "./view.js";

let address = null;

start((config) => {
  onSubmit("register", async ({ email, password }) => {
    address = email;
    // Whoever finds a mistake in it comes back.
    remember(document.getElementById("email"), email);
    try {
      const made = await signUp(config, email, password);
      leaveFor("complete-registration", { username: email, email, [made.UserConfirmed ? "done" : "sent"]: true });
      location.assign(addressOf("complete-registration"));
    } catch (problem) {
      if (problem.code !== "UsernameExistsException") throw problem;
      leaveFor("complete-password-reset", { email });
      show("exists");
    }
  });
  show("form", { focus: false });
}, { hint: () => address });
