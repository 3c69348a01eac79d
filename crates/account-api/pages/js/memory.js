// What this tab keeps while people go to sign in or change the language.
//
// sessionStorage belongs to one tab and one origin and ends with the tab. It is the least that outlives the way to the
// sign-in pages and back. Where the browser refuses it, things are kept until the page is left.

const kept = new Map();

export function keep(name, value) {
  kept.set(name, value);
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // Kept for this page only.
  }
}

// Whether what is kept outlives the page.
export function isLasting() {
  try {
    sessionStorage.setItem("probe", "");
    sessionStorage.removeItem("probe");
    return true;
  } catch {
    return false;
  }
}

export function recall(name) {
  try {
    const text = sessionStorage.getItem(name);
    if (text !== null) return JSON.parse(text);
  } catch {
    // What cannot be read was not written here.
  }
  return kept.get(name) ?? null;
}

export function forget(name) {
  kept.delete(name);
  try {
    sessionStorage.removeItem(name);
  } catch {
    // There is nothing then.
  }
}
