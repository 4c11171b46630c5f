// The conversations of an application.

import { always, commandOf, makeCommand, unsupported } from "./command.js";
import { makeConversation } from "./conversation.js";
import { throwing } from "./errors.js";
import { collectionOf } from "./handle_collection.js";
import { addressOf, handleOf, keyOf, lazily, noop } from "./object.js";
import { fromHandle } from "./property.js";
import { task } from "./task.js";

export function makeConversationsManager(application, persons) {
  // The conversations that the model holds. A removed one is dropped after the listeners have been called.
  const held = new Map();
  const conversationOf = (raw) => {
    const key = raw.key();
    if (held.has(key)) raw.free();
    else held.set(key, makeConversation(application, persons, raw));
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
