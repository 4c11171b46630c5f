// Tests of the built package in Node.js, without a server: `node --expose-gc --test package.test.mjs`, with the folder of the package
// in the variable PACKAGE. They cover the shapes of the objects, and what the collector frees.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const folder = process.env.PACKAGE;

// The memory of the module, which the package does not show.
let memory;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...values) => {
  const result = await instantiate(...values);
  memory = (result.instance ?? result).exports.memory;
  return result;
};

// The errors of listeners.
const reported = [];
globalThis.reportError = (error) => reported.push(error.message);
process.on("unhandledRejection", (error) => reported.push(`unhandled: ${error}`));

// Node.js takes a file of a package with `"type": "module"` for a module, so the classic script is evaluated.
(0, eval)(await readFile(join(folder, "skype-p2p.js"), "utf8"));
const api = await Skype.initialize({ apiKey: "any" });

const LENE = "sip:lenea@contoso.com";
const ALEX = "sip:alexd@contoso.com";

const newConversation = () => new api.application().conversationsManager.getConversation(LENE);

// Lets the collector run, and then the finalizers.
async function collect() {
  for (let round = 0; round < 5; round += 1) {
    gc();
    await sleep(10);
  }
}

test("initialize calls the callback with the same API as the promise, asynchronously", async () => {
  let given;
  const promise = Skype.initialize({}, (value) => { given = value; });
  assert.equal(given, undefined);
  await promise;
  assert.equal(typeof given.application, "function");
});

test("a property is read, and calls its listener at once and with each change", () => {
  const { topic } = newConversation();
  const seen = [];
  const { dispose } = topic.changed((value, reason, old) => seen.push([value, old]));
  topic("Lunch");
  dispose();
  topic("Dinner");
  assert.deepEqual(seen, [["", undefined], ["Lunch", ""]]);
  assert.equal(topic(), "Dinner");
});

test("a listener of an undefined value is not called at once", () => {
  const { uri, context } = newConversation();
  let calls = 0;
  for (const property of [uri, context, context.type]) {
    assert.equal(property(), undefined);
    property.changed(() => { calls += 1; });
  }
  assert.equal(calls, 0);
});

test("a property whose value a page cannot set throws", () => {
  const { state } = newConversation();
  assert.equal(state.set.enabled(), false);
  assert.throws(() => state("Connected"), { code: "CommandDisabled" });
});

test("when is called for each match and once for the first", () => {
  const { topic } = newConversation();
  let [when, once] = [0, 0];
  topic.when("Lunch", () => { when += 1; });
  topic.once((value) => value === "Lunch", () => { once += 1; });
  for (const value of ["Lunch", "Dinner", "Lunch"]) topic(value);
  assert.deepEqual([when, once], [2, 1]);
});

test("a mapped property follows its parent and repeats no value", () => {
  const { topic } = newConversation();
  const length = topic.map((value) => value.length);
  const seen = [];
  length.changed((value) => seen.push(value));
  for (const value of ["Lunch", "Pasta", "Tea"]) topic(value);
  assert.deepEqual(seen, [0, 5, 3]);
  assert.equal(length(), 3);
});

test("a listener may remove itself in its first call, and others", () => {
  const { topic } = newConversation();
  let calls = 0;
  const own = () => {
    calls += 1;
    topic.changed.off(own);
  };
  topic.changed(own);
  let callsOfSecond = 0;
  const second = topic.changed(() => { callsOfSecond += 1; });
  topic.changed(() => second.dispose());
  topic("Lunch");
  assert.deepEqual([calls, callsOfSecond], [1, 1]);
});

test("the error of a listener is reported, and the other listeners are called", () => {
  const { topic } = newConversation();
  reported.length = 0;
  topic.changed(() => { throw new Error("of a listener"); });
  let seen;
  topic.changed((value) => { seen = value; });
  topic("Lunch");
  assert.equal(seen, "Lunch");
  assert.deepEqual(reported, ["of a listener", "of a listener"]);
});

test("a listener that changes the property sees no change twice", () => {
  const { topic } = newConversation();
  const seen = [];
  topic.changed((value) => {
    if (value === "Lunch") topic("Dinner");
    seen.push(value);
  });
  topic("Lunch");
  assert.deepEqual(seen, ["", "Lunch", "Dinner"]);
});

test("the same object is the same wrapper", () => {
  const manager = new api.application().conversationsManager;
  const conversation = manager.getConversation(LENE);
  assert.equal(manager.getConversation("SIP:LeneA@contoso.com"), conversation);
  assert.equal(manager.conversations(0), conversation);
  assert.equal(manager.conversations(conversation.id()), conversation);
  assert.equal(conversation.participants(0), conversation.participants()[0]);
  assert.equal(conversation.participants(0).person, conversation.participants(0).person.person);
  assert.equal(manager.getConversation(conversation.participants(0).person), conversation);
  assert.equal(conversation.state, conversation.state);
});

