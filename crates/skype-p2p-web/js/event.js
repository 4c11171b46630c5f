// Registrations of listeners.

import { guarded } from "./errors.js";

// Adds a registration to a set, which keeps it alive. `attach` observes a source and returns the subscription to free at the end.
// `fire` is called with what the source delivers.
export function register(registrations, listener, fire, attach) {
  if (typeof listener !== "function") throw new TypeError("a listener is a function");
  const registration = {
    listener,
    isReplay: true,
    isEnded: false,
    subscription: undefined,
    deliver(...event) {
      if (!registration.isEnded) guarded(() => fire(registration, ...event));
    },
    end() {
      registration.isEnded = true;
      registrations.delete(registration);
      registration.subscription?.free();
      registration.subscription = undefined;
    },
    dispose() {
      registration.end();
    },
  };
  registrations.add(registration);
  const subscription = attach(registration);
  registration.isReplay = false;
  // The listener may have removed itself in its first call.
  if (registration.isEnded) subscription?.free();
  else registration.subscription = subscription;
  return registration;
}

// The listener for a handle. It must not be a closure of a function that has the registration in scope.
export function weakly(registration) {
  return deliverer(new WeakRef(registration));
}

function deliverer(reference) {
  return (...event) => guarded(() => reference.deref()?.deliver(...event));
}

// An event: `e(listener)` and `e.on(listener)` register, `e.off(listener)` removes every registration of the listener.
export function makeEvent(add) {
  const registrations = new Set();
  const event = (listener) => ({ dispose: add(registrations, listener).dispose });
  event.on = (listener) => event(listener);
  event.off = (listener) => {
    for (const registration of [...registrations]) {
      if (registration.listener === listener) registration.end();
    }
  };
  return event;
}
