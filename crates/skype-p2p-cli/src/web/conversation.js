// The view of one conversation.

import { Scope, attempt, button, each, element, nameElement, plain, presenceMark } from "./dom.js";
import { followTitle } from "./lists.js";

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

const MARKS = { Pending: ["…", "sending"], Succeeded: ["✓", "delivered"], Failed: ["!", "not delivered"], Unknown: ["?", "not known whether it was delivered"] };

// `html` has nothing that runs or loads something. The page shows where a link leads.
function bodyOf(message) {
  const body = element("div", { className: "body", dir: "auto", innerHTML: message.html() });
  for (const link of body.querySelectorAll("a[href]")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.title = link.href;
    if (/^https?:$/.test(link.protocol) && !plain(link.textContent).includes(link.host)) link.after(element("small", { textContent: ` (${link.host})` }));
  }
  return body;
}

function messageElement(message, scope) {
  const isOutgoing = message.direction() === "Outgoing";
  const mark = element("span", { className: "mark", role: "img" });
  const at = element("time");
  scope.add(message.timestamp.changed((date) => {
    at.dateTime = date.toISOString();
    at.textContent = time.format(date);
  }));
  const item = element("article", { className: isOutgoing ? "message outgoing" : "message" });
  if (isOutgoing) {
    scope.add(message.status.changed((status, reason) => {
      const [sign, label] = MARKS[status];
      item.dataset.status = status;
      const text = reason ? `${label}: ${plain(reason.message)}` : label;
      mark.textContent = status === "Failed" ? `${sign} ${text}` : sign;
      mark.title = text;
      mark.setAttribute("aria-label", text);
    }));
  }
  const sender = isOutgoing ? "You" : nameElement(message.sender.displayName, scope);
  item.append(element("header", {}, sender, " ", at, " ", mark), bodyOf(message));
  return item;
}

function activityElement(item, scope) {
  if (item.type() === "TextMessage") return messageElement(item, scope);
  const event = item.type() === "ParticipantJoined" ? "has joined" : "has left";
  return element("p", { className: "event" }, nameElement(item.participant.displayName, scope), ` ${event}`);
}

// The messages and events in their order. The view stays at the end if it was there.
function makeLog(conversation, scope) {
  const log = element("div", { className: "log", role: "log", "aria-label": "Messages", tabIndex: 0 });
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

// Who is typing.
function makeTyping(conversation, scope) {
  const line = element("p", { className: "typing", role: "status" });
  const { participants } = conversation;
  const show = () => {
    const names = participants().filter((participant) => participant.chat.isTyping()).map((participant) => plain(participant.displayName()));
    line.textContent = names.length === 0 ? "" : `${names.join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
  };
  each(participants, scope, (participant, own) => own.add(participant.chat.isTyping.changed(show)));
  scope.add(participants.removed(show));
  return line;
}

// The invitation, while it waits for an answer.
function makeInvitation(chat, scope) {
  const accept = button("Accept", chat.accept.bind(), { className: "primary accept" });
  const reject = button("Decline", chat.reject.bind(), { className: "reject" });
  const bar = element("div", { className: "invitation bar", role: "group", "aria-label": "Invitation" }, element("span", { textContent: "Invites you to chat." }), accept, reject);
  scope.add(chat.state.changed((state) => { bar.hidden = state !== "Notified"; }));
  return bar;
}

function makeComposer(chat) {
  const text = element("textarea", { rows: 2, placeholder: "Write a message", "aria-label": "Message", dir: "auto" });
  const form = element("form", { className: "composer" }, text, element("button", { className: "primary", textContent: "Send" }));
  form.onsubmit = (event) => {
    event.preventDefault();
    const message = text.value;
    if (message.trim() === "") return;
    text.value = "";
    // If the message is not delivered, its mark says why.
    attempt(() => { chat.sendMessage(message); });
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

// The participants, and the form that adds one.
function makeParticipants(conversation, scope) {
  const list = element("ul", { className: "participants", "aria-label": "Participants" });
  each(conversation.participants, scope, (participant, own) => {
    const item = element("li", {}, presenceMark(participant.person, own), nameElement(participant.displayName, own));
    own.show(item);
    list.append(item);
  });

  const address = element("input", { placeholder: "name@contoso.com", "aria-label": "Address of the person to add", required: true });
  const form = element("form", { className: "bar add", hidden: true }, address, element("button", { textContent: "Add" }));
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

  place.replaceChildren(
    element("header", { className: "title" },
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
