// What people see: one view at a time, texts in their language, and messages that are read aloud.

// The server puts the texts of the page's language before the modules.
const texts = TEXTS;

// A text with its values. A text with a number has a form for each plural category of its language. Values are isolated,
// because an address inside an Arabic sentence would reorder it.
export function say(key, values = {}) {
  const found = key.split(".").reduce((at, part) => at?.[part], texts) ?? key;
  const number = Object.values(values).find((value) => typeof value === "number");
  const text = typeof found === "string" ? found : found[new Intl.PluralRules(language()).select(number)] ?? found.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? `\u2068${values[name]}\u2069` : whole));
}

export function knows(key) {
  return key.split(".").reduce((at, part) => at?.[part], texts) !== undefined;
}

export const language = () => document.documentElement.lang;

// The app client that people came with, if the server knows where its application is. The address names it, because a link
// of a mail opens a new tab.
export const client = () => document.documentElement.dataset.client ?? "";

// What people call the providers that Cognito names otherwise.
const NAMES = { SignInWithApple: "Apple", LoginWithAmazon: "Amazon" };
export const nameOf = (provider) => NAMES[provider] ?? provider;

export const dayOf = (seconds) =>
  new Intl.DateTimeFormat(language(), { dateStyle: "long", numberingSystem: "latn" }).format(seconds * 1000);

export const timeOf = (seconds) =>
  new Intl.DateTimeFormat(language(), { timeStyle: "short", numberingSystem: "latn" }).format(seconds * 1000);

// An element with a text, at the end of another one.
export function put(parent, tag, text, properties = {}) {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  return Object.assign(element, properties);
}

export function slot(name, text) {
  for (const element of document.querySelectorAll(`[data-slot="${name}"]`)) element.textContent = text;
}

export function when(name, yes) {
  for (const element of document.querySelectorAll(`[data-when="${name}"]`)) element.hidden = !yes;
}

export function alertWith(text, focus = true) {
  const element = document.getElementById("alert");
  element.textContent = text;
  if (focus && text) element.focus();
}

export function notice(text) {
  document.getElementById("notice").textContent = text;
}

export function quiet() {
  alertWith("");
  notice("");
}

// Shows one view. The heading is focused when the view follows on what people did, not when the page opens.
export function show(name, { focus = true } = {}) {
  document.getElementById("waiting").hidden = true;
  let heading = null;
  for (const view of document.querySelectorAll("[data-view]")) {
    view.hidden = view.dataset.view !== name;
    if (!view.hidden) heading = view.querySelector("h1");
  }
  if (!heading) return;
  const app = document.title.includes(" – ") ? ` – ${document.title.split(" – ").pop()}` : "";
  document.title = heading.textContent + app;
  if (focus) heading.focus();
}

export const isShown = (element) => Boolean(element) && !element.closest("[hidden]");
