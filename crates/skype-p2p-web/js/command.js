// Commands.

import { notSupported, SkypeError } from "./errors.js";
import { lazily } from "./object.js";
import { fromHandle, makeConstant } from "./property.js";
import { task } from "./task.js";

// A command: a function that throws while `enabled` is false.
export function makeCommand(enabled, run) {
  const command = (...values) => {
    if (enabled !== always && !enabled()) {
      const { reason } = enabled;
      throw new SkypeError({ code: "CommandDisabled", message: `the command is not enabled${reason ? `: ${reason.message}` : ""}`, reason });
    }
    return run(...values);
  };
  command.bind = (...values) => makeCommand(enabled, () => run(...values));
  return lazily(command, { enabled: () => (enabled === always ? makeConstant(true) : enabled) });
}

// Stands for the property of a command that is always enabled.
export const always = () => true;

export const unsupported = (message) => makeCommand(makeConstant(false, notSupported(message)), () => {});

// The command of a handle. `values` maps the arguments of the page to those of the handle.
export function commandOf(handle, values = () => []) {
  return makeCommand(fromHandle(handle.enabled()), (...given) => task(handle.invoke(...values(...given))));
}
