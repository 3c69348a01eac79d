// What a link brought. It is taken out of the address bar at once, so that it stays out of the history, of screenshots
// and of what people copy; this tab keeps it until it has served.

import { forget, keep, recall } from "./memory.js";
import { client } from "./view.js";

const name = (page) => `link ${page}`;

export function takeLink(page, parameters) {
  const address = new URL(location.href);
  const found = {};
  for (const parameter of parameters) {
    const value = address.searchParams.get(parameter);
    address.searchParams.delete(parameter);
    if (value) found[parameter] = value;
  }
  if (Object.keys(found).length > 0) {
    keep(name(page), found);
    history.replaceState(null, "", address);
  }
  return recall(name(page)) ?? {};
}

// Leaves something for a page, as if a link had brought it.
export function leaveFor(page, values) {
  keep(name(page), values);
}

export function dropLink(page) {
  forget(name(page));
}

// Another page, in the language that was chosen by hand, with the app client that people came with.
export function addressOf(page) {
  const address = new URL(page, location.href);
  const { lang, dataset } = document.documentElement;
  if (dataset.langSource === "query") address.searchParams.set("lang", lang);
  if (client()) address.searchParams.set("client", client());
  return address.href;
}
