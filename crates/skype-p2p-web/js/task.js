// Promises of the SDK.

import { toError } from "./errors.js";

// A promise whose rejection is not reported as unhandled if the page drops it.
export class Task extends Promise {
  then(ok, fail) {
    return silenced(super.then(ok, fail));
  }
}

function silenced(task) {
  Promise.prototype.then.call(task, undefined, () => {});
  return task;
}

// The task of a promise of a handle, with its result converted.
export function task(promise, convert = (value) => value) {
  return silenced(new Task((ok) => ok(promise)).then(convert, (failure) => {
    throw toError(failure);
  }));
}

export const rejected = (error) => silenced(new Task((_, fail) => fail(error)));
