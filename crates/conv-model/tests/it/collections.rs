//! Collections and derived collections. The items are conversations and their participants.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex};

use conv_model::{
    Change, Changes, Closed, Collection, CollectionChange, Conversation, ConversationFact,
    ConversationState, Participant, ParticipantState,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{TestModel, now};

fn name(conversation: &Conversation) -> String {
    conversation
        .participants()
        .get(0)
        .unwrap()
        .person()
        .id()
        .get()
}

impl TestModel {
    fn conversations(&self) -> Collection<Conversation> {
        self.application.conversations_manager().conversations()
    }

    fn open(&self, name: &str) -> Conversation {
        self.application
            .conversations_manager()
            .get_conversation(name)
            .unwrap()
    }

    fn remove(&self, conversation: &Conversation) {
        now(self
            .application
            .conversations_manager()
            .remove(conversation))
        .unwrap();
    }
}

/// A copy of a collection that follows its batches.
struct Copy<T> {
    items: Vec<T>,
    batches: Changes<Vec<CollectionChange<T>>>,
}

impl<T: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static> Copy<T> {
    fn of(collection: &Collection<T>) -> Self {
        let (items, batches) = collection.observe();
        Self { items, batches }
    }

    /// Applies the batches. Returns their number.
    fn update(&mut self) -> usize {
        let mut count = 0;
        while let Some(batch) = self.batches.try_recv() {
            count += 1;
            for change in batch {
                match change {
                    CollectionChange::Added { item, index, .. } => self.items.insert(index, item),
                    CollectionChange::Removed { item, index, .. } => {
                        assert_eq!(self.items.remove(index), item)
                    }
                    _ => unreachable!(),
                }
            }
        }
        count
    }
}

#[test]
fn added_replays_and_removed_does_not() {
    let model = TestModel::new();
    model.open("a");
    let b = model.open("b");
    let log = Arc::new(Mutex::new(Vec::new()));
    let conversations = model.conversations();
    let (added, removed, changed) = (Arc::clone(&log), Arc::clone(&log), Arc::clone(&log));
    let _added = conversations.added(move |item, _, index| {
        added
            .lock()
            .unwrap()
            .push(format!("+{} {index}", name(item)))
    });
    let _removed = conversations.removed(move |item, _, index| {
        removed
            .lock()
            .unwrap()
            .push(format!("-{} {index}", name(item)))
    });
    let _changed = conversations.changed(move || changed.lock().unwrap().push("changed".into()));
    let take = || std::mem::take(&mut *log.lock().unwrap());
    assert_eq!(take(), ["+a 0", "+b 1", "changed"]);
    model.open("c");
    assert_eq!(take(), ["+c 2", "changed"]);
    model.remove(&b);
    assert_eq!(take(), ["-b 1", "changed"]);
    let empty = Arc::clone(&log);
    let _empty = model
        .open("d")
        .chat_service()
        .messages()
        .changed(move || empty.lock().unwrap().push("empty".into()));
    assert_eq!(
        take(),
        ["+d 2", "changed"],
        "no call for an empty collection"
    );
}

#[test]
fn keys_are_stable_and_indices_move() {
    let model = TestModel::new();
    let keys = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&keys);
    let conversations = model.conversations();
    let _added = conversations.added(move |_, key, _| log.lock().unwrap().push(key));
    let (a, b, c) = (model.open("a"), model.open("b"), model.open("c"));
    let keys = keys.lock().unwrap().clone();
    model.remove(&a);
    assert_eq!(conversations.get(0), Some(b));
    assert_eq!(conversations.by_key(keys[0]), None);
    assert_eq!(conversations.by_key(keys[2]), Some(c.clone()));
    assert_eq!(conversations.get(2), None);
    model.remove(&c);
    let size = conversations.size();
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&sizes);
    let _size = size
        .changed(move |change: &Change<usize>| log.lock().unwrap().push((change.old, change.new)));
    model.open("d");
    assert!(
        !keys.contains(&conversations.map(|_| ()).observe_keys()[1]),
        "a key is never used again"
    );
    assert_eq!(*sizes.lock().unwrap(), [(None, 1), (Some(1), 2)]);
}

trait Keys {
    fn observe_keys(&self) -> Vec<conv_model::Key>;
}

