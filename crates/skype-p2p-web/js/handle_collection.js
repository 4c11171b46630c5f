// The collections of handles, and of the lists of handles.

import { makeCollection } from "./collection.js";
import { weakly } from "./event.js";
import { noop } from "./object.js";
import { fromHandle } from "./property.js";

// The collection of a handle. `wrap` makes an item of its handle, and `keyOf` its key. The collection holds the items that it has
// handed out for as long as they are in it.
export function collectionOf(handle, wrap, keyOf, commands = {}) {
  let held = new Map();
  const entryOf = (raw) => {
    const item = wrap(raw);
    return { item, key: keyOf(item) };
  };
  return makeCollection({
    entries() {
      const entries = handle.items().map(entryOf);
      held = new Map(entries.map(({ item, key }) => [key, item]));
      return entries;
    },
    size: () => fromHandle(handle.size()),
    fetch: () => handle.fetch(),
    subscribe: () => handle.subscribe(),
    attach(kind, registration) {
      const deliver = registration.deliver;
      registration.deliver = (raw, index) => {
        const { item, key } = entryOf(raw);
        if (kind === "added") held.set(key, item);
        else held.delete(key);
        deliver(item, key, index);
      };
      return handle[kind](weakly(registration));
    },
    ...commands,
  });
}

// The collection of the values of a property that is a list of plain data. The key of an item is its text.
export function collectionOfList(list, makeItem) {
  const made = new Map();
  const entriesOf = (values = []) => {
    const entries = new Map();
    for (const value of values) {
      const key = JSON.stringify(value);
      if (!made.has(key)) made.set(key, makeItem(value));
      entries.set(key, { item: made.get(key), key });
    }
    return [...entries.values()];
  };
  const whole = makeCollection({
    entries: () => entriesOf(list()),
    fetch: () => list.get(),
    subscribe: (seconds) => list.subscribe(seconds),
    attach(kind, registration) {
      let shown = [];
      const parent = list.observe(noop, (_, values) => {
        const [before, after] = [shown, entriesOf(values)];
        shown = after;
        const missing = (entry, others) => !others.some((other) => other.key === entry.key);
        const events = kind === "added" ? after.filter((entry) => missing(entry, before)) : before.filter((entry) => missing(entry, after));
        const indexes = kind === "added" ? after : before;
        for (const entry of events) registration.deliver(entry.item, entry.key, indexes.indexOf(entry));
      });
      return { free: parent.dispose };
    },
  });
  return whole;
}