test("a collection replays its items and reports additions, removals and changes", async () => {
  const manager = new api.application().conversationsManager;
  const first = manager.getConversation(LENE);
  const events = [];
  manager.conversations.added((item, key, index) => events.push(["added", item.participants(0).displayName(), index]));
  manager.conversations.removed((item, key, index) => events.push(["removed", item === first, index]));
  let changes = 0;
  manager.conversations.changed(() => { changes += 1; });
  manager.getConversation(ALEX);
  await manager.conversations.remove(first);
  assert.deepEqual(events, [["added", LENE, 0], ["added", ALEX, 1], ["removed", true, 0]]);
  assert.equal(changes, 3);
  assert.equal(manager.conversations.size(), 1);
});

test("a filter is live in what its predicate reads", () => {
  const manager = new api.application().conversationsManager;
  const [one, other] = [manager.getConversation(LENE), manager.getConversation(ALEX)];
  const lunches = manager.conversations.filter((conversation) => conversation.topic() === "Lunch");
  const events = [];
  lunches.added((item) => events.push(["added", item]));
  lunches.removed((item) => events.push(["removed", item]));
  other.topic("Lunch");
  one.topic("Lunch");
  other.topic("");
  assert.deepEqual(events, [["added", other], ["added", one], ["removed", other]]);
  assert.deepEqual(lunches(), [one]);
  assert.equal(lunches.size(), 1);
});

test("a sorted, a mapped and a reduced collection are live", () => {
  const manager = new api.application().conversationsManager;
  const [one, other] = [manager.getConversation(LENE), manager.getConversation(ALEX)];
  one.topic("b");
  other.topic("c");
  const sorted = manager.conversations.sort((left, right) => left.topic() <= right.topic());
  const topics = manager.conversations.reduce((text, conversation) => text + conversation.topic(), "");
  const seen = [];
  topics.changed((value) => seen.push(value));
  let moves = 0;
  sorted.added(() => { moves += 1; });
  assert.deepEqual(sorted(), [one, other]);
  other.topic("a");
  assert.deepEqual(sorted(), [other, one]);
  assert.equal(moves, 3);
  assert.deepEqual(seen, ["bc", "ba"]);
  assert.deepEqual(manager.conversations.map((conversation) => conversation.topic)(), [one.topic, other.topic]);
});

test("a command that is not enabled throws its reason", () => {
  const { chatService, audioService } = newConversation();
  assert.equal(chatService.accept.enabled(), false);
  assert.throws(() => chatService.accept(), (error) => error instanceof Error && error.code === "CommandDisabled" && error.reason.code !== undefined);
  assert.throws(() => audioService.start(), (error) => error.reason.code === "NotSupported");
  assert.match(audioService.start.enabled.reason.message, /not supported/);
});

test("the callbacks of a promise are asynchronous, and a dropped rejection is silent", async () => {
  reported.length = 0;
  const application = new api.application();
  application.signInManager.signIn({ auth: "passive" }).then(() => {});
  const { signInManager } = new api.application();
  const error = await signInManager.signIn({ redirect_uri: "x", username: "toshm@contoso.com" }).then(() => undefined, (reason) => reason);
  assert.match(error.message, /redirect_uri/);
  let isLater = false;
  const left = newConversation().leave().then(() => assert.ok(isLater));
  isLater = true;
  await left;
  await sleep(5);
  assert.deepEqual(reported, []);
});

test("an invalid address throws", () => {
  const manager = new api.application().conversationsManager;
  assert.throws(() => manager.getConversation("not an address"), { code: "InvalidArgument" });
});

test("an application that was dropped is collected with its conversations and listeners", async () => {
  let collected = 0;
  const registry = new FinalizationRegistry(() => { collected += 1; });
  for (let round = 0; round < 20; round += 1) {
    const conversation = newConversation();
    conversation.state.changed(() => conversation.topic());
    registry.register(conversation);
  }
  await collect();
  assert.ok(collected >= 19, `${collected} of 20`);
});

test("a listener lives as long as the model holds the conversation", async () => {
  const manager = new api.application().conversationsManager;
  let calls = 0;
  manager.getConversation(LENE).topic.map((topic) => topic).changed(() => { calls += 1; });
  await collect();
  manager.getConversation(LENE).topic("Lunch");
  assert.equal(calls, 2);
});

test("100,000 registrations and disposals leave the memory flat", async () => {
  const { state } = newConversation();
  const register = () => {
    for (let count = 0; count < 10_000; count += 1) state.changed(() => {}).dispose();
  };
  register();
  await collect();
  const before = memory.buffer.byteLength;
  for (let round = 0; round < 10; round += 1) {
    register();
    await collect();
  }
  assert.equal(memory.buffer.byteLength, before);
});

test("10,000 conversations that were begun and removed leave the memory flat", async () => {
  const { conversations, getConversation } = new api.application().conversationsManager;
  const begin = async (from) => {
    for (let number = from; number < from + 500; number += 1) {
      const conversation = getConversation(`sip:user${number}@contoso.com`);
      conversation.state.changed(() => conversation.id());
      conversation.participants.added((participant) => participant.displayName());
      await conversations.remove(conversation);
    }
    await collect();
  };
  for (const from of [0, 500, 1000, 1500]) await begin(from);
  const before = memory.buffer.byteLength;
  for (let from = 2000; from < 12_000; from += 500) await begin(from);
  assert.equal(memory.buffer.byteLength, before);
});