impl<T: Clone + Send + Sync + 'static> Keys for Collection<T> {
    fn observe_keys(&self) -> Vec<conv_model::Key> {
        let keys = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&keys);
        drop(self.added(move |_, key, _| log.lock().unwrap().push(key)));
        let keys = keys.lock().unwrap();
        keys.clone()
    }
}

#[test]
fn one_batch_for_each_commit() {
    let model = TestModel::new();
    let conversation = model.open("a");
    let mut copy = Copy::of(&conversation.chat_service().messages());
    let message = |id| {
        ConversationFact::message_received(
            conv_model::MessageId::Remote(id),
            conv_model::SenderFact::new("b"),
            "text",
            crate::support::at(id),
        )
    };
    model.commit_to(conversation.id(), [message(1), message(2), message(3)]);
    assert_eq!(copy.update(), 1);
    model.commit_to(conversation.id(), [message(4)]);
    model.commit_to(
        conversation.id(),
        [ConversationFact::Subject("no message".into())],
    );
    assert_eq!(copy.update(), 1);
    assert_eq!(
        copy.items,
        conversation.chat_service().messages().snapshot()
    );
}

#[test]
fn a_reduction_follows_the_items_and_the_properties_that_it_reads() {
    let model = TestModel::new();
    let (a, b) = (model.open("a"), model.open("b"));
    let reads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&reads);
    // Whether any conversation is connecting. The items after the first connecting one are not read.
    let any = model.conversations().reduce(false, move |any, item, read| {
        any || {
            log.lock().unwrap().push(name(item));
            read.read(&item.state()) == ConversationState::Connecting
        }
    });
    let take = || std::mem::take(&mut *reads.lock().unwrap());
    let values = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&values);
    let registration =
        any.changed(move |change| log.lock().unwrap().push((change.old, change.new)));
    assert_eq!(take(), ["a", "b"]);
    drop(a.chat_service().start(Default::default()));
    assert_eq!(
        take(),
        ["a"],
        "a change of a property that was read recomputes the reduction"
    );
    assert!(any.get());
    take();
    drop(b.chat_service().start(Default::default()));
    assert!(take().is_empty(), "b was skipped, so it is not observed");
    model.commit_to(a.id(), [ConversationFact::Connected]);
    assert_eq!(take(), ["a", "b"]);
    model.commit_to(b.id(), [ConversationFact::Connected]);
    assert_eq!(
        *values.lock().unwrap(),
        [(None, false), (Some(false), true), (Some(true), false)]
    );
    take();
    let c = model.open("c");
    assert_eq!(
        take(),
        ["a", "b", "c"],
        "a new item recomputes the reduction"
    );
    drop(registration);
    drop(c.chat_service().start(Default::default()));
    assert!(
        take().is_empty(),
        "nothing is observed without a registration"
    );
    assert!(any.get());
}

/// The result of a wait on a property of a conversation after the model and the conversation were dropped.
fn wait_without_model(
    property: impl FnOnce(&Conversation) -> conv_model::Property<usize>,
) -> Result<usize, Closed> {
    let model = TestModel::new();
    let conversation = model.open("a");
    let wait = property(&conversation).wait_for(77);
    drop((conversation, model));
    now(Box::pin(wait))
}

#[test]
fn an_observed_reduction_does_not_keep_the_model_alive() {
    let size = |conversation: &Conversation| conversation.participants().size();
    assert_eq!(wait_without_model(size), Err(Closed));
    let plain = |conversation: &Conversation| {
        conversation
            .participants()
            .reduce(0, |count, _, _| count + 1)
    };
    assert_eq!(wait_without_model(plain), Err(Closed));
    let derived = |conversation: &Conversation| {
        let sorted = conversation
            .participants()
            .sort_by_key(|_, _| ())
            .filter(|_, _| true);
        let states = sorted.map(Participant::state);
        states.reduce(0, |count, state, read| {
            count + usize::from(read.read(state) == ParticipantState::Connected)
        })
    };
    assert_eq!(wait_without_model(derived), Err(Closed));
}

