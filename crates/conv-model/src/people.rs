//! The people that a model knows: one object for each address.

use std::collections::BTreeMap;
use std::sync::Weak;

use crate::me::MePerson;
use crate::model::Model;
use crate::observable::store::{Node, Transaction};
use crate::person::{Person, PersonNode};
use crate::sync::Arc;

/// Who somebody still holds, by lower-case address, beside the person that is signed in.
pub(crate) type People = Node<BTreeMap<String, Weak<PersonNode>>, PeopleIdentity>;

pub(crate) struct PeopleIdentity {
    pub(crate) model: Arc<Model>,
    pub(crate) me: MePerson,
}

pub(crate) fn people(model: Arc<Model>) -> Arc<People> {
    let me = MePerson(Person::new(&model, "", None));
    let store = model.store.clone();
    store.node(PeopleIdentity { model, me }, BTreeMap::new())
}

/// Whether two addresses mean the same person.
pub(crate) fn same(one: &str, other: &str) -> bool {
    !one.is_empty() && one.eq_ignore_ascii_case(other)
}

/// The person with this address, if somebody holds them.
pub(crate) fn find(
    transaction: &mut Transaction<'_>,
    people: &People,
    address: &str,
) -> Option<Person> {
    let me = people.fixed.me.person();
    if same(me.address(transaction), address) {
        return Some(me);
    }
    let known = transaction
        .cells(people)
        .get(&address.to_ascii_lowercase())?;
    known.upgrade().map(|node| Person { node })
}

/// The person with this address, who learns the name.
pub(crate) fn find_or_make(
    transaction: &mut Transaction<'_>,
    people: &People,
    address: &str,
    display_name: Option<&str>,
) -> Person {
    if let Some(person) = find(transaction, people, address) {
        person.learn(transaction, None, display_name);
        return person;
    }
    let person = Person::new(&people.fixed.model, address, display_name);
    if !address.is_empty() {
        let known = transaction.cells(people);
        if known.len().is_power_of_two() {
            // Now and then the entries of those whom nobody holds any more go out.
            known.retain(|_, person| person.strong_count() > 0);
        }
        known.insert(address.to_ascii_lowercase(), Arc::downgrade(&person.node));
    }
    person
}
