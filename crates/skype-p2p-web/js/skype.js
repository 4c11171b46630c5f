// The shapes of the Skype Web SDK: properties, events, collections, commands, promises, and the objects made of them.
//
// The objects are wrappers of handles, which `load` provides. This file has no state of the chat: a read of a property or of a
// collection asks the handle. Two rules keep the memory flat. A listener of a handle refers to its registration weakly, so that no
// handle keeps a page's object alive; and a wrapper holds what belongs to it strongly: its members, their registrations, and the
// objects below it. So the page's collector frees the wrapper of a removed conversation together with its listeners.

// Creates the global object `Skype`. `load` returns a promise of the classes of the handles. `root` is the URL where the discovery of
// the server starts, or null for the domain of the user.
export function createSkype(load, root) {
  let handles;

  // Errors and promises.

  // An error of the SDK: `code`, `reason` (the cause), `response` and the other details of the failure.
  class SkypeError extends Error {
    constructor({ message, reason, ...details }) {
      super(message);
      Object.assign(this, details);
      if (reason) this.reason = new SkypeError(reason);
    }

    get name() {
      return "SkypeError";
    }
  }

  const toError = (failure) => (failure instanceof Error || !failure?.code ? failure : new SkypeError(failure));
  const notSupported = (message) => new SkypeError({ code: "NotSupported", message });

  // A promise whose rejection is not reported as unhandled if the page drops it.
  class Task extends Promise {
    then(ok, fail) {
      return silenced(super.then(ok, fail));
    }
  }

  function silenced(task) {
    Promise.prototype.then.call(task, undefined, () => {});
    return task;
  }

  // The task of a promise of a handle, with its result converted.
  function task(promise, convert = (value) => value) {
    return silenced(new Task((ok) => ok(promise)).then(convert, (failure) => {
      throw toError(failure);
    }));
  }

  const rejected = (error) => silenced(new Task((_, fail) => fail(error)));

  // Registrations.

  function report(error) {
    if (typeof reportError === "function") reportError(error);
    else setTimeout(() => { throw error; });
  }

  function guarded(call) {
    try {
      call();
    } catch (error) {
      report(error);
    }
  }

  // Adds a registration to a set, which keeps it alive. `attach` observes a source and returns the subscription to free at the end.
  // `fire` is called with what the source delivers.
  function register(registrations, listener, fire, attach) {
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
  function weakly(registration) {
    return deliverer(new WeakRef(registration));
  }

  function deliverer(reference) {
    return (...event) => reference.deref()?.deliver(...event);
  }

  // An event: `e(listener)` and `e.on(listener)` register, `e.off(listener)` removes every registration of the listener.
  function makeEvent(add) {
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

  // Properties.

  // The properties that a derived value has read, while it is computed.
  let reading;

  function tracked(compute) {
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

  function subscribe(subscription) {
    if (subscription) subscriptions.add(subscription);
    return {
      dispose() {
        if (subscriptions.delete(subscription)) subscription.free();
      },
    };
  }

  // A property. Its source has `get`, `reason` and `attach(registration)`, which delivers (value, reason, old value) at once and at
  // each change, and may have `fetch`, `set` and `subscribe`.
  function makeProperty(source) {
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
  function fromHandle(handle) {
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

  const optionalError = (failure) => (failure === undefined ? undefined : toError(failure));

  // A property that only a page sets.
  function makeLocal(value) {
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
  function makeConstant(value, reason) {
    return makeProperty({
      get: () => value,
      reason: () => reason,
      attach(registration) {
        registration.deliver(value, reason, undefined);
        return undefined;
      },
    });
  }

  // Commands.

  // A command: a function that throws while `enabled` is false.
  function makeCommand(enabled, run) {
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
  const always = () => true;

  const unsupported = (message) => makeCommand(makeConstant(false, notSupported(message)), () => {});

  // The command of a handle. `values` maps the arguments of the page to those of the handle.
  function commandOf(handle, values = () => []) {
    return makeCommand(fromHandle(handle.enabled()), (...given) => task(handle.invoke(...values(...given))));
  }

  // Collections.

  // A collection. Its source has `entries()`, a list of {item, key}, and `attach(kind, registration)`, which delivers (item, key,
  // index) for each item that is added or removed; if the kind is "added", first for each present one. The source may have `size`,
  // `fetch`, `subscribe`, `add` and `remove`.
  function makeCollection(source) {
    const registrations = new Set();
    const items = () => source.entries().map((entry) => entry.item);
    const observe = (kind, listener, fire, own = registrations) => register(own, listener, fire, (registration) => source.attach(kind, registration));
    const event = (kind) => () => makeEvent((own, listener) => observe(kind, listener, (_, ...change) => listener(...change), own));

    function collection(index) {
      if (index === undefined) {
        reading?.add(collection.size);
        return items();
      }
      return typeof index === "number" ? items()[index] : source.entries().find((entry) => entry.key === index)?.item;
    }
    lazily(collection, {
      size: () => source.size?.() ?? sizeOf(collection, source),
      added: event("added"),
      removed: event("removed"),
      changed: () => makeEvent((own, listener) => {
        const call = (registration) => registration.isReplay || listener();
        const added = observe("added", listener, call, own);
        const removed = observe("removed", listener, call, own);
        if (source.entries().length > 0) guarded(listener);
        return {
          dispose() {
            added.end();
            removed.end();
          },
        };
      }),
    });
    collection.observe = observe;
    collection.get = makeCommand(always, (index) => task(source.fetch?.(), () => collection(index)));
    collection.add = source.add ?? unsupported("items cannot be added to this collection");
    collection.remove = source.remove ?? unsupported("items cannot be removed from this collection");
    collection.subscribe = (seconds) => subscribe(source.subscribe?.(seconds));
    collection.map = (convert) => {
      const converted = new Map();
      return derive(collection, source, (entries) => {
        const keys = new Set(entries.map((entry) => entry.key));
        for (const key of converted.keys()) if (!keys.has(key)) converted.delete(key);
        return entries.map(({ item, key }) => {
          if (!converted.has(key)) converted.set(key, convert(item));
          return { item: converted.get(key), key };
        });
      });
    };
    collection.filter = (predicate) => derive(collection, source, (entries) => entries.filter(({ item }) => predicate(item)));
    collection.sort = (isInOrder) => derive(collection, source, (entries) => [...entries].sort((one, other) => {
      if (isInOrder(one.item, other.item)) return isInOrder(other.item, one.item) ? 0 : -1;
      return 1;
    }));
    collection.reduce = (combine, initial) => reduce(collection, () => items().reduce((value, item) => combine(value, item), initial));
    return collection;
  }

  const noop = () => {};

  // Computes a value again whenever an item is added to a collection or removed, and whenever a property changes that the
  // computation has read. Calls `changed` with each result, the first one included.
  function recompute(collection, compute, changed) {
    const dependencies = new Map();
    let isReady = false;
    const again = () => {
      if (!isReady) return;
      const { value, read } = tracked(compute);
      for (const [property, registration] of dependencies) {
        if (read.has(property)) continue;
        registration.end();
        dependencies.delete(property);
      }
      for (const property of read) {
        if (!dependencies.has(property)) dependencies.set(property, property.observe(noop, (registration) => registration.isReplay || again()));
      }
      changed(value);
    };
    const added = collection.observe("added", noop, again);
    const removed = collection.observe("removed", noop, again);
    isReady = true;
    again();
    return {
      free() {
        added.end();
        removed.end();
        for (const registration of dependencies.values()) registration.end();
        dependencies.clear();
      },
    };
  }

  // A live collection of what `arrange` makes of the entries of another one.
  function derive(parent, source, arrange) {
    const attached = new Set();
    let shown = [];
    let following;

    const deliver = (kind, { item, key }, index) => {
      for (const registration of [...attached]) if (registration.kind === kind) registration.deliver(item, key, index);
    };
    const show = (next) => {
      const kept = new Set(next.map((entry) => entry.key));
      for (let index = shown.length - 1; index >= 0; index -= 1) {
        if (!kept.has(shown[index].key)) deliver("removed", shown.splice(index, 1)[0], index);
      }
      next.forEach((entry, index) => {
        if (shown[index]?.key === entry.key) return;
        const from = shown.findIndex((other) => other.key === entry.key);
        if (from >= 0) deliver("removed", shown.splice(from, 1)[0], from);
        shown.splice(index, 0, entry);
        deliver("added", entry, index);
      });
    };
    return makeCollection({
      entries: () => (following ? shown.slice() : arrange(source.entries())),
      fetch: source.fetch,
      subscribe: source.subscribe,
      attach(kind, registration) {
        registration.kind = kind;
        following ??= recompute(parent, () => arrange(source.entries()), show);
        if (kind === "added") shown.slice().forEach(({ item, key }, index) => registration.deliver(item, key, index));
        attached.add(registration);
        return {
          free() {
            attached.delete(registration);
            if (attached.size > 0 || !following) return;
            following.free();
            following = undefined;
            shown = [];
          },
        };
      },
    });
  }

  // The property with a value that is computed from a collection.
  function reduce(collection, compute) {
    return makeProperty({
      get: compute,
      reason: noop,
      attach(registration) {
        let last;
        let isFirst = true;
        return recompute(collection, compute, (value) => {
          const old = last;
          last = value;
          if (isFirst || old !== value) registration.deliver(value, undefined, old);
          isFirst = false;
        });
      },
    });
  }

  const sizeOf = (collection, source) => reduce(collection, () => source.entries().length);

  // The collection of a handle. `wrap` makes an item of its handle, and `keyOf` its key. The collection holds the items that it has
  // handed out for as long as they are in it.
  function collectionOf(handle, wrap, keyOf, commands = {}) {
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
  function collectionOfList(list, makeItem) {
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

  const emptyCollection = () => makeCollection({ entries: () => [], attach: noop });

  // Objects.

  // Adds members that are made when they are first read.
  function lazily(object, members) {
    for (const [name, make] of Object.entries(members)) {
      Object.defineProperty(object, name, {
        configurable: true,
        enumerable: true,
        get() {
          const value = make();
          Object.defineProperty(object, name, { value, configurable: true, enumerable: true });
          return value;
        },
      });
    }
    return object;
  }

  // The handle of each object, and its key in a collection.
  const handleOf = new WeakMap();
  const keys = new WeakMap();
  const keyOf = (object) => keys.get(object) ?? String(object);

  function objectOf(handle, key, members) {
    const object = lazily({}, members);
    handleOf.set(object, handle);
    keys.set(object, key);
    return object;
  }

  // The objects of an application by their keys, held weakly. Several objects may have one key, and `isSame` of their handles tells
  // them apart.
  class WeakCache {
    #references = new Map();
    #dropped = new FinalizationRegistry((key) => this.#prune(key));

    find(key, handle, make) {
      for (const reference of this.#references.get(key) ?? []) {
        const object = reference.deref();
        if (object && handleOf.get(object).isSame(handle)) {
          handle.free();
          return object;
        }
      }
      const object = make(handle);
      const references = this.#references.get(key) ?? [];
      references.push(new WeakRef(object));
      this.#references.set(key, references);
      this.#dropped.register(object, key);
      return object;
    }

    #prune(key) {
      const alive = (this.#references.get(key) ?? []).filter((reference) => reference.deref());
      if (alive.length > 0) this.#references.set(key, alive);
      else this.#references.delete(key);
    }
  }

  const AUDIO_AND_VIDEO = "audio, video and devices are not supported";
  const noMedia = () => unsupported(AUDIO_AND_VIDEO);

  // A modality that exists, disabled.
  function makeMediaService(commands) {
    const service = { state: makeConstant("Disconnected", notSupported(AUDIO_AND_VIDEO)) };
    lazily(service, Object.fromEntries(commands.map((name) => [name, noMedia])));
    return service;
  }

  const addressOf = (who) => {
    const person = who?.person ?? who;
    return typeof person === "string" ? person : person?.id?.() ?? String(person);
  };

  // The objects of one application.
  function makeObjects(application) {
    const persons = new WeakCache();
    const groups = new WeakCache();

    const idOf = (handle) => {
      const id = handle.id();
      const value = id.get();
      id.free();
      return value;
    };
    const personOf = (handle) => persons.find(idOf(handle).toLowerCase(), handle, makePerson);

    function personMembers(handle) {
      const property = (name) => () => fromHandle(handle[name]());
      return {
        id: property("id"),
        type: () => makeConstant("User"),
        displayName: property("displayName"),
        title: property("title"),
        department: property("department"),
        company: property("company"),
        office: property("office"),
        avatarUrl: property("avatarUrl"),
        status: property("status"),
        activity: property("activity"),
        lastSeenAt: property("lastSeenAt"),
        endpointType: property("endpointType"),
        location: property("location"),
        relationshipLevel: property("relationshipLevel"),
        note: () => lazily({}, { text: property("noteText"), type: property("noteType") }),
        emails: () => collectionOfList(fromHandle(handle.emails()), (address) => ({ emailAddress: makeConstant(address) })),
        phoneNumbers: () => collectionOfList(fromHandle(handle.phoneNumbers()), ({ type, number }) => ({
          type: makeConstant(type),
          telUri: makeConstant(number),
          displayString: makeConstant(number.replace(/^tel:/i, "")),
        })),
        capabilities: () => lazily({}, { chat: property("canChat"), audio: property("canUseAudio"), video: property("canUseVideo") }),
        groups: () => groupCollection(handle.groups()),
      };
    }

    function makePerson(handle) {
      const person = objectOf(handle, keyOfPerson(handle), personMembers(handle));
      person.person = person;
      return person;
    }

    const keyOfPerson = (handle) => idOf(handle) || `person ${(unnamed += 1)}`;
    let unnamed = 0;

    function makeMe() {
      const me = application.me();
      const handle = me.person();
      const published = (name) => {
        const property = fromHandle(me[name]());
        property.reset = makeCommand(always, () => property.set(undefined));
        return property;
      };
      const status = () => {
        const property = fromHandle(me.status());
        property.reset = makeCommand(always, () => task(me.resetStatus()));
        return property;
      };
      const person = objectOf(handle, "me", {
        ...personMembers(handle),
        status,
        note: () => lazily({}, { text: () => published("noteText"), type: () => fromHandle(handle.noteType()) }),
        location: () => published("location"),
        email: () => fromHandle(me.email()),
      });
      person.person = person;
      return person;
    }

    const personCollection = (handle, commands) => collectionOf(handle, personOf, keyOf, commands);
    const groupCollection = (handle, commands) => collectionOf(handle, groupOf, keyOf, commands);

    let groupsMade = 0;
    const groupOf = (handle) => groups.find("", handle, makeGroup);

    function makeGroup(handle) {
      return objectOf(handle, `group ${(groupsMade += 1)}`, {
        id: () => fromHandle(handle.id()),
        name: () => fromHandle(handle.name()),
        type: () => makeConstant(handle.groupType()),
        uri: () => fromHandle(handle.uri()),
        relationshipLevel: () => makeConstant(handle.relationshipLevel()),
        persons: () => personCollection(handle.persons(), {
          add: makeCommand(fromHandle(handle.canAddPersons()), (who) => task(handle.addAddress(addressOf(who)))),
          remove: makeCommand(fromHandle(handle.canRemovePersons()), (person) => task(handle.removePerson(handleOf.get(person)))),
        }),
        groups: () => groupCollection(handle.groups(), {
          add: makeCommand(fromHandle(handle.canAddGroups()), (group) => task(handle.addGroup(handleOf.get(group)))),
          remove: makeCommand(fromHandle(handle.canRemoveGroups()), (group) => task(handle.removeGroup(handleOf.get(group)))),
        }),
      });
    }

    // The messages and participants of a conversation have no other owner, so the conversation holds them.
    function makeConversation(handle) {
      const held = new Map();
      const hold = (kind, raw, make) => {
        const key = `${kind} ${raw.key()}`;
        if (held.has(key)) raw.free();
        else held.set(key, make(raw));
        return held.get(key);
      };
      const participantOf = (raw) => hold("participant", raw, makeParticipant);
      const messageOf = (raw) => hold("message", raw, makeMessage);

      function makeParticipant(raw) {
        const property = (name) => () => fromHandle(raw[name]());
        const media = () => makeMediaService(["start", "stop", "accept", "reject"]);
        return objectOf(raw, raw.key(), {
          person: () => (raw.isMe ? application.mePerson : personOf(raw.person())),
          displayName: property("displayName"),
          state: property("state"),
          role: property("role"),
          isAnonymous: property("isAnonymous"),
          chat: () => lazily({}, { state: property("chatState"), isTyping: property("isTyping") }),
          audio: media,
          video: media,
          admit: () => commandOf(raw.admit()),
          reject: () => commandOf(raw.reject()),
        });
      }

      function makeMessage(raw) {
        return objectOf(raw, raw.key(), {
          type: () => makeConstant("TextMessage"),
          direction: () => makeConstant(raw.direction()),
          sender: () => personOf(raw.sender()),
          text: () => makeConstant(raw.plainText() ?? textOf(raw.unsafeHtml())),
          html: () => {
            const text = raw.plainText();
            return makeConstant(text === undefined ? sanitize(raw.unsafeHtml()) : escape(text));
          },
          timestamp: () => fromHandle(raw.timestamp()),
          status: () => fromHandle(raw.status()),
        });
      }

      const activities = [];
      function activityOf(raw) {
        if (raw instanceof handles.Message) return messageOf(raw);
        const known = activities.find((activity) => handleOf.get(activity).isSame(raw));
        if (known) return known;
        const activity = objectOf(raw, `activity ${activities.length}`, {
          type: () => makeConstant(raw.hasJoined() ? "ParticipantJoined" : "ParticipantLeft"),
          timestamp: () => makeConstant(raw.timestamp()),
          participant: () => participantOf(raw.participant()),
          person: () => activity.participant.person,
        });
        activities.push(activity);
        return activity;
      }

      const property = (name) => () => fromHandle(handle[name]());
      const command = (name) => () => commandOf(handle[name]());
      const conversation = objectOf(handle, handle.key(), {
        id: () => makeConstant(handle.key()),
        state: property("state"),
        topic: property("topic"),
        uri: property("uri"),
        isGroupConversation: property("isGroupConversation"),
        isJoiningEnabled: property("isJoiningEnabled"),
        creator: () => {
          const creator = handle.creator();
          return creator && personOf(creator);
        },
        context: () => lazily(fromHandle(handle.context()), { type: property("contextType") }),
        participants: () => collectionOf(handle.participants(), participantOf, keyOf, {
          add: makeCommand(fromHandle(handle.canAddParticipants()), (who) => {
            const raw = handleOf.get(who);
            return task(raw instanceof handles.Participant ? handle.addParticipant(raw) : handle.addAddress(addressOf(who)));
          }),
          remove: makeCommand(always, (participant) => task(handle.removeParticipant(handleOf.get(participant)))),
        }),
        participantsCount: property("participantsCount"),
        selfParticipant: () => hold("self", Object.assign(handle.selfParticipant(), { isMe: true }), makeParticipant),
        activeModalities: () => lazily({}, { chat: property("hasChat"), audio: property("hasAudio"), video: property("hasVideo") }),
        chatService: () => lazily({}, {
          state: () => conversation.selfParticipant.chat.state,
          messages: () => collectionOf(handle.messages(), messageOf, keyOf),
          supportedMessageFormats: () => collectionOf(handle.supportedMessageFormats(), (format) => format, String),
          start: () => commandOf(handle.startChat(), (options) => [options?.context, options?.contextType]),
          stop: command("stopChat"),
          accept: command("acceptChat"),
          reject: command("rejectChat"),
          sendMessage: () => commandOf(handle.sendMessage(), (text, format) => [text, format]),
          sendIsTyping: command("sendIsTyping"),
        }),
        historyService: () => lazily({}, {
          activityItems: () => collectionOf(handle.activityItems(), activityOf, keyOf),
          getMoreActivityItems: command("getMoreActivityItems"),
          markAllAsRead: command("markAsRead"),
        }),
        audioService: () => makeMediaService(["start", "stop", "accept", "reject", "sendDtmf"]),
        videoService: () => makeMediaService(["start", "stop", "accept", "reject", "startVideo", "stopVideo"]),
        phoneAudioService: () => makeMediaService(["start", "stop", "accept", "reject"]),
        leave: () => makeCommand(always, () => task(handle.leave())),
        acknowledge: command("acknowledge"),
      });
      conversation.createParticipant = (who) => participantOf(throwing(() => handle.createParticipant(addressOf(who))));
      return conversation;
    }

    return { personOf, groupOf, makeMe, makeConversation };
  }

  // Runs a call of a handle. A failure that it throws becomes an error.
  function throwing(call) {
    try {
      return call();
    } catch (failure) {
      throw toError(failure);
    }
  }

  // Managers.

  function makeConversationsManager(application, objects) {
    // The conversations that the model holds. A removed one is dropped after the listeners have been called.
    const held = new Map();
    const conversationOf = (raw) => {
      const key = raw.key();
      if (held.has(key)) raw.free();
      else held.set(key, objects.makeConversation(raw));
      return held.get(key);
    };
    const conversations = collectionOf(application.conversations(), conversationOf, keyOf, {
      remove: makeCommand(always, (conversation) => task(application.removeConversation(handleOf.get(conversation)))),
    });
    conversations.observe("removed", noop, (_, conversation, key) => queueMicrotask(() => held.delete(key)));

    const manager = { conversations };
    lazily(manager, {
      getMoreConversations: () => commandOf(application.getMoreConversations(), (count) => [count]),
      unreadConversationsCount: () => fromHandle(application.unreadConversationsCount()),
      isHistoryEnabled: () => fromHandle(application.isHistoryEnabled()),
      createSearchQuery: () => unsupported("archived conversations cannot be searched"),
      createMeeting: () => unsupported("meetings cannot be scheduled"),
    });
    manager.getConversation = (who) => conversationOf(throwing(() => application.getConversation(addressOf(who))));
    manager.getConversationByUri = (uri) => conversationOf(throwing(() => application.getConversationByUri(String(uri))));
    manager.createConversation = () => conversationOf(application.createConversation());
    return manager;
  }

  const SEARCH_LIMIT = 50;

  function makePersonsAndGroupsManager(application, objects) {
    const manager = lazily({}, {
      mePerson: objects.makeMe,
      all: () => objects.groupOf(application.allContacts()),
      createGroupSearchQuery: () => unsupported("groups cannot be searched"),
    });
    manager.createGroup = (name = "") => objects.groupOf(application.createGroup(name));
    manager.createPersonSearchQuery = () => {
      const text = makeLocal("");
      const limit = makeLocal(SEARCH_LIMIT);
      const found = makeLocal([]);
      const moreResultsAvailable = makeLocal(false);
      let asked = 0;
      const results = collectionOfFound(found);
      const getMore = makeCommand(always, () => {
        asked = Math.min(asked + Number(limit()), 0xffffffff);
        return task(application.searchPersons(String(text()), asked), ({ persons, moreAvailable }) => {
          found.set(persons.map(objects.personOf));
          moreResultsAvailable.set(moreAvailable);
          return results();
        });
      });
      text.changed(() => { asked = 0; });
      return { text, limit, results, moreResultsAvailable, getMore };
    };
    return manager;
  }

  // The results of a search: objects whose member `result` is a person.
  function collectionOfFound(found) {
    const results = new WeakMap();
    const resultOf = (person) => {
      if (!results.has(person)) results.set(person, { result: person });
      return results.get(person);
    };
    const entriesOf = (persons) => persons.map((person) => ({ item: resultOf(person), key: keyOf(person) }));
    return makeCollection({
      entries: () => entriesOf(found()),
      attach(kind, registration) {
        const parent = found.observe(noop, (_, persons, reason, old = []) => {
          const [from, others] = kind === "added" ? [persons, old] : [old, persons];
          from.forEach((person, index) => {
            if (!others.includes(person)) registration.deliver(resultOf(person), keyOf(person), index);
          });
        });
        return { free: parent.dispose };
      },
    });
  }

  const makeDevicesManager = () => lazily({}, {
    cameras: emptyCollection,
    microphones: emptyCollection,
    speakers: emptyCollection,
    selectedCamera: () => makeConstant(undefined, notSupported(AUDIO_AND_VIDEO)),
    selectedMicrophone: () => makeConstant(undefined, notSupported(AUDIO_AND_VIDEO)),
    selectedSpeaker: () => makeConstant(undefined, notSupported(AUDIO_AND_VIDEO)),
    mediaCapabilities: () => ({
      isBrowserMediaSupported: makeConstant(false, notSupported(AUDIO_AND_VIDEO)),
      isPluginInstalled: makeConstant(false, notSupported(AUDIO_AND_VIDEO)),
    }),
  });

  // Signing in.

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
    const start = options.origins?.[0] ?? options.root ?? root;
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

  function makeSignInManager(handle, application) {
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

  // An application.
  function Application(settings = {}) {
    if (!new.target) throw new TypeError("api.application is a constructor");
    const { id, snapshot, version, convLogSettings, trust = [] } = settings;
    let configured = new handles.Settings();
    if (convLogSettings) configured = configured.history();
    if (id !== undefined) configured = configured.endpoint(String(id));
    // The server must not take an upgraded page for another program, so the version is left out.
    if (version !== undefined) configured = configured.program(String(version).split("/")[0]);
    for (const domain of trust) configured = configured.trust(domain);
    if (snapshot !== undefined) configured = throwing(() => configured.resume(snapshot));
    const handle = throwing(() => configured.build());
    handle.isResumed = snapshot !== undefined;
    const objects = makeObjects(handle);
    handleOf.set(this, handle);
    lazily(this, {
      signInManager: () => makeSignInManager(handle, hidden),
      conversationsManager: () => makeConversationsManager(handle, objects),
      personsAndGroupsManager: () => makePersonsAndGroupsManager(handle, objects),
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
  const privates = new WeakMap();

  const hostOf = (url) => (url === undefined ? undefined : new URL(url).host);

  // The API.

  let loading;

  function initialize(options = {}, success, failure) {
    loading ??= Promise.resolve(load()).then((loaded) => {
      handles = loaded;
    });
    // A download that failed is tried again by the next call.
    loading.catch(() => { loading = undefined; });
    const ready = task(loading, () => makeApi(options));
    ready.then((api) => success && guarded(() => success(api)), (error) => failure && guarded(() => failure(error)));
    return ready;
  }

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

  // HTML of messages.

  const SAFE_TAGS = new Set(["A", "ABBR", "B", "BLOCKQUOTE", "BR", "CODE", "DD", "DEL", "DIV", "DL", "DT", "EM", "H1", "H2", "H3", "H4", "H5", "H6", "HR", "I",
    "INS", "KBD", "LI", "OL", "P", "PRE", "Q", "S", "SAMP", "SMALL", "SPAN", "STRIKE", "STRONG", "SUB", "SUP", "TABLE", "TBODY", "TD", "TH",
    "THEAD", "TR", "TT", "U", "UL"]);
  // These are dropped with their content.
  const DROPPED_TAGS = new Set(["SCRIPT", "STYLE", "TITLE", "TEMPLATE", "NOSCRIPT", "IFRAME", "OBJECT", "EMBED", "TEXTAREA", "SELECT", "SVG", "MATH", "svg", "math"]);
  const SAFE_LINK = /^(https?|mailto|sip|tel):/i;

  const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

  // Text as HTML, whose only tags are line breaks.
  const escape = (text) => text.replace(/[&<>"']/g, (character) => ESCAPES[character]).replace(/\r?\n/g, "<br>");

  // The elements that begin and end a line of text.
  const BLOCKS = new Set(["P", "DIV", "LI", "UL", "OL", "TR", "TABLE", "BLOCKQUOTE", "PRE", "H1", "H2", "H3", "H4", "H5", "H6", "DT", "DD", "HR"]);

  // The text of HTML. A run of white space becomes one blank.
  function textOf(html) {
    let text = "";
    let blank = false;
    const endLine = () => {
      text += "\n";
      blank = false;
    };
    const beginLine = () => {
      if (text !== "" && !text.endsWith("\n")) endLine();
      blank = false;
    };
    const visit = (node) => {
      if (node.nodeType === Node.TEXT_NODE) {
        for (const part of node.data.split(/(\s+)/)) {
          if (part.trim() === "") {
            blank ||= part !== "";
            continue;
          }
          if (blank && text !== "" && !text.endsWith("\n")) text += " ";
          blank = false;
          text += part;
        }
      } else if (node.nodeType === Node.ELEMENT_NODE && !DROPPED_TAGS.has(node.tagName)) {
        if (node.tagName === "BR") endLine();
        const isBlock = BLOCKS.has(node.tagName);
        if (isBlock) beginLine();
        node.childNodes.forEach(visit);
        if (isBlock) beginLine();
      }
    };
    visit(new DOMParser().parseFromString(html, "text/html").body);
    return text.trimEnd();
  }

  // Removes everything from HTML that could run or load something or disguise its content. The document in which the browser
  // parses it runs no script and loads nothing. Only listed tags and the targets of links are copied.
  function sanitize(html) {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    const clean = document.implementation.createHTMLDocument("");
    const copyChildren = (from, to) => {
      for (const child of from.childNodes) {
        if (child.nodeType === Node.TEXT_NODE) to.append(child.data);
        else if (child.nodeType === Node.ELEMENT_NODE && !DROPPED_TAGS.has(child.tagName)) {
          const isSafe = SAFE_TAGS.has(child.tagName);
          const copy = isSafe ? clean.createElement(child.tagName) : to;
          const link = child.getAttribute("href")?.trim() ?? "";
          if (child.tagName === "A" && SAFE_LINK.test(link)) {
            copy.setAttribute("href", link);
            copy.setAttribute("rel", "noopener noreferrer");
          }
          copyChildren(child, copy);
          if (isSafe) to.append(copy);
        }
      }
    };
    copyChildren(parsed.body, clean.body);
    return clean.body.innerHTML;
  }

  return { initialize };
}