#[test]
fn an_item_is_found_by_its_key_also_after_an_insertion_before_others() {
    let model = TestModel::new();
    let conversation = model.open("a");
    drop(conversation.chat_service().send_message("now"));
    let archived = |id| {
        let sender = conv_model::SenderFact::new("a");
        let (id, time) = (conv_model::MessageId::Remote(id), crate::support::at(id));
        conv_model::ArchivedMessage::incoming(id, sender, "then".into(), time)
    };
    let page = |ids: [u64; 2]| ConversationFact::Archived(ids.map(archived).into());
    model.commit_to(conversation.id(), [page([3, 4]), page([1, 2])]);
    let messages = conversation.chat_service().messages();
    let keys = messages.observe_keys();
    assert!(!keys.is_sorted(), "the later page comes first: {keys:?}");
    let found: Vec<_> = keys
        .iter()
        .filter_map(|key| messages.by_key(*key))
        .collect();
    assert_eq!(found, messages.snapshot());
    assert_eq!(found.len(), 5);
}

#[test]
fn an_item_of_a_derived_collection_is_found_by_its_index_and_by_the_key_in_the_parent() {
    let model = TestModel::new();
    let [ccc, a, bb] = ["ccc", "a", "bb"].map(|name| model.open(name));
    let conversations = model.conversations();
    let keys = conversations.observe_keys();
    let names = conversations.map(name);
    let sorted = conversations.sort_by_key(|item, _| name(item));
    let short = conversations.filter(|item, _| name(item).len() < 3);
    let by_key = |found: &Collection<Conversation>| {
        let found = keys.iter().map(|key| found.by_key(*key));
        found.collect::<Vec<_>>()
    };
    let all = [Some(ccc.clone()), Some(a.clone()), Some(bb.clone())];
    assert_eq!(by_key(&sorted), all);
    assert_eq!(
        [0, 1, 2, 3].map(|index| sorted.get(index)),
        [Some(a.clone()), Some(bb.clone()), Some(ccc), None]
    );
    assert_eq!(by_key(&short), [None, Some(a.clone()), Some(bb.clone())]);
    assert_eq!(
        [0, 1, 2].map(|index| short.get(index)),
        [Some(a), Some(bb), None]
    );
    assert_eq!(names.by_key(keys[2]).as_deref(), Some("bb"));
    assert_eq!(names.get(1).as_deref(), Some("a"));
    assert_eq!(names.get(3), None);
    let sizes = (names.size().get(), sorted.size().get(), short.size().get());
    assert_eq!(sizes, (3, 3, 2));
}

#[test]
fn a_filter_follows_the_properties_that_it_reads() {
    let model = TestModel::new();
    let (a, b) = (model.open("a"), model.open("b"));
    let created = model
        .conversations()
        .filter(|item, read| read.read(&item.state()) == ConversationState::Created);
    let mut copy = Copy::of(&created);
    let (mut added, mut removed) = (created.additions(), created.removals());
    assert_eq!(copy.items, [a.clone(), b.clone()]);
    drop(a.chat_service().start(Default::default()));
    assert_eq!((copy.update(), &copy.items), (1, &vec![b.clone()]));
    assert_eq!(created.snapshot(), copy.items);
    assert_eq!(removed.try_recv(), Some(a.clone()));
    assert_eq!(removed.try_recv(), None);
    let c = model.open("c");
    assert_eq!(
        (copy.update(), &copy.items),
        (1, &vec![b.clone(), c.clone()])
    );
    for item in [a, b, c] {
        assert_eq!(added.try_recv(), Some(item));
    }
    assert_eq!(added.try_recv(), None);
}

#[test]
fn a_sorted_item_moves_when_its_key_changes() {
    let model = TestModel::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| model.open(name));
    let by_topic = model
        .conversations()
        .sort_by_key(|item, read| read.read(&item.topic()));
    let mut copy = Copy::of(&by_topic);
    let topic = |item: &Conversation, topic: &str| now(item.set_topic(topic)).unwrap();
    topic(&a, "3");
    assert_eq!(
        (copy.update(), &copy.items),
        (1, &vec![b.clone(), c.clone(), a.clone()])
    );
    topic(&b, "2");
    assert_eq!(
        (copy.update(), &copy.items),
        (1, &vec![c.clone(), b.clone(), a.clone()])
    );
    topic(&c, "1");
    assert_eq!(copy.update(), 0, "the position stays the same");
    topic(&c, "3");
    assert_eq!(
        (copy.update(), &copy.items),
        (1, &vec![b.clone(), a.clone(), c.clone()])
    );
    assert_eq!(by_topic.snapshot(), copy.items);
    model.remove(&a);
    topic(&b, "4");
    copy.update();
    assert_eq!(copy.items, [c, b]);
}

