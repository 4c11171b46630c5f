// The contact list and the search for persons.

import { makeCollection } from "./collection.js";
import { always, makeCommand, unsupported } from "./command.js";
import { keyOf, lazily, noop } from "./object.js";
import { makeLocal } from "./property.js";
import { task } from "./task.js";

const SEARCH_LIMIT = 50;

export function makePersonsAndGroupsManager(application, persons) {
  const manager = lazily({}, {
    mePerson: persons.makeMe,
    all: () => persons.groupOf(application.allContacts()),
    createGroupSearchQuery: () => unsupported("groups cannot be searched"),
  });
  manager.createGroup = (name = "") => persons.groupOf(application.createGroup(name));
  manager.createPersonSearchQuery = () => {
    const text = makeLocal("");
    const limit = makeLocal(SEARCH_LIMIT);
    const found = makeLocal([]);
    const moreResultsAvailable = makeLocal(false);
    let asked = 0;
    const results = collectionOfFound(found);
    const getMore = makeCommand(always, () => {
      asked = Math.min(asked + Number(limit()), 0xffffffff);
      return task(application.searchPersons(String(text()), asked), (page) => {
        found.set(page.persons.map(persons.personOf));
        moreResultsAvailable.set(page.moreAvailable);
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
