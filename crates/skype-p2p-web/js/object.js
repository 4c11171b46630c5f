// Objects with members that are made when they are first read, and their handles.

export const noop = () => {};

// Adds members that are made when they are first read.
export function lazily(object, members) {
  for (const [name, make] of Object.entries(members)) {
    Object.defineProperty(object, name, {
      configurable: true,
      enumerable: true,
      get() {
        const value = make();
        Object.defineProperty(object, name, { value, configurable: true, enumerable: true });
        return value;
      },
    });
  }
  return object;
}

// The handle of each object, and its key in a collection.
export const handleOf = new WeakMap();
const keys = new WeakMap();
export const keyOf = (object) => keys.get(object) ?? String(object);

export function objectOf(handle, key, members) {
  const object = lazily({}, members);
  handleOf.set(object, handle);
  keys.set(object, key);
  return object;
}

// The objects of an application by their keys, held weakly. Several objects may have one key, and `isSame` of their handles tells
// them apart.
export class WeakCache {
  #references = new Map();
  #dropped = new FinalizationRegistry((key) => this.#prune(key));

  find(key, handle, make) {
    for (const reference of this.#references.get(key) ?? []) {
      const object = reference.deref();
      if (object && handleOf.get(object).isSame(handle)) {
        handle.free();
        return object;
      }
    }
    const object = make(handle);
    const references = this.#references.get(key) ?? [];
    references.push(new WeakRef(object));
    this.#references.set(key, references);
    this.#dropped.register(object, key);
    return object;
  }

  #prune(key) {
    const alive = (this.#references.get(key) ?? []).filter((reference) => reference.deref());
    if (alive.length > 0) this.#references.set(key, alive);
    else this.#references.delete(key);
  }
}

export const addressOf = (who) => {
  const person = who?.person ?? who;
  return typeof person === "string" ? person : person?.id?.() ?? String(person);
};
