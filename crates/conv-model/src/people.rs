//! The people of a model: one object for each address.

use std::collections::BTreeMap;
use std::sync::Weak;

use crate::ids::{ConversationId, ParticipantId};
use crate::model::Model;
use crate::observable::store::{Node, Transaction};
use crate::person::{Person, PersonNode};
use crate::sync::Arc;

/// The persons that have an address and at least one handle, by the address in lower case.
pub(crate) type People = Node<BTreeMap<String, Weak<PersonNode>>>;

/// Whether two addresses mean the same person.
pub(crate) fn is_same_address(one: &str, other: &str) -> bool {
    !one.is_empty() && one.eq_ignore_ascii_case(other)
}

/// The person with this address, if there is a handle on it.
pub(crate) fn find(
    transaction: &mut Transaction<'_>,
    model: &Model,
    address: &str,
) -> Option<Person> {
    let known = transaction
        .cells(&model.people)
        .get(&address.to_ascii_lowercase())?;
    known.upgrade().map(|node| Person { node })
}

/// The conversations with the person who has this address, in the order of their IDs, and the participants that the person is
/// there.
pub(crate) fn rosters(
    transaction: &mut Transaction<'_>,
    model: &Model,
    address: &str,
) -> Vec<(ConversationId, ParticipantId)> {
    let Some(person) = find(transaction, model, address) else {
        return Vec::new();
    };
    let rosters = transaction.cells(&person.node).rosters.clone();
    // This may be the last handle on the person by now.
    transaction.discard(person);
    rosters
}

/// The person with this address, with this name if it has none yet or the name is new. Without an address, a new person.
pub(crate) fn find_or_create(
    transaction: &mut Transaction<'_>,
    model: &Arc<Model>,
    address: &str,
    display_name: Option<&str>,
) -> Person {
    let person = find(transaction, model, address).unwrap_or_else(|| {
        let person = Person::new(model, address, false);
        insert(transaction, model, address, &person);
        person
    });
    person.set_name(transaction, display_name);
    person
}

/// Gives a person its address, as soon as it is known. If another object has the address already, one of the two becomes an
/// alias of the other.
pub(crate) fn identify(transaction: &mut Transaction<'_>, person: &Person, address: &str) {
    let person = person.canonical();
    if address.is_empty() || !person.address(transaction).is_empty() {
        return;
    }
    let model = &person.node.fixed.model;
    let other = find(transaction, model, address);
    person.set_address(transaction, address);
    match other {
        None => {
            insert(transaction, model, address, person);
            person.request_interests(transaction);
        }
        // The handles on the user are as old as the model, so the user's object stays the principal one.
        Some(other) if person.node.fixed.is_me => {
            insert(transaction, model, address, person);
            other.merge_into(transaction, person);
            transaction.discard(other);
        }
        Some(other) => {
            person.merge_into(transaction, &other);
            transaction.discard(other);
        }
    }
}

fn insert(transaction: &mut Transaction<'_>, model: &Model, address: &str, person: &Person) {
    if !address.is_empty() {
        transaction
            .cells(&model.people)
            .insert(address.to_ascii_lowercase(), Arc::downgrade(&person.node));
    }
}

/// Every person with an address and a handle. Discard them in the transaction: each may be the last handle by then.
pub(crate) fn all(transaction: &mut Transaction<'_>, model: &Model) -> Vec<Person> {
    let people = transaction.cells(&model.people).values();
    let persons = people.filter_map(|node| node.upgrade().map(|node| Person { node }));
    persons.collect()
}

/// Removes the entry of a person that has no handle any more.
pub(crate) fn evict(transaction: &mut Transaction<'_>, model: &Model, address: &str) {
    let people = transaction.cells(&model.people);
    let address = address.to_ascii_lowercase();
    // The address may have a new object by now.
    if people
        .get(&address)
        .is_some_and(|person| person.strong_count() == 0)
    {
        people.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::application::Application;
    use crate::backend::MockBackend;
    use crate::fact::{ConversationFact, Fact};
    use crate::fact_parts::{Discovered, ParticipantFact, ParticipantUpdate};

    fn known(model: &Model) -> Vec<String> {
        model.people.read(|people| people.keys().cloned().collect())
    }

    /// Compares the conversations in the records of the persons with the participants of all conversations.
    fn assert_records_match(application: &Application, addresses: &[&str]) {
        let conversations = application.conversations_manager().conversations();
        let model = &conversations.get(0).unwrap().node.fixed.model.clone();
        let mut expected = BTreeMap::<String, Vec<_>>::new();
        for conversation in conversations.snapshot() {
            for participant in conversation.participants().snapshot() {
                let address = participant.person().id().get().to_ascii_lowercase();
                let entry = (conversation.id(), participant.id());
                expected.entry(address).or_default().push(entry);
            }
        }
        for address in addresses {
            let mut expected = expected.remove(*address).unwrap_or_default();
            expected.sort_unstable();
            let found = model
                .store
                .transact(|transaction| rosters(transaction, model, address));
            assert_eq!(found, expected, "{address}");
        }
    }

    #[test]
    fn a_person_lists_the_conversations_of_which_it_is_a_participant() {
        let (lene, tim, sara) = (
            "sip:lene@contoso.com",
            "sip:tim@contoso.com",
            "sip:sara@contoso.com",
        );
        let mut backend = MockBackend::new();
        backend.expect_now().returning(|| SystemTime::UNIX_EPOCH);
        backend
            .expect_normalize_address()
            .returning(|address| Ok(address.to_owned()));
        backend.expect_request().returning(|_, _| ());
        let (application, writer) = Application::new(Arc::new(backend));
        let manager = application.conversations_manager();
        let check = || assert_records_match(&application, &[lene, tim, sara]);
        let chat = manager.get_conversation(lene).unwrap();
        check();
        let group = ConversationId::Remote(1);
        let known = [(1, lene), (2, ""), (3, tim)]
            .map(|(id, address)| ParticipantFact::new(ParticipantId::Remote(id), address));
        writer.commit([Fact::Discovered(Discovered::new(group, known.to_vec()))]);
        check();
        // The address of the second participant becomes known: it is that of a person whom the model knows.
        let _sara = manager.get_conversation(sara).unwrap();
        let update = ParticipantUpdate {
            address: Some(sara.to_owned()),
            ..ParticipantUpdate::default()
        };
        let update = ConversationFact::participant_updated(ParticipantId::Remote(2), update);
        writer.commit([Fact::of(group, update)]);
        check();
        assert_eq!(
            manager
                .get_conversation(sara)
                .unwrap()
                .participants()
                .size()
                .get(),
            1
        );
        let participants = chat.participants();
        drop(participants.remove(participants.get(0).unwrap()));
        check();
        drop(manager.remove(&chat));
        check();
    }

    #[test]
    fn a_person_without_a_handle_is_evicted() {
        let model = Model::new(Arc::new(MockBackend::new()));
        let create = |address: &str| {
            model
                .store
                .transact(|transaction| find_or_create(transaction, &model, address, None))
        };
        let lene = create("sip:Lene@contoso.com");
        drop(create("sip:tosh@contoso.com"));
        assert_eq!(known(&model), ["sip:lene@contoso.com"]);
        assert!(create("sip:lene@contoso.com") == lene);
        drop(lene);
        assert!(known(&model).is_empty());
    }
}
