// An application: one user with a manager for each area.

import { makeConversationsManager } from "./conversations_manager.js";
import { environment } from "./environment.js";
import { SkypeError, throwing } from "./errors.js";
import { makeDevicesManager } from "./media.js";
import { handleOf, lazily } from "./object.js";
import { makePersons } from "./persons.js";
import { makePersonsAndGroupsManager } from "./persons_and_groups_manager.js";
import { makeLocal } from "./property.js";
import { makeSignInManager } from "./sign_in.js";
import { task } from "./task.js";

// An application.
export function Application(settings = {}) {
  if (!new.target) throw new TypeError("api.application is a constructor");
  const { id, snapshot, version, convLogSettings, trust = [] } = settings;
  let configured = new environment.handles.Settings();
  if (convLogSettings) configured = configured.history();
  if (id !== undefined) configured = configured.endpoint(String(id));
  // The server must not take an upgraded page for another program, so the version is left out.
  if (version !== undefined) configured = configured.program(String(version).split("/")[0]);
  for (const domain of trust) configured = configured.trust(domain);
  if (snapshot !== undefined) configured = throwing(() => configured.resume(snapshot));
  const handle = throwing(() => configured.build());
  handle.isResumed = snapshot !== undefined;
  const persons = makePersons(handle);
  handleOf.set(this, handle);
  lazily(this, {
    signInManager: () => makeSignInManager(handle, hidden),
    conversationsManager: () => makeConversationsManager(handle, persons),
    personsAndGroupsManager: () => makePersonsAndGroupsManager(handle, persons),
    devicesManager: makeDevicesManager,
    collectOII: () => makeLocal(true),
    ucwa: () => Object.defineProperty({}, "fqdn", { get: () => hostOf(handle.home()) }),
  });
  const hidden = { application: this, isSpent: false };
  privates.set(this, hidden);
  Object.defineProperty(handle, "mePerson", { get: () => this.personsAndGroupsManager.mePerson });
  this.getSnapshot = () => {
    if (this.signInManager.state() !== "SignedIn") throw new SkypeError({ code: "InvalidState", message: "the application is not signed in" });
    return task(handle.snapshot());
  };
  this.detach = () => task(handle.detach());
}

// What a page does not see of an application.
export const privates = new WeakMap();

const hostOf = (url) => (url === undefined ? undefined : new URL(url).host);
