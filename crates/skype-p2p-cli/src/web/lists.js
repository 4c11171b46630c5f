// The sidebar: conversations, contacts, groups, and search results.

import { $, Scope, attempt, button, each, element, nameElement, notify, plain, presenceMark } from "./dom.js";

// The title of a conversation: the topic of a group, or the names of the participants.
function titleOf(conversation) {
  const names = conversation.participants().map((participant) => participant.displayName());
  const topic = conversation.topic();
  return plain((conversation.isGroupConversation() && topic) || names.join(", ") || topic || "Conversation");
}

// Calls `show` with the title, now and whenever it may have changed.
export function followTitle(conversation, scope, show) {
  const update = () => show(titleOf(conversation));
  scope.add(conversation.topic.changed(update));
  scope.add(conversation.isGroupConversation.changed(update));
  each(conversation.participants, scope, (participant, own) => own.add(participant.displayName.changed(update)));
  scope.add(conversation.participants.removed(update));
}

const smallButton = (text, label, onclick) => button(text, onclick, { className: "quiet", "aria-label": label, title: label });

// Shows the conversations; `open` is called with the one that the user chooses. Returns a function that marks the open one.
export function showConversations(manager, scope, open) {
  const { conversations } = manager;
  const list = $("conversations");
  const shown = new Map();
  let current;

  each(conversations, scope, (conversation, own) => {
    const title = element("bdi");
    const last = element("span.last", { dir: "auto" });
    const unread = element("span.unread", { role: "img", hidden: true });
    const mark = element("span");
    const choice = element("button.choice", { onclick: () => open(conversation) }, mark, title, unread, last);
    const remove = smallButton("×", "Remove the conversation", conversations.remove.bind(conversation));
    const item = element("li", {}, choice, remove);
    const setCount = (count) => {
      unread.hidden = !count;
      unread.textContent = count;
      unread.title = `${count} unread`;
    };
    shown.set(conversation, { choice, setCount });
    own.show(item, list);
    list.prepend(item);

    // A conversation of two has the presence of the other person.
    const marks = new Scope();
    own.add(marks);
    own.add(conversation.isGroupConversation.changed((isGroup) => {
      marks.dispose();
      if (isGroup) mark.replaceChildren(element("span.group", { role: "img", title: "Group" }));
      else each(conversation.participants, marks, (participant, scope) => mark.replaceChildren(presenceMark(participant.person, scope)));
    }));
    followTitle(conversation, own, (text) => { title.textContent = text; });
    let isReplay = true;
    own.add(conversation.chatService.messages.added((message) => {
      last.textContent = message.text();
      if (isReplay) return;
      list.prepend(item);
      if (message.direction() === "Incoming" && conversation !== current) setCount(Number(unread.textContent) + 1);
    }));
    isReplay = false;
    own.add(conversation.chatService.state.changed((state) => {
      choice.classList.toggle("invited", state === "Notified");
      if (state !== "Notified") return;
      last.textContent = "wants to chat";
      notify(`${titleOf(conversation)} wants to chat`);
    }));
  });

  $("more-conversations").onclick = () => attempt(manager.getMoreConversations);
  scope.add(manager.isHistoryEnabled.changed((isEnabled) => document.body.classList.toggle("archive", isEnabled)));

  return (conversation) => {
    shown.get(current)?.choice.removeAttribute("aria-current");
    current = conversation;
    const { choice, setCount } = shown.get(current);
    choice.setAttribute("aria-current", "true");
    setCount(0);
  };
}

// Shows a person: a button that opens the conversation, and a button for another command.
function showPerson(person, list, scope, open, command) {
  const note = element("span.last", { dir: "auto" });
  scope.add(person.note.text.subscribe());
  scope.add(person.note.text.changed((text) => { note.textContent = plain(text); }));
  const choice = element("button.choice", { onclick: () => open(person) }, presenceMark(person, scope), nameElement(person.displayName, scope), note);
  scope.show(element("li", {}, choice, command), list);
}

function showPersons(persons, list, scope, open, removal) {
  scope.add(persons.subscribe());
  each(persons, scope, (person, own) => {
    const remove = smallButton("×", removal, persons.remove.bind(person));
    own.add(persons.remove.enabled.changed((isEnabled) => { remove.hidden = !isEnabled; }));
    showPerson(person, list, own, open, remove);
  });
}

// Shows the contacts, and the groups of the contact list.
export function showContacts(manager, scope, open) {
  const { all } = manager;
  showPersons(all.persons, $("contacts"), scope, open, "Remove from the contacts");
  scope.add(all.groups.subscribe());
  each(all.groups, scope, (group, own) => {
    const list = element("ul");
    const remove = smallButton("×", "Remove the group", all.groups.remove.bind(group));
    remove.hidden = group.type() !== "Custom";
    const part = element("details", {}, element("summary", {}, nameElement(group.name, own), remove), list);
    // The groups of the privacy levels have no name.
    part.hidden = true;
    own.add(group.name.changed((name) => { part.hidden = !name; }));
    showPersons(group.persons, list, own, open, "Remove from the group");
    own.show(part, $("groups"));
  });

  $("new-group").onsubmit = async (event) => {
    event.preventDefault();
    const name = $("group-name");
    if (await attempt(() => all.groups.add(manager.createGroup(name.value.trim())))) name.value = "";
  };
}

// Finds people by the text of the search field.
export function showSearch(manager, scope, open) {
  const results = $("results");
  const found = new Scope();
  scope.add(found);
  const choose = (who) => {
    found.dispose();
    $("search-text").value = "";
    open(who);
  };
  $("search-text").oninput = () => found.dispose();
  $("search").onsubmit = (event) => {
    event.preventDefault();
    const text = $("search-text").value.trim();
    const query = manager.createPersonSearchQuery();
    query.text(text);
    attempt(async () => {
      const persons = await query.getMore();
      found.dispose();
      for (const { result } of persons) {
        showPerson(result, results, found, choose, smallButton("+", "Add to the contacts", async () => {
          await manager.all.persons.add(result);
          notify("Added to the contacts");
        }));
      }
      if (persons.length === 0 && text.includes("@")) {
        found.show(element("li", {}, button(`Chat with ${text}`, () => choose(text), { className: "choice" })), results);
      }
      notify(`${persons.length} found`);
    });
  };
}
