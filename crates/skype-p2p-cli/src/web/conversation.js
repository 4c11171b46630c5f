// The view of one conversation.

import { Scope, attempt, button, each, element, nameElement, plain, presenceMark } from "./dom.js";
import { followTitle } from "./lists.js";

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

const MARKS = { Pending: ["…", "sending"], Succeeded: ["✓", "delivered"], Failed: ["!", "not delivered"], Unknown: ["?", "may not be delivered"] };

// `html` is safe. The page shows where a link leads.
function bodyOf(message) {
  const body = element("div.body", { dir: "auto", innerHTML: message.html() });
  for (const link of body.querySelectorAll("a[href]")) {
    link.target = "_blank";
    if (/^https?:$/.test(link.protocol) && !plain(link.textContent).includes(link.host)) link.after(element("small", {}, ` (${link.host})`));
  }
  return body;
}

function messageElement(message, scope) {
  const isOutgoing = message.direction() === "Outgoing";
  const mark = element("span.mark", { role: "img", hidden: !isOutgoing });
  const at = element("time");
  scope.add(message.timestamp.changed((date) => {
    at.dateTime = date.toISOString();
    at.textContent = time.format(date);
  }));
  const item = element(isOutgoing ? "article.message.outgoing" : "article.message");
  if (isOutgoing) {
    scope.add(message.status.changed((status, reason) => {
      const [sign, label] = MARKS[status];
      item.dataset.status = status;
      const text = reason ? `${label}: ${plain(reason.message)}` : label;
      mark.textContent = status === "Failed" ? `${sign} ${text}` : sign;
      mark.title = text;
    }));
  }
  const sender = isOutgoing ? "You" : nameElement(message.sender.displayName, scope);
  item.append(element("header", {}, sender, " ", at, " ", mark), bodyOf(message));
  return item;
}

function activityElement(item, scope) {
  if (item.type() === "TextMessage") return messageElement(item, scope);
  return element("p.event", {}, nameElement(item.participant.displayName, scope), item.type() === "ParticipantJoined" ? " has joined" : " has left");
}

// The messages and events in their order. The view stays at the end if it was there.
function makeLog(conversation, scope) {
  const log = element("div.log", { role: "log", "aria-label": "Messages", tabIndex: 0 });
  const items = conversation.historyService.activityItems;
  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  scope.add(items.added((item, key, index) => {
    const follow = isAtEnd() || (item.type() === "TextMessage" && item.direction() === "Outgoing");
    log.insertBefore(activityElement(item, scope), log.children[index] ?? null);
    if (follow) log.scrollTop = log.scrollHeight;
  }));
  scope.add(items.removed((item, key, index) => log.children[index]?.remove()));
  return log;
}

function makeTyping(conversation, scope) {
  const line = element("p.typing", { role: "status" });
  const typing = conversation.participants.filter((participant) => participant.chat.isTyping());
  scope.add(typing.map((participant) => plain(participant.displayName())).reduce((names, name) => [...names, name], []).changed((names) => {
    line.textContent = names.length === 0 ? "" : `${names.join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
  }));
  return line;
}

// The invitation, while it waits for an answer.
function makeInvitation(chat, scope) {
  const bar = element("div.invitation.bar", { role: "group", "aria-label": "Invitation" },
    element("span", {}, "Invites you to chat."),
    button("Accept", chat.accept.bind(), { className: "primary accept" }),
    button("Decline", chat.reject.bind(), { className: "reject" }));
  scope.add(chat.state.changed((state) => {
    const hasFocus = bar.contains(document.activeElement);
    bar.hidden = state !== "Notified";
    if (hasFocus && bar.hidden) document.querySelector("textarea").focus();
  }));
  return bar;
}

function makeComposer(chat) {
  const text = element("textarea", { rows: 2, placeholder: "Write a message", dir: "auto" });
  const form = element("form.composer", {}, text, element("button.primary", {}, "Send"));
  form.onsubmit = (event) => {
    event.preventDefault();
    const message = text.value;
    text.value = "";
    // If the message is not delivered, its mark says why.
    if (message.trim() !== "") attempt(() => { chat.sendMessage(message); });
  };
  text.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  };
  text.oninput = () => {
    if (text.value !== "" && chat.sendIsTyping.enabled()) chat.sendIsTyping();
  };
  return form;
}

function photoElement(person, scope) {
  const photo = element("img", { alt: "", hidden: true });
  scope.add(person.avatarUrl.subscribe());
  scope.add(person.avatarUrl.changed((url) => {
    photo.src = url ?? "";
    photo.hidden = !url;
  }));
  return photo;
}

// The participants, and the form that adds one.
function makeParticipants(conversation, scope) {
  const list = element("ul.participants", { "aria-label": "Participants" });
  each(conversation.participants, scope, (participant, own) => {
    own.show(element("li", {}, photoElement(participant.person, own), presenceMark(participant.person, own), nameElement(participant.displayName, own)), list);
  });

  const address = element("input", { placeholder: "name@contoso.com", "aria-label": "Address of the person to add", required: true });
  const form = element("form.bar.add", { hidden: true }, address, element("button", {}, "Add"));
  form.onsubmit = async (event) => {
    event.preventDefault();
    form.hidden = await attempt(() => conversation.participants.add(address.value.trim()));
    if (form.hidden) address.value = "";
  };
  const add = button("Add a person", () => {
    form.hidden = !form.hidden;
    if (!form.hidden) address.focus();
  }, { className: "add-person" });
  scope.add(conversation.participants.add.enabled.changed((isEnabled) => { add.disabled = !isEnabled; }));
  return { list, form, add };
}

// Shows a conversation in an element. Returns the scope of what is shown.
export function showConversation(conversation, place, back) {
  const scope = new Scope();
  const chat = conversation.chatService;
  const title = element("bdi");
  followTitle(conversation, scope, (text) => { title.textContent = text; });
  const { list, form, add } = makeParticipants(conversation, scope);
  const earlier = button("Earlier messages", conversation.historyService.getMoreActivityItems.bind(), { className: "earlier" });
  const leave = button("Leave", conversation.leave.bind(), { className: "leave" });
  scope.add(conversation.state.changed((state) => { leave.hidden = state !== "Connected" && state !== "Connecting"; }));

  place.onkeydown = ({ key, isComposing }) => {
    if (key !== "Escape" || isComposing) return;
    if (form.hidden) return back();
    form.hidden = true;
    add.focus();
  };
  place.replaceChildren(
    element("header.title", {},
      button("‹", back, { className: "back", "aria-label": "Back to the lists" }),
      element("h2", {}, title), add, earlier, leave, list),
    form,
    makeInvitation(chat, scope),
    makeLog(conversation, scope),
    makeTyping(conversation, scope),
    makeComposer(chat),
  );
  return scope;
}
