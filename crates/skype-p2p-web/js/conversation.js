// A conversation with its participants and messages.

import { always, commandOf, makeCommand } from "./command.js";
import { environment } from "./environment.js";
import { throwing } from "./errors.js";
import { collectionOf } from "./handle_collection.js";
import { escape, sanitize, textOf } from "./html.js";
import { makeMediaService } from "./media.js";
import { addressOf, handleOf, keyOf, lazily, objectOf } from "./object.js";
import { fromHandle, makeConstant } from "./property.js";
import { task } from "./task.js";

// The messages and participants of a conversation have no other owner, so the conversation holds them.
export function makeConversation(application, { personOf }, handle) {
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
    if (raw instanceof environment.handles.Message) return messageOf(raw);
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
        return task(raw instanceof environment.handles.Participant ? handle.addParticipant(raw) : handle.addAddress(addressOf(who)));
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
