// Forms and buttons: checked in the page's own language, sent once, and honest about what went wrong.

import { isCode, typedCode } from "./code.js";
import { explain } from "./refusal.js";
import { alertWith, isShown, quiet, say } from "./view.js";

const errorOf = (input) => document.getElementById(`${input.id}-error`);

function mark(input, text) {
  const error = errorOf(input);
  error.textContent = text;
  error.hidden = !text;
  const hint = document.getElementById(`${input.id}-hint`);
  const described = [hint && hint.id, text && error.id].filter(Boolean).join(" ");
  if (described) input.setAttribute("aria-describedby", described);
  else input.removeAttribute("aria-describedby");
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function complaint(input) {
  const { validity, name, value } = input;
  if (validity.valueMissing) return say(`errors.missing_${name}`);
  if (validity.tooShort) return say("errors.short_password", { length: input.minLength });
  if (!validity.valid || (name === "code" && !isCode(value))) return say(`errors.malformed_${name}`);
  return "";
}

const fieldsOf = (form) => [...form.elements].filter((input) => input.required && isShown(input));

function check(form) {
  let first = null;
  for (const input of fieldsOf(form)) {
    const text = complaint(input);
    mark(input, text);
    if (text) first ??= input;
  }
  first?.focus();
  return !first;
}

function fail(problem, form) {
  const { text, field } = explain(problem);
  const input = form && field && fieldsOf(form).find((candidate) => candidate.name === field);
  if (!input) {
    alertWith(text);
    return;
  }
  mark(input, text);
  input.focus();
  input.select();
}

// For how many seconds nobody can ask for another message: the pause that the account API demands.
export const PAUSE = 60;

const resting = new WeakMap();

// Lets a button rest, and says on it for how long.
export function rest(what, seconds) {
  const button = typeof what === "string" ? document.getElementById(what) : what;
  const { label = button.textContent, timer } = resting.get(button) ?? {};
  clearInterval(timer);
  const until = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left > 0) {
      button.textContent = `${label} (${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")})`;
      return button.setAttribute("aria-disabled", "true");
    }
    clearInterval(resting.get(button).timer);
    button.textContent = label;
    button.removeAttribute("aria-disabled");
  };
  resting.set(button, { label, timer: setInterval(tick, 1000), until });
  tick();
}

async function once(button, work, form, pause) {
  if (button.getAttribute("aria-disabled") === "true") return;
  quiet();
  if (form && !check(form)) return;
  // Not `disabled`, which would take the focus away from whoever uses a keyboard.
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
    if (pause) rest(button, pause);
  } catch (problem) {
    fail(problem, form);
    if (pause && problem.wait) rest(button, problem.wait);
  } finally {
    if (!(resting.get(button)?.until > Date.now())) button.removeAttribute("aria-disabled");
  }
}

// Calls `work` with the values of the fields that are shown.
export function onSubmit(id, work) {
  const form = document.getElementById(id);
  const button = form.querySelector("[type=submit]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    once(button, () => work(valuesOf(form)), form);
  });
}

// `pause` is for how many seconds the button rests when the work is done.
export function onPress(what, work, pause = 0) {
  const button = typeof what === "string" ? document.getElementById(what) : what;
  button.addEventListener("click", () => once(button, work, null, pause));
}

function valuesOf(form) {
  const values = {};
  for (const input of fieldsOf(form)) {
    // A password is taken as it is.
    values[input.name] = input.name === "code" ? typedCode(input.value) : input.value;
    if (input.name === "email") values.email = input.value.trim();
  }
  return values;
}

export function empty(id) {
  const form = document.getElementById(id);
  form.reset();
  for (const input of form.querySelectorAll("input[required]")) mark(input, "");
}

// Buttons beside password fields.
export function revealable() {
  for (const button of document.querySelectorAll("[data-reveal]")) {
    const input = document.getElementById(button.dataset.reveal);
    button.addEventListener("click", () => {
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
    });
    // A password must not stay readable when it is sent, nor be kept as a text by the browser.
    input.form.addEventListener("submit", () => {
      input.type = "password";
      button.setAttribute("aria-pressed", "false");
    });
  }
}