#[test]
fn a_derived_collection_whose_key_panics_ends_alone() {
    let model = TestModel::new();
    let a = model.open("a");
    let panicking = model.conversations().filter(|item, read| {
        assert_ne!(read.read(&item.topic()), "panic");
        true
    });
    let mut copy = Copy::of(&panicking);
    let mut plain = Copy::of(&model.conversations());
    now(a.set_topic("panic")).unwrap();
    model.open("b");
    assert_eq!((copy.update(), plain.update()), (0, 1));
}

#[test]
fn a_reduction_counts_the_connected_participants() {
    let model = TestModel::new();
    let conversation = model.open("sip:lenea@contoso.com");
    let connected = conversation
        .participants()
        .reduce(0, |count, participant, read| {
            count
                + usize::from(
                    read.read(&participant.state()) == conv_model::ParticipantState::Connected,
                )
        });
    let values = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&values);
    let _registration = connected.changed(move |change| log.lock().unwrap().push(change.new));
    drop(conversation.chat_service().start(Default::default()));
    let lene = crate::support::lene(1);
    let tim = conv_model::ParticipantFact::new(
        conv_model::ParticipantId::Remote(2),
        "sip:tim@contoso.com",
    );
    model.commit_to(
        conversation.id(),
        [
            ConversationFact::ParticipantAdded(lene),
            ConversationFact::ParticipantAdded(tim),
        ],
    );
    model.commit_to(conversation.id(), [ConversationFact::ended(None)]);
    assert_eq!(values.lock().unwrap().last(), Some(&0));
    assert!(values.lock().unwrap().contains(&2));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A collection and each derived collection equal the result of the same operations on a plain vector: as a snapshot, by
    /// size, by index, and as copies that follow the batches and the single calls.
    #[test]
    fn derived_collections_equal_their_definition(program in vec((0..10_u8, any::<bool>()), 0..40)) {
        let model = TestModel::new();
        let base = model.conversations();
        let names = base.map(name);
        let even = base.filter(|item, _| name(item).len().is_multiple_of(2));
        let sorted = names.sort_by_key(|name, _| name.len());
        let again = sorted.sort_by_key(|name, _| name.len());
        let chained = base.filter(|item, _| name(item).len() > 2).map(name).sort_by_key(|name, _| Reverse(name.clone()));
        let mut copies = [Copy::of(&names), Copy::of(&sorted), Copy::of(&again), Copy::of(&chained)];
        let mut even_copy = Copy::of(&even);
        let sizes = Arc::new(Mutex::new(0));
        let log = Arc::clone(&sizes);
        let _size = even.size().changed(move |change| *log.lock().unwrap() = change.new);
        for (number, add) in program {
            // Names of different and of equal lengths.
            let address = format!("{}{number}", "x".repeat(usize::from(number % 4)));
            if add {
                model.open(&address);
            } else if let Some(found) = base.snapshot().into_iter().find(|item| name(item) == address) {
                model.remove(&found);
            }
            let plain: Vec<String> = base.snapshot().iter().map(name).collect();
            let stable = { let mut plain = plain.clone(); plain.sort_by_key(String::len); plain };
            let mut descending: Vec<_> = plain.iter().filter(|name| name.len() > 2).cloned().collect();
            descending.sort_by(|a, b| b.cmp(a));
            prop_assert_eq!(&sorted.snapshot(), &stable);
            prop_assert_eq!(&again.snapshot(), &stable);
            prop_assert_eq!(&chained.snapshot(), &descending);
            for (copy, expected) in copies.iter_mut().zip([&plain, &stable, &stable, &descending]) {
                copy.update();
                prop_assert_eq!(&copy.items, expected);
            }
            let expected: Vec<_> = base.snapshot().into_iter().filter(|item| name(item).len().is_multiple_of(2)).collect();
            even_copy.update();
            prop_assert_eq!(&even.snapshot(), &expected);
            prop_assert_eq!(&even_copy.items, &expected);
            prop_assert_eq!(*sizes.lock().unwrap(), expected.len());
            prop_assert_eq!(even.get(expected.len().saturating_sub(1)), expected.last().cloned());
        }
    }
}
