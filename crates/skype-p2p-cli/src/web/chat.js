// The chat page: signing in and out, the user's presence, and the conversation that is shown.

import { showConversation } from "./conversation.js";
import { $, Scope, attempt, element, plain, words } from "./dom.js";
import { showContacts, showConversations, showSearch } from "./lists.js";

// Frames of one tab share the storage, and differ by their names.
const STORED = `chat ${window.name}`;

const STATUSES = ["Online", "Busy", "DoNotDisturb", "BeRightBack", "Away"];

let api;

function showSignIn(error = "") {
  document.body.className = "";
  $("chat").hidden = true;
  $("sign-in").hidden = false;
  $("sign-in-error").textContent = error;
  $("address").focus();
}

async function signIn(settings, options) {
  const application = new api.application(settings);
  await application.signInManager.signIn(options);
  showChat(application, options.username);
}

// An application signs in once, so each attempt has a new one.
$("sign-in-form").onsubmit = async (event) => {
  event.preventDefault();
  event.submitter.disabled = true;
  $("sign-in-error").textContent = "";
  try {
    await signIn({ convLogSettings: $("archive").checked }, { username: $("address").value.trim(), password: $("password").value });
    $("password").value = "";
  } catch (error) {
    showSignIn(`You are not signed in: ${plain(error.message)}`);
  }
  event.submitter.disabled = false;
};

// Continues the application of the page before a reload.
async function resume() {
  const stored = sessionStorage.getItem(STORED);
  sessionStorage.removeItem(STORED);
  if (stored === null) return showSignIn();
  try {
    const { username, snapshot } = JSON.parse(stored);
    await signIn({ snapshot }, { username });
  } catch (error) {
    showSignIn(`Sign in again: ${plain(error.message)}`);
  }
}

function showMe(me, scope) {
  const status = $("my-status");
  status.onchange = () => attempt(() => me.status.set(status.value));
  scope.add(me.status.subscribe());
  scope.add(me.note.text.subscribe());
  scope.add(me.status.changed((value) => {
    const options = new Set([...STATUSES, value]);
    status.replaceChildren(...[...options].map((option) => element("option", { value: option, textContent: words(option), disabled: !STATUSES.includes(option) })));
    status.value = value;
  }));
  scope.add(me.displayName.changed((name) => {
    $("my-name").textContent = plain(name);
    document.title = `${plain(name)} – Chat`;
  }));
  const note = $("my-note");
  note.onchange = () => attempt(() => me.note.text.set(note.value));
  scope.add(me.note.text.changed((text) => { note.value = text ?? ""; }));
}

// The arrow keys move between the entries of the lists.
$("sidebar").onkeydown = (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches(".choice")) return;
  event.preventDefault();
  const entries = [...document.querySelectorAll(".choice")].filter((entry) => entry.checkVisibility());
  entries[entries.indexOf(event.target) + step]?.focus();
};

function showChat(application, username) {
  const scope = new Scope();
  const { conversationsManager: conversations, personsAndGroupsManager: persons, signInManager } = application;
  let open;
  let shown = new Scope();
  const place = $("conversation");
  const empty = element("p.empty", {}, "Choose a conversation or a contact");

  const back = () => {
    document.body.classList.remove("reading");
    document.querySelector("[aria-current]")?.focus();
  };
  const show = (conversation) => {
    shown.dispose();
    open = conversation;
    mark(conversation);
    document.body.classList.add("reading");
    shown = showConversation(conversation, place, back);
    place.querySelector(conversation.chatService.state() === "Notified" ? ".accept" : "textarea").focus();
  };
  const start = (who) => attempt(() => show(conversations.getConversation(who)));

  $("sign-in").hidden = true;
  $("chat").hidden = false;
  place.replaceChildren(empty);

  showMe(persons.mePerson, scope);
  const mark = showConversations(conversations, scope, show);
  showContacts(persons, scope, start);
  showSearch(persons, scope, start);
  scope.add(conversations.conversations.removed((conversation) => {
    if (conversation !== open) return;
    shown.dispose();
    place.replaceChildren(empty);
  }));
  $("sign-out").onclick = () => attempt(signInManager.signOut);

  // A reload of the page continues the application.
  const store = async () => {
    if (signInManager.state() !== "SignedIn") return;
    const snapshot = await application.getSnapshot();
    sessionStorage.setItem(STORED, JSON.stringify({ username, snapshot }));
  };
  addEventListener("pagehide", store);
  scope.add({ dispose: () => removeEventListener("pagehide", store) });

  scope.add(signInManager.state.changed((state, reason) => {
    if (state !== "SignedOut") return;
    shown.dispose();
    scope.dispose();
    document.title = "Chat";
    showSignIn(reason ? `You were signed out: ${plain(reason.message)}` : "");
  }));
}

try {
  api = await Skype.initialize({});
  await resume();
} catch (error) {
  showSignIn(`The page cannot start: ${plain(error.message)}`);
}
