// The devices that the pool remembers of a person, as far as Cognito lists them. Each can be forgotten.

import { forgetDevice, listDevices } from "./cognito.js";
import { onPress } from "./form.js";
import { Refusal } from "./refusal.js";
import { accessToken } from "./session.js";
import { dayOf, notice, put, say } from "./view.js";

const at = (id) => document.getElementById(id);

// Cognito gives sixty at a time. Nobody reads on for ever.
const PAGES = 5;

async function remembered(config) {
  const found = [];
  let next;
  for (let page = 0; page < PAGES; page += 1) {
    const { Devices = [], PaginationToken } = await listDevices(config, accessToken(), next);
    found.push(...Devices);
    if (!PaginationToken) break;
    next = PaginationToken;
  }
  return found;
}

function show(config, { DeviceKey: key, DeviceAttributes: attributes = [], DeviceLastAuthenticatedDate: seen }) {
  const named = Object.fromEntries(attributes.map(({ Name, Value }) => [Name, Value]));
  const name = named.device_name || say("account.device");
  const item = put(at("devices"), "li", "");
  const text = put(item, "div", "");
  put(text, "bdi", name);
  if (seen) put(text, "small", say("account.device_used", { date: dayOf(seen) }));
  if (named.last_ip_used) put(put(text, "small", ""), "bdi", named.last_ip_used);
  const button = put(item, "button", say("account.forget"), { type: "button", className: "quiet" });
  button.setAttribute("aria-label", `${say("account.forget")}: ${name}`);
  onPress(button, async () => {
    await forgetDevice(config, accessToken(), key);
    await showDevices(config);
    notice(say("account.forgotten"));
    // The button is gone.
    (at("devices-part").hidden ? at("sign-out") : at("devices-title")).focus();
  });
}

// Shows the list where there is one. A pool that remembers no devices has none, and nobody needs to hear of that.
export async function showDevices(config) {
  let found = [];
  try {
    found = await remembered(config);
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
  }
  at("devices").replaceChildren();
  for (const device of found) show(config, device);
  at("devices-part").hidden = found.length === 0;
}
