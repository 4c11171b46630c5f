// Properties.

import { always, makeCommand, unsupported } from "./command.js";
import { optionalError } from "./errors.js";
import { makeEvent, register, weakly } from "./event.js";
import { lazily, noop } from "./object.js";
import { Task, task } from "./task.js";

// The properties that a derived value has read, while it is computed.
export let reading;

export function tracked(compute) {
  const outer = reading;
  const read = new Set();
  reading = read;
  try {
    return { value: compute(), read };
  } finally {
    reading = outer;
  }
}

// The subscriptions of a page, which must not end because the page drops the objects around them.
const subscriptions = new Set();

export function subscribe(subscription) {
  if (subscription) subscriptions.add(subscription);
  return {
    dispose() {
      if (subscriptions.delete(subscription)) subscription.free();
    },
  };
}

// A property. Its source has `get`, `reason` and `attach(registration)`, which delivers (value, reason, old value) at once and at
// each change, and may have `fetch`, `set` and `subscribe`.
export function makeProperty(source) {
  const registrations = new Set();
  const observe = (listener, fire, own = registrations) => register(own, listener, fire, source.attach);
  const matches = (wanted, value) => (typeof wanted === "function" ? wanted(value) : wanted === value);

  function property(...values) {
    if (values.length === 0) {
      reading?.add(property);
      return source.get();
    }
    property.set(...values);
    return undefined;
  }
  Object.defineProperty(property, "reason", { get: () => source.reason() });
  property.observe = observe;
  property.when = (wanted, listener) => {
    const { dispose } = observe(listener, (_, value, reason, old) => {
      if (matches(wanted, value)) listener(reason, old);
    });
    return { dispose };
  };
  property.once = (wanted, listener) => {
    const { dispose } = observe(listener, (registration, value, reason, old) => {
      if (!matches(wanted, value)) return;
      registration.end();
      listener(reason, old);
    });
    return { dispose };
  };
  property.map = (convert) => makeProperty({
    get: () => convert(source.get()),
    reason: source.reason,
    fetch: source.fetch,
    subscribe: source.subscribe,
    attach(registration) {
      let last;
      const parent = observe(noop, (own, value, reason) => {
        const old = last;
        last = convert(value);
        if (own.isReplay || last !== old) registration.deliver(last, reason, old);
      });
      return { free: parent.dispose };
    },
  });
  property.subscribe = (seconds) => subscribe(source.subscribe?.(seconds));
  return lazily(property, {
    get: () => makeCommand(always, () => task(source.fetch?.(), () => source.get())),
    set: () => (source.set ? makeCommand(always, (value) => task(source.set(value), () => source.get())) : unsupported("this property cannot be set")),
    changed: () => makeEvent((own, listener) => observe(listener, (registration, value, reason, old) => {
      if (!registration.isReplay || value !== undefined) listener(value, reason, old);
    }, own)),
  });
}

// The property of a handle.
export function fromHandle(handle) {
  return makeProperty({
    get: () => handle.get(),
    reason: () => optionalError(handle.reason()),
    attach(registration) {
      // The reasons become errors when they are delivered.
      const deliver = registration.deliver;
      registration.deliver = (value, reason, old) => deliver(value, optionalError(reason), old);
      return handle.changed(weakly(registration));
    },
    fetch: () => handle.fetch(),
    set: handle.isSettable() ? (value) => handle.set(value) : undefined,
    subscribe: (seconds) => handle.subscribe(seconds),
  });
}

// A property that only a page sets.
export function makeLocal(value) {
  const attached = new Set();
  return makeProperty({
    get: () => value,
    reason: () => undefined,
    set(next) {
      const old = value;
      value = next;
      if (old !== next) for (const registration of [...attached]) registration.deliver(next, undefined, old);
      return Task.resolve();
    },
    attach(registration) {
      attached.add(registration);
      registration.deliver(value, undefined, undefined);
      return { free: () => attached.delete(registration) };
    },
  });
}

// A property that never changes.
export function makeConstant(value, reason) {
  return makeProperty({
    get: () => value,
    reason: () => reason,
    attach(registration) {
      registration.deliver(value, reason, undefined);
      return undefined;
    },
  });
}
