// Signing in and out.

import { environment } from "./environment.js";
import { SkypeError } from "./errors.js";
import { lazily, noop } from "./object.js";
import { fromHandle } from "./property.js";
import { rejected, task } from "./task.js";

// The options that this package does not offer, with the reason.
const REFUSED_OPTIONS = {
  auth: "a page cannot authenticate in another way than with a password, a token or the Windows account",
  oauth_uri: "give get_oauth_token, a function that returns a token",
  redirect_uri: "give get_oauth_token, a function that returns a token",
  client_id: "give get_oauth_token, a function that returns a token",
  id: "give it to the constructor: new api.application({id})",
  snapshot: "give it to the constructor: new api.application({snapshot})",
};

// Signs in as the options say. Returns a promise of the handle, or throws an error that names the option that is not offered.
function signInWith(application, options) {
  const { username, password, domain, token, get_oauth_token: getToken, meeting } = options;
  const hasOwnTokens = token !== undefined || getToken !== undefined || password !== undefined || meeting !== undefined;
  for (const [name, reason] of Object.entries(REFUSED_OPTIONS)) {
    const isUnused = hasOwnTokens && ["oauth_uri", "redirect_uri", "client_id"].includes(name);
    if (options[name] !== undefined && !isUnused) throw new SkypeError({ code: "NotSupported", message: `the option ${name} is not supported: ${reason}` });
  }
  const start = options.origins?.[0] ?? options.root ?? environment.root;
  if (start?.user) application.setHome(start.user);
  else if (start) application.setRoot(String(start));
  if (options.cors === false) application.useFrames();

  if (meeting !== undefined) return application.signInAsGuest(meeting, options.name ?? username ?? "", options.key);
  // The name of a Windows domain stands before a backslash, and the SIP domain is then an option of its own.
  const [, account] = /^[^\\@]*\\(.+)$/.exec(username ?? "") ?? [];
  const address = account && domain ? `${account}@${domain}` : username ?? (domain && `sip:user@${domain}`);
  if (address === undefined) throw new SkypeError({ code: "InvalidArgument", message: "give the option username, or domain, or meeting" });
  if (password !== undefined) return application.signInWithPassword(address, password, account ? username : undefined);
  if (token !== undefined || getToken !== undefined) {
    application.setTokenSource(getToken ? (host) => getToken(`https://${host}`) : () => token);
    return application.signInWithTokens(address);
  }
  return application.isResumed ? application.signInAgain(address) : application.signInWithWindows(address);
}

// The applications between the beginning of their sign-in and their end. They go on while the page holds nothing of them.
const live = new Set();

export function makeSignInManager(handle, application) {
  const manager = lazily({}, { state: () => fromHandle(handle.signInState()) });
  let ending;
  manager.signIn = (options = {}) => {
    try {
      const promise = signInWith(handle, options);
      live.add(application);
      application.isSpent = true;
      ending ??= manager.state.observe(noop, (registration, state) => {
        if (registration.isReplay || state !== "SignedOut") return;
        live.delete(application);
        handle.setTokenSource(noop);
      });
      return task(promise);
    } catch (error) {
      return rejected(error);
    }
  };
  manager.signOut = () => task(handle.signOut());
  return manager;
}
