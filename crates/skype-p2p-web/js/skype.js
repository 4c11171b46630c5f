// The shapes of the Skype Web SDK: properties, events, collections, commands, promises, and the objects made of them.
//
// The objects are wrappers of handles, which `load` provides. The files beside this one have no state of the chat: a read of a property
// or of a collection asks the handle. Two rules keep the memory flat. A listener of a handle refers to its registration weakly, so that no
// handle keeps a page's object alive; and a wrapper holds what belongs to it strongly: its members, their registrations, and the
// objects below it. So the page's collector frees the wrapper of a removed conversation together with its listeners.
//
// `cargo xtask web` joins the files to one script, so no two files have a name in common.

import { Application, privates } from "./application.js";
import { environment } from "./environment.js";
import { guarded } from "./errors.js";
import { task } from "./task.js";

function makeApi(options) {
  let instance;
  return {
    application: Application,
    // An application signs in once. A page that asks for the instance after its end gets a new one.
    get UIApplicationInstance() {
      const isOver = instance && privates.get(instance).isSpent && instance.signInManager.state() === "SignedOut";
      if (!instance || isOver) instance = new Application({ convLogSettings: options.convLogSettings, trust: options.trust });
      return instance;
    },
  };
}

// Creates the global object `Skype`. `load` returns a promise of the classes of the handles. `root` is the URL where the discovery of
// the server starts, or null for the domain of the user.
export function createSkype(load, root) {
  environment.root = root;
  let loading;

  function initialize(options = {}, success, failure) {
    loading ??= Promise.resolve(load()).then((loaded) => {
      environment.handles = loaded;
    });
    // A download that failed is tried again by the next call.
    loading.catch(() => { loading = undefined; });
    const ready = task(loading, () => makeApi(options));
    ready.then((api) => success && guarded(() => success(api)), (error) => failure && guarded(() => failure(error)));
    return ready;
  }

  return { initialize };
}
