// Helpers for the elements of the page.

export const $ = (id) => document.getElementById(id);

// A new element with classes, properties, attributes (names with a hyphen, and role) and children.
export function element(kind, properties = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const created = document.createElement(tag);
  created.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") created.setAttribute(name, value);
    else created[name] = value;
  }
  created.append(...children);
  return created;
}

// A button that calls a command. `more` are further properties.
export const button = (textContent, onclick, more) => element("button", { textContent, onclick: () => attempt(onclick), ...more });

// A text of somebody else, without the characters that change the direction of the text around it.
export const plain = (text) => String(text ?? "").replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");

export function nameElement(property, scope) {
  const name = element("bdi");
  scope.add(property.changed((value) => { name.textContent = plain(value); }));
  return name;
}

export function presenceMark(person, scope) {
  const mark = element("span.presence", { role: "img" });
  scope.add(person.status.subscribe());
  scope.add(person.status.changed((status) => {
    mark.dataset.status = status;
    mark.title = words(status);
  }));
  return mark;
}

// "DoNotDisturb" as "Do not disturb".
export const words = (status) => status.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

// What a part of the page has registered and shows.
export class Scope {
  #ends = [];

  add(registration) {
    this.#ends.push(() => registration.dispose());
  }

  // Adds an element to a list until the end. The focus then moves to the next one.
  show(shown, list) {
    list.append(shown);
    this.#ends.push(() => {
      const next = shown.nextElementSibling ?? shown.previousElementSibling;
      const hasFocus = shown.contains(document.activeElement);
      shown.remove();
      if (hasFocus) (next?.querySelector("button") ?? $("search-text")).focus();
    });
  }

  dispose() {
    for (const end of this.#ends.splice(0)) end();
  }
}

// Calls `show` for each item of a collection, with a scope that ends when the item is removed.
export function each(collection, scope, show) {
  const scopes = new Map();
  scope.add(collection.added((item, key, index) => {
    scopes.set(item, new Scope());
    show(item, scopes.get(item), index);
  }));
  scope.add(collection.removed((item) => {
    scopes.get(item)?.dispose();
    scopes.delete(item);
  }));
  scope.add({ dispose: () => scopes.forEach((own) => own.dispose()) });
}

// Shows a sentence for some seconds.
let hiding;
export function notify(text) {
  $("notice").textContent = plain(text);
  clearTimeout(hiding);
  hiding = setTimeout(() => { $("notice").textContent = ""; }, 8000);
}

// Calls a command, which throws if it is disabled, and shows why it failed.
export async function attempt(call) {
  try {
    await call();
    return true;
  } catch (error) {
    notify(error.message);
    return false;
  }
}
