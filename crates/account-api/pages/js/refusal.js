// A refusal, by Cognito or by the account API, and what people are told of it.

import { language, say } from "./view.js";

export class Refusal extends Error {
  // `code` is the exception's name or the problem's code, `detail` the server's own words.
  // `wait` is in seconds; `triesLeft` and `policy` are what the account API says beside its code.
  constructor({ code, status = 0, detail = "", wait = null, triesLeft = null, policy = null }) {
    super(code);
    Object.assign(this, { code, status, detail, wait, triesLeft, policy });
  }
}

// No answer at all.
export const unreachable = () => new Refusal({ code: "unreachable" });

// The code, and the text under `errors` with the field it belongs to.
const TEXTS = {
  unreachable: ["network"],
  CodeMismatchException: ["wrong_code", "code"],
  ExpiredCodeException: ["expired_code"],
  InvalidPasswordException: ["weak_password", "password"],
  PasswordHistoryPolicyViolationException: ["reused_password", "password"],
  UsernameExistsException: ["exists"],
  AliasExistsException: ["taken"],
  UserNotFoundException: ["wrong_code"],
  LimitExceededException: ["too_many"],
  TooManyRequestsException: ["too_many"],
  TooManyFailedAttemptsException: ["too_many"],
  CodeDeliveryFailureException: ["not_delivered"],
  UserLambdaValidationException: ["refused"],
  "no-reset": ["no_reset"],
  "invalid-email": ["malformed_email", "email"],
  "same-email": ["same_email", "email"],
  "email-unverified": ["unverified_email", "email"],
  "email-taken": ["taken", "email"],
  "federated-account": ["federated"],
  "linked-account": ["federated"],
  "request-pending": ["pending"],
  "wrong-code": ["wrong_code", "code"],
  "code-expired": ["change_expired"],
  "too-many-tries": ["dead_code"],
  "account-changed": ["account_changed"],
  "resends-used-up": ["resends_used"],
  "weak-password": ["weak_password", "password"],
  "invitation-invalid": ["invitation_invalid"],
  "invitation-expired": ["invitation_expired"],
  "already-completed": ["invitation_completed"],
  "account-exists": ["exists"],
  "wrong-password": ["wrong_password", "current"],
  "sign-in-again": ["sign_in_again"],
  "connect-lost": ["connect_lost"],
  "connect-unverified": ["connect_unverified"],
  "same-account": ["same_account"],
  "offer-invalid": ["offer_expired"],
  "offer-expired": ["offer_expired"],
  "account-unusable": ["account_unusable"],
  "cannot-stay": ["account_unusable"],
  "older-account": ["older_account"],
  "not-by-provider": ["not_by_provider"],
  "provider-not-linked": ["provider_not_linked"],
  "second-subject": ["provider_not_linked"],
  "second-factor": ["provider_not_linked"],
  "too-many-identities": ["too_many_identities"],
  "groups-differ": ["groups_differ"],
  "accounts-changed": ["accounts_changed"],
  "identity-changing": ["identity_changing"],
  "no-such-identity": ["no_such_identity"],
  "only-way-in": ["only_way_in"],
  "way-unverified": ["way_unverified"],
  "own-identity": ["own_identity"],
  "cannot-untie": ["cannot_untie"],
};

// Where only the operator can help, if people can reach one.
const HELPLESS = ["no_reset", "older_account", "not_by_provider", "groups_differ", "cannot_untie"];

// By status, for whatever has no text of its own.
const STATUSES = { 401: "signed_out", 429: "too_many" };

const reachesSomebody = () => JSON.parse(document.documentElement.dataset.configuration).contact;

export function explain(problem) {
  if (!(problem instanceof Refusal)) return { text: say("errors.unexpected") };
  const [key, field] = TEXTS[problem.code] ?? [STATUSES[problem.status] ?? "unexpected"];
  if (key === "too_many" && problem.wait) return { text: waiting(problem.wait) };
  const more = {
    weak_password: () => (problem.policy ? demands(problem.policy) : lacks(problem.detail)),
    wrong_code: () => (problem.triesLeft ? say("errors.tries_left", { count: problem.triesLeft }) : ""),
    refused: () => reason(problem.detail),
  }[key];
  const help = HELPLESS.includes(key) && reachesSomebody() ? say("errors.contact") : "";
  return { text: [say(`errors.${key}`), more?.(), help].filter(Boolean).join(" "), field };
}

function waiting(seconds) {
  const minutes = Math.ceil(seconds / 60);
  return minutes > 1 ? say("errors.wait", { minutes }) : say("errors.too_soon");
}

function list(names, key = "errors.lacks.list") {
  const words = new Intl.ListFormat(language()).format(names.map((name) => say(`errors.lacks.${name}`)));
  return names.length > 0 ? say(key, { list: words }) : "";
}

// What the pool asks of a password, before anybody has tried one.
export function rules({ length, ...classes }) {
  const asked = Object.keys(classes).filter((name) => classes[name]);
  return [say("common.password_hint", { length }), list(asked, "common.password_needs")].filter(Boolean).join(" ");
}

// What the pool asks of a password, as the account API names it.
function demands({ minimum_length: length, uppercase, lowercase, numbers, symbols }) {
  const classes = { upper: uppercase, lower: lowercase, digit: numbers, symbol: symbols };
  const asked = Object.keys(classes).filter((name) => classes[name]);
  return [say("errors.short_password", { length }), list(asked)].filter(Boolean).join(" ");
}

// What a password lacks, read from the policy that Cognito names.
const LACKS = {
  longer: /long/i,
  upper: /upper.?case/i,
  lower: /lower.?case/i,
  digit: /numeric|number|digit/i,
  symbol: /symbol/i,
};

function lacks(detail) {
  return list(Object.keys(LACKS).filter((name) => LACKS[name].test(detail)));
}

// What a trigger of the pool says, without Cognito's words around it.
export function reason(detail) {
  return detail.replace(/^\w+ failed with error /, "").replace(/\.+$/, ".");
}
