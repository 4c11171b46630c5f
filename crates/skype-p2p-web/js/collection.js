// Collections, and what is derived from them.

import { always, makeCommand, unsupported } from "./command.js";
import { guarded } from "./errors.js";
import { makeEvent, register } from "./event.js";
import { lazily, noop } from "./object.js";
import { makeProperty, reading, subscribe, tracked } from "./property.js";
import { task } from "./task.js";

// A collection. Its source has `entries()`, a list of {item, key}, and `attach(kind, registration)`, which delivers (item, key,
// index) for each item that is added or removed; if the kind is "added", first for each present one. The source may have `size`,
// `fetch`, `subscribe`, `add` and `remove`.
export function makeCollection(source) {
  const registrations = new Set();
  const items = () => source.entries().map((entry) => entry.item);
  const observe = (kind, listener, fire, own = registrations) => register(own, listener, fire, (registration) => source.attach(kind, registration));
  const event = (kind) => () => makeEvent((own, listener) => observe(kind, listener, (_, ...change) => listener(...change), own));

  function collection(index) {
    if (index === undefined) {
      reading?.add(collection.size);
      return items();
    }
    return typeof index === "number" ? items()[index] : source.entries().find((entry) => entry.key === index)?.item;
  }
  lazily(collection, {
    size: () => source.size?.() ?? sizeOf(collection, source),
    added: event("added"),
    removed: event("removed"),
    changed: () => makeEvent((own, listener) => {
      const call = (registration) => registration.isReplay || listener();
      const added = observe("added", listener, call, own);
      const removed = observe("removed", listener, call, own);
      if (source.entries().length > 0) guarded(listener);
      return {
        dispose() {
          added.end();
          removed.end();
        },
      };
    }),
  });
  collection.observe = observe;
  collection.get = makeCommand(always, (index) => task(source.fetch?.(), () => collection(index)));
  collection.add = source.add ?? unsupported("items cannot be added to this collection");
  collection.remove = source.remove ?? unsupported("items cannot be removed from this collection");
  collection.subscribe = (seconds) => subscribe(source.subscribe?.(seconds));
  collection.map = (convert) => {
    const converted = new Map();
    return derive(collection, source, (entries) => {
      const keys = new Set(entries.map((entry) => entry.key));
      for (const key of converted.keys()) if (!keys.has(key)) converted.delete(key);
      return entries.map(({ item, key }) => {
        if (!converted.has(key)) converted.set(key, convert(item));
        return { item: converted.get(key), key };
      });
    });
  };
  collection.filter = (predicate) => derive(collection, source, (entries) => entries.filter(({ item }) => predicate(item)));
  collection.sort = (isInOrder) => derive(collection, source, (entries) => [...entries].sort((one, other) => {
    if (isInOrder(one.item, other.item)) return isInOrder(other.item, one.item) ? 0 : -1;
    return 1;
  }));
  collection.reduce = (combine, initial) => reduce(collection, () => items().reduce((value, item) => combine(value, item), initial));
  return collection;
}

// Computes a value again whenever an item is added to a collection or removed, and whenever a property changes that the
// computation has read. Calls `changed` with each result, the first one included.
function recompute(collection, compute, changed) {
  const dependencies = new Map();
  let isReady = false;
  const again = () => {
    if (!isReady) return;
    const { value, read } = tracked(compute);
    for (const [property, registration] of dependencies) {
      if (read.has(property)) continue;
      registration.end();
      dependencies.delete(property);
    }
    for (const property of read) {
      if (!dependencies.has(property)) dependencies.set(property, property.observe(noop, (registration) => registration.isReplay || again()));
    }
    changed(value);
  };
  const added = collection.observe("added", noop, again);
  const removed = collection.observe("removed", noop, again);
  isReady = true;
  again();
  return {
    free() {
      added.end();
      removed.end();
      for (const registration of dependencies.values()) registration.end();
      dependencies.clear();
    },
  };
}

// A live collection of what `arrange` makes of the entries of another one.
function derive(parent, source, arrange) {
  const attached = new Set();
  let shown = [];
  let following;

  const deliver = (kind, { item, key }, index) => {
    for (const registration of [...attached]) if (registration.kind === kind) registration.deliver(item, key, index);
  };
  const show = (next) => {
    const kept = new Set(next.map((entry) => entry.key));
    for (let index = shown.length - 1; index >= 0; index -= 1) {
      if (!kept.has(shown[index].key)) deliver("removed", shown.splice(index, 1)[0], index);
    }
    next.forEach((entry, index) => {
      if (shown[index]?.key === entry.key) return;
      const from = shown.findIndex((other) => other.key === entry.key);
      if (from >= 0) deliver("removed", shown.splice(from, 1)[0], from);
      shown.splice(index, 0, entry);
      deliver("added", entry, index);
    });
  };
  return makeCollection({
    entries: () => (following ? shown.slice() : arrange(source.entries())),
    fetch: source.fetch,
    subscribe: source.subscribe,
    attach(kind, registration) {
      registration.kind = kind;
      following ??= recompute(parent, () => arrange(source.entries()), show);
      if (kind === "added") shown.slice().forEach(({ item, key }, index) => registration.deliver(item, key, index));
      attached.add(registration);
      return {
        free() {
          attached.delete(registration);
          if (attached.size > 0 || !following) return;
          following.free();
          following = undefined;
          shown = [];
        },
      };
    },
  });
}

// The property with a value that is computed from a collection.
function reduce(collection, compute) {
  return makeProperty({
    get: compute,
    reason: noop,
    attach(registration) {
      let last;
      let isFirst = true;
      return recompute(collection, compute, (value) => {
        const old = last;
        last = value;
        if (isFirst || old !== value) registration.deliver(value, undefined, old);
        isFirst = false;
      });
    },
  });
}

const sizeOf = (collection, source) => reduce(collection, () => source.entries().length);

export const emptyCollection = () => makeCollection({ entries: () => [], attach: noop });
