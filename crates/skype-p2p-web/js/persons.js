// Persons and groups.

import { always, makeCommand } from "./command.js";
import { collectionOf, collectionOfList } from "./handle_collection.js";
import { addressOf, handleOf, keyOf, lazily, objectOf, WeakCache } from "./object.js";
import { photoOf } from "./photo.js";
import { fromHandle, makeConstant } from "./property.js";
import { task } from "./task.js";

// The persons and groups of an application.
export function makePersons(application) {
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
      avatarUrl: () => photoOf(handle, () => application.home()),
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

  return { personOf, groupOf, makeMe };
}
