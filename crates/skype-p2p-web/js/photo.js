// The photo of a person.

import { noop } from "./object.js";
import { fromHandle, makeLocal, makeProperty } from "./property.js";
import { task } from "./task.js";

// The URL of the photo of a person, which an image can show. The server sends photos only with a token, so the URL contains the photo,
// unless the photo is at another server than `home`. `get` loads the photo, and `subscribe` also each later one.
export function photoOf(handle, home) {
  const address = fromHandle(handle.avatarUrl());
  const shown = makeLocal(undefined);
  const isElsewhere = (url) => new URL(url, home()).host !== new URL(home()).host;
  const load = async () => {
    if (address() === undefined) await address.get();
    const url = address();
    shown.set(url && home() && isElsewhere(url) ? url : await handle.photo());
  };
  return makeProperty({
    get: () => shown(),
    reason: () => address.reason,
    fetch: load,
    attach(registration) {
      const { dispose } = shown.observe(noop, (_, url, reason, old) => registration.deliver(url, reason, old));
      return { free: dispose };
    },
    subscribe(seconds) {
      const following = address.subscribe(seconds);
      const { dispose } = address.changed(() => task(load()));
      return {
        free() {
          dispose();
          following.dispose();
        },
      };
    },
  });
}
