// Brings a page to life: its language, what it was set up with, and the buttons that every page has.

import { revealable } from "./form.js";
import { forget, isLasting, keep, recall } from "./memory.js";
import { rules } from "./refusal.js";
import { signIn } from "./session.js";
import { alertWith, nameOf, put, say } from "./view.js";

// The server chose by what the browser asks for, unless something on the way removed that.
function preferredByBrowser(locales) {
  const { lang, dataset } = document.documentElement;
  // Loading the page again must not lose what a link brought.
  if (dataset.langSource !== "default" || !isLasting()) return null;
  const base = (tag) => tag.toLowerCase().split("-")[0];
  for (const wanted of navigator.languages ?? []) {
    const found = locales.find((tag) => tag.toLowerCase() === wanted.toLowerCase())
      ?? locales.find((tag) => base(tag) === base(wanted));
    if (found) return found === lang ? null : found;
  }
  return null;
}

const typed = (input) => `typed ${document.documentElement.dataset.page} ${input.id}`;

// Leaves an address for the same field, whenever this page is opened again.
export function remember(input, text) {
  keep(typed(input), text);
}

// Another language is another page. The address that was typed comes along, and nothing else.
function keepAddresses() {
  for (const input of document.querySelectorAll("input[type=email]")) {
    input.value = recall(typed(input)) ?? "";
    forget(typed(input));
    for (const link of document.querySelectorAll("footer nav a")) {
      link.addEventListener("click", () => remember(input, input.value.trim()));
    }
  }
}

// Calls `work` with the configuration. `hint` tells the sign-in pages who is about to come.
export async function start(work, { returnTo = "account", hint = () => null } = {}) {
  try {
    const config = JSON.parse(document.documentElement.dataset.configuration);
    const other = preferredByBrowser(config.locales);
    if (other) {
      const address = new URL(location.href);
      address.searchParams.set("lang", other);
      location.replace(address);
      return;
    }
    revealable();
    keepAddresses();
    for (const hint of document.querySelectorAll("[data-hint]")) hint.textContent = rules(config.password);
    for (const button of document.querySelectorAll("[data-action=sign-in]")) {
      button.hidden = !config.sign_in_url;
      button.addEventListener("click", () => signIn(config, { returnTo, hint: hint() }));
    }
    for (const list of document.querySelectorAll("[data-providers]")) {
      for (const provider of config.sign_in_url ? config.providers : []) {
        const text = say("common.continue_with", { provider: nameOf(provider) });
        const button = put(list, "button", text, { type: "button", className: "second" });
        button.addEventListener("click", () => signIn(config, { returnTo, provider }));
      }
    }
    await work(config);
  } catch {
    document.getElementById("waiting").hidden = true;
    alertWith(say("errors.network"));
  }
}
