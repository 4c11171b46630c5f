// Errors: the failures of handles as errors of the SDK, and the errors of listeners.

// An error of the SDK: `code`, `reason` (the cause), `response` and the other details of the failure.
export class SkypeError extends Error {
  constructor({ message, reason, ...details }) {
    super(message);
    Object.assign(this, details);
    if (reason) this.reason = new SkypeError(reason);
  }

  get name() {
    return "SkypeError";
  }
}

export const toError = (failure) => (failure instanceof Error || !failure?.code ? failure : new SkypeError(failure));
export const notSupported = (message) => new SkypeError({ code: "NotSupported", message });

export const optionalError = (failure) => (failure === undefined ? undefined : toError(failure));

// Runs a call of a handle. A failure that it throws becomes an error.
export function throwing(call) {
  try {
    return call();
  } catch (failure) {
    throw toError(failure);
  }
}

function report(error) {
  if (typeof reportError === "function") reportError(error);
  else setTimeout(() => { throw error; });
}

export function guarded(call) {
  try {
    call();
  } catch (error) {
    report(error);
  }
}
