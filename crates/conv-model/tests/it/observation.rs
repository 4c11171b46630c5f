//! The rules of observation, one test for each. `number`, the count of unread conversations, stands for any property.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use conv_model::{
    Change, Closed, Conversation, ConversationFact, Fact, Outcome, Property, Reason, ReasonCode,
    SignInState, Subscription, Subscriptions,
};

use futures_core::Stream;

use crate::support::{TestModel, now};

impl TestModel {
    pub fn number(&self) -> Property<usize> {
        self.application
            .conversations_manager()
            .unread_conversations_count()
    }

    pub fn write(&self, number: usize) {
        self.commit([Fact::UnreadConversations(number)]);
    }

    fn conversation(&self, name: &str) -> Conversation {
        self.application
            .conversations_manager()
            .get_conversation(name)
            .unwrap()
    }
}

/// A listener that records its calls.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(Option<usize>, usize)>>>);

impl Recorder {
    fn on(&self, number: &Property<usize>) -> Subscription {
        let calls = self.clone();
        number.changed(move |change| calls.record(change))
    }

    fn record(&self, change: &Change<usize>) {
        self.0.lock().unwrap().push((change.old, change.new));
    }

    fn calls(&self) -> Vec<(Option<usize>, usize)> {
        self.0.lock().unwrap().clone()
    }
}

/// Calls a function when dropped.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A subscription that its own listener can end.
#[derive(Clone, Default)]
struct SubscriptionSlot(Arc<Mutex<Option<Subscription>>>);

impl SubscriptionSlot {
    fn put(&self, subscription: Subscription) {
        *self.0.lock().unwrap() = Some(subscription);
    }

    fn end(&self) {
        let subscription = self.0.lock().unwrap().take();
        drop(subscription);
    }
}

#[test]
fn every_change_is_delivered() {
    let model = TestModel::signed_out();
    let recorder = Recorder::default();
    let _registration = recorder.on(&model.number());
    let mut changes = model.number().changes();
    for number in [1, 1, 2, 3, 3, 1] {
        model.write(number);
    }
    model.commit([7, 7, 8, 1].map(Fact::UnreadConversations));
    let expected = [
        (None, 0),
        (Some(0), 1),
        (Some(1), 2),
        (Some(2), 3),
        (Some(3), 1),
        (Some(1), 7),
        (Some(7), 8),
        (Some(8), 1),
    ];
    assert_eq!(recorder.calls(), expected);
    let streamed: Vec<_> = std::iter::from_fn(|| changes.try_recv())
        .map(|change| (change.old, change.new))
        .collect();
    assert_eq!(streamed, expected);
}

#[test]
fn every_change_of_a_mapped_property_is_delivered() {
    let model = TestModel::signed_out();
    let tens = model.number().map(|number| number / 10);
    let recorder = Recorder::default();
    let _registration = recorder.on(&tens);
    for number in [1, 11, 12, 25, 3] {
        model.write(number);
        assert_eq!(tens.get(), number / 10);
    }
    assert_eq!(
        recorder.calls(),
        [(None, 0), (Some(0), 1), (Some(1), 2), (Some(2), 0)]
    );
}

#[test]
fn all_listeners_get_the_changes_in_commit_order() {
    let model = Arc::new(TestModel::signed_out());
    let recorders: Vec<Recorder> = (0..3).map(|_| Recorder::default()).collect();
    let _registrations: Vec<_> = recorders
        .iter()
        .map(|recorder| recorder.on(&model.number()))
        .collect();
    thread::scope(|scope| {
        for writer in 0..4 {
            let model = &model;
            scope.spawn(move || {
                for step in 1..=500 {
                    model.write(writer * 1_000 + step);
                }
            });
        }
    });
    // The delivering thread has returned, so every change was delivered.
    let calls = recorders[0].calls();
    assert_eq!(calls.len(), 2_001);
    for pair in calls.windows(2) {
        assert_eq!(
            pair[1].0,
            Some(pair[0].1),
            "the old value of a change is the new value of the change before"
        );
    }
    for writer in 0..4 {
        let own: Vec<_> = calls
            .iter()
            .skip(1)
            .map(|(_, new)| *new)
            .filter(|new| new / 1_000 == writer)
            .collect();
        assert!(own.is_sorted(), "a thread's writes keep their order");
    }
    for recorder in &recorders {
        assert_eq!(recorder.calls(), calls, "all listeners see the same order");
    }
}

#[test]
fn a_change_reaches_the_listeners_that_were_registered_at_its_commit() {
    let model = Arc::new(TestModel::signed_out());
    let number = model.number();
    let late = Recorder::default();
    let late_registration = SubscriptionSlot::default();
    let _first = {
        let (number, late, slot) = (number.clone(), late.clone(), late_registration.clone());
        number.clone().once(1, move |_| slot.put(late.on(&number)))
    };
    // Both are committed when the first is delivered, so the late listener replays the second value and gets no change.
    model.commit([1, 2].map(Fact::UnreadConversations));
    assert_eq!(late.calls(), [(None, 2)]);
    model.write(3);
    assert_eq!(late.calls(), [(None, 2), (Some(2), 3)]);
}

#[test]
fn a_replay_takes_the_value_and_its_position_in_the_queue_atomically() {
    let model = Arc::new(TestModel::signed_out());
    let writing = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=3_000 {
                model.write(number);
            }
            writing.store(false, Ordering::SeqCst);
        });
        while writing.load(Ordering::SeqCst) {
            let recorder = Recorder::default();
            let registration = recorder.on(&model.number());
            thread::yield_now();
            drop(registration);
            let calls = recorder.calls();
            assert_eq!(calls[0].0, None);
            for pair in calls.windows(2) {
                assert_eq!(
                    pair[1].0,
                    Some(pair[0].1),
                    "no change is missed or doubled after the replay"
                );
            }
        }
    });
}

#[test]
fn a_commit_during_a_replay_is_delivered_after_it_once() {
    let model = Arc::new(TestModel::signed_out());
    let log = Arc::new(Mutex::new(Vec::new()));
    let _registration = {
        let (model, log) = (Arc::clone(&model), Arc::clone(&log));
        model.clone().number().changed(move |change| {
            log.lock().unwrap().push(format!("begin {}", change.new));
            if change.old.is_none() {
                // From this thread, and from another one.
                model.write(1);
                thread::scope(|scope| scope.spawn(|| model.write(2)).join().unwrap());
            }
            log.lock().unwrap().push(format!("end {}", change.new));
        })
    };
    assert_eq!(
        *log.lock().unwrap(),
        ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]
    );
}

#[test]
fn a_write_inside_a_replay_is_delivered_after_the_replay() {
    let model = Arc::new(TestModel::signed_out());
    let log = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::clone(&log);
    let _other = model
        .number()
        .when(1, move |_| calls.lock().unwrap().push("other"));
    let _writing = {
        let (model, log) = (Arc::clone(&model), Arc::clone(&log));
        model.clone().number().once(0, move |_| {
            log.lock().unwrap().push("begin");
            model.write(1);
            log.lock().unwrap().push("end");
        })
    };
    assert_eq!(*log.lock().unwrap(), ["begin", "end", "other"]);
}

#[test]
fn a_registration_inside_a_listener_replays_inline() {
    let model = Arc::new(TestModel::signed_out());
    let log = Arc::new(Mutex::new(Vec::new()));
    let inner = SubscriptionSlot::default();
    let _outer = {
        let (model, log, inner) = (Arc::clone(&model), Arc::clone(&log), inner.clone());
        model.clone().number().once(1, move |_| {
            model.write(2);
            log.lock().unwrap().push("before".to_owned());
            let calls = Arc::clone(&log);
            inner.put(model.number().changed(move |change| {
                calls.lock().unwrap().push(format!("inner {}", change.new))
            }));
            log.lock().unwrap().push("after".to_owned());
        })
    };
    model.write(1);
    assert_eq!(*log.lock().unwrap(), ["before", "inner 2", "after"]);
}

#[test]
fn a_listener_runs_to_completion() {
    let model = Arc::new(TestModel::signed_out());
    let log = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::new(AtomicBool::new(false));
    let mut subscriptions = Subscriptions::new();
    for name in ["a", "b"] {
        let (model, log, inside) = (Arc::clone(&model), Arc::clone(&log), Arc::clone(&inside));
        subscriptions.add(model.clone().number().changed(move |change| {
            assert!(
                !inside.swap(true, Ordering::SeqCst),
                "no listener is re-entered, nor runs inside another"
            );
            log.lock()
                .unwrap()
                .push(format!("{name} {:?}->{}", change.old, change.new));
            if change.new == 1 && name == "a" {
                model.write(2);
                assert_eq!(model.number().get(), 2, "a write commits at once");
            }
            inside.store(false, Ordering::SeqCst);
        }));
    }
    model.write(1);
    let expected = [
        "a None->0",
        "b None->0",
        "a Some(0)->1",
        "b Some(0)->1",
        "a Some(1)->2",
        "b Some(1)->2",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[test]
fn a_page_is_one_transaction() {
    let model = TestModel::new();
    let conversation = model.conversation("sip:lenea@contoso.com");
    let (number, topic) = (model.number(), conversation.topic());
    let topics = Arc::new(Mutex::new(Vec::new()));
    let _registration = {
        let (topics, topic) = (Arc::clone(&topics), topic.clone());
        number.once(5, move |_| topics.lock().unwrap().push(topic.get()))
    };
    model.commit([
        Fact::UnreadConversations(5),
        Fact::of(conversation.id(), ConversationFact::Subject("lunch".into())),
    ]);
    assert_eq!(
        *topics.lock().unwrap(),
        ["lunch"],
        "the whole page is committed before the first delivery"
    );
}

#[test]
fn no_lock_is_held_during_a_listener() {
    let model = Arc::new(TestModel::signed_out());
    let number = model.number();
    let _registration = {
        let model = Arc::clone(&model);
        number.clone().changed(move |change| {
            let new = change.new;
            let (model, number) = (&model, &number);
            // The listener blocks on another thread that reads, registers, writes and unregisters.
            thread::scope(|scope| {
                scope.spawn(move || {
                    assert!(number.get() >= new);
                    let recorder = Recorder::default();
                    drop(recorder.on(number));
                    assert_eq!(recorder.calls().len(), 1);
                    if new < 3 {
                        model.write(new + 1);
                    }
                });
            });
        })
    };
    assert_eq!(model.number().get(), 3);
}

#[test]
fn no_lock_is_held_during_the_drop_of_a_closure() {
    let model = Arc::new(TestModel::new());
    let reads = Arc::new(AtomicUsize::new(0));
    let guard = || {
        let (number, reads) = (model.number(), Arc::clone(&reads));
        OnDrop(move || {
            assert!(number.get() < 100);
            reads.fetch_add(1, Ordering::SeqCst);
        })
    };
    let listen = |conversation: &Conversation| {
        let guard = guard();
        conversation.topic().changed(move |_| {
            let _ = &guard;
        })
    };
    let manager = model.application.conversations_manager();
    // The closure is dropped with its subscription.
    let conversation = model.conversation("sip:one@contoso.com");
    drop(listen(&conversation));
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    // The closure is dropped with its object, which the collection removes.
    listen(&conversation).detach();
    now(manager.remove(&conversation)).unwrap();
    drop(conversation);
    assert_eq!(reads.load(Ordering::SeqCst), 2);
    // The closure is dropped with its object, which a commit removes.
    let conversation = model.conversation("sip:two@contoso.com");
    let id = conversation.id();
    listen(&conversation).detach();
    drop(conversation.chat_service().start(Default::default()));
    model.complete(Ok(Outcome::Done));
    drop(manager.remove(&conversation));
    drop(conversation);
    model.commit([
        Fact::of(id, ConversationFact::ended(None)),
        model.completed(Ok(Outcome::Done)),
    ]);
    assert_eq!(reads.load(Ordering::SeqCst), 3);
    // The closure of `once` is dropped after its call.
    let once = guard();
    model.number().once(0, move |_| drop(once)).detach();
    assert_eq!(reads.load(Ordering::SeqCst), 4);
}

#[test]
fn no_lock_is_held_during_a_wake() {
    struct Reader(Property<usize>, AtomicUsize);
    impl Wake for Reader {
        fn wake(self: Arc<Self>) {
            self.1.store(self.0.get(), Ordering::SeqCst);
        }
    }
    let model = TestModel::signed_out();
    let reader = Arc::new(Reader(model.number(), AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&reader));
    let mut waiting = Box::pin(model.number().wait_for(7));
    assert!(
        waiting
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    model.write(7);
    assert_eq!(reader.1.load(Ordering::SeqCst), 7);
    assert_eq!(
        waiting.as_mut().poll(&mut Context::from_waker(&waker)),
        Poll::Ready(Ok(7))
    );
}

#[test]
fn a_dropped_subscription_gets_no_call_that_has_not_begun() {
    let model = TestModel::signed_out();
    let mut recorders = Vec::new();
    let slots: Vec<SubscriptionSlot> = (0..4).map(|_| SubscriptionSlot::default()).collect();
    for index in 0..4 {
        let recorder = Recorder::default();
        let (calls, all) = (recorder.clone(), slots.clone());
        slots[index].put(model.number().changed(move |change| {
            calls.record(change);
            match (index, change.new) {
                // The first ends itself. The second ends a later listener, then all.
                (0, 1) => all[0].end(),
                (1, 2) => all[2].end(),
                (1, 3) => all.iter().for_each(SubscriptionSlot::end),
                _ => {}
            }
        }));
        recorders.push(recorder);
    }
    model.commit([1, 2, 3, 4].map(Fact::UnreadConversations));
    let last = |recorder: &Recorder| recorder.calls().last().unwrap().1;
    assert_eq!(recorders.iter().map(last).collect::<Vec<_>>(), [1, 3, 1, 2]);
    model.write(9);
    assert_eq!(recorders.iter().map(last).collect::<Vec<_>>(), [1, 3, 1, 2]);
}

#[test]
fn a_panicking_listener_is_unsubscribed_and_the_queue_continues() {
    let model = TestModel::signed_out();
    let calls = Arc::new(AtomicUsize::new(0));
    let (before, after) = (Recorder::default(), Recorder::default());
    let _before = before.on(&model.number());
    let panicking = {
        let calls = Arc::clone(&calls);
        model.number().changed(move |change| {
            calls.fetch_add(1, Ordering::SeqCst);
            assert_ne!(change.new, 1, "on purpose");
        })
    };
    let _after = after.on(&model.number());
    model.commit([1, 2].map(Fact::UnreadConversations));
    model.write(3);
    model.write(4);
    assert_eq!(
        calls.load(Ordering::SeqCst),
        2,
        "the listener got the replay and the call that panicked"
    );
    assert_eq!(before.calls(), after.calls());
    assert_eq!(after.calls().len(), 5);
    drop(panicking);
    let _in_replay = model.number().changed(|_| panic!("on purpose"));
    model.write(5);
    assert_eq!(after.calls().last(), Some(&(Some(4), 5)));
}

#[test]
fn a_panic_in_the_drop_of_a_closure_is_caught() {
    let model = TestModel::signed_out();
    let recorder = Recorder::default();
    let _registration = recorder.on(&model.number());
    let on_drop = OnDrop(|| panic!("on purpose"));
    let listener = move |change: &Change<usize>| {
        let _ = &on_drop;
        assert_ne!(change.new, 1, "on purpose");
    };
    model.number().changed(listener).detach();
    // The listener is retired by the first write and dropped by the second one.
    model.write(1);
    model.write(2);
    assert_eq!(recorder.calls().last(), Some(&(Some(1), 2)));
}

#[test]
fn get_inside_a_listener_is_never_older_than_the_change() {
    let model = TestModel::signed_out();
    let number = model.number();
    let calls = Arc::new(AtomicUsize::new(0));
    let _registration = {
        let (number, calls) = (number.clone(), Arc::clone(&calls));
        number.clone().changed(move |change| {
            assert!(number.get() >= change.new);
            calls.fetch_add(1, Ordering::SeqCst);
        })
    };
    let start = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            (1..=1_000).for_each(|number| model.write(number));
        });
        // The registering thread may become the delivering one.
        scope.spawn(|| {
            start.wait();
            for _ in 0..1_000 {
                let property = number.clone();
                drop(number.changed(move |change| assert!(property.get() >= change.new)));
            }
        });
    });
    assert_eq!(
        calls.load(Ordering::SeqCst),
        1_001,
        "no assertion in the listener failed"
    );
}

#[test]
fn when_and_once_call_the_listener_for_matching_values() {
    let model = TestModel::signed_out();
    let number = model.number();
    let (when, matching, once) = (
        Recorder::default(),
        Recorder::default(),
        Recorder::default(),
    );
    let mut subscriptions = Subscriptions::new();
    let recorder = when.clone();
    subscriptions.add(number.when(0, move |change| recorder.record(change)));
    let recorder = matching.clone();
    subscriptions
        .add(number.when_matching(|number| *number > 1, move |change| recorder.record(change)));
    let recorder = once.clone();
    subscriptions.add(number.once(2, move |change| recorder.record(change)));
    model.commit([1, 0, 2, 3, 2].map(Fact::UnreadConversations));
    assert_eq!(when.calls(), [(None, 0), (Some(1), 0)]);
    assert_eq!(matching.calls(), [(Some(0), 2), (Some(2), 3), (Some(3), 2)]);
    assert_eq!(once.calls(), [(Some(0), 2)]);
    let at_once = Recorder::default();
    let recorder = at_once.clone();
    subscriptions.add(number.once(2, move |change| recorder.record(change)));
    assert_eq!(at_once.calls(), [(None, 2)]);
    model.commit([1, 2].map(Fact::UnreadConversations));
    assert_eq!(at_once.calls(), [(None, 2)]);
}

#[test]
fn a_wait_resolves_with_a_value_that_was_overwritten_since() {
    let model = TestModel::signed_out();
    let waiting = Box::pin(model.number().wait_for(1));
    model.commit([1, 2].map(Fact::UnreadConversations));
    assert_eq!(now(waiting), Ok(1));
    let waiting = Box::pin(model.number().wait_for(9));
    let latest = &mut model.number().latest();
    model.commit([3, 4].map(Fact::UnreadConversations));
    assert_eq!(
        now(Box::pin(async { latest.recv().await })),
        Some(4),
        "only the latest value is received"
    );
    drop(model);
    assert_eq!(now(waiting), Err(Closed), "the model was dropped");
}

#[test]
fn an_equal_write_replaces_the_reason_and_calls_no_listener() {
    let model = TestModel::signed_out();
    let state = model.application.sign_in_state();
    let calls = Arc::new(AtomicUsize::new(0));
    let subscription = state.changed({
        let calls = Arc::clone(&calls);
        move |_| {
            calls.fetch_add(1, Ordering::Relaxed);
        }
    });
    let signed_out = |reason| Fact::sign_in(SignInState::SignedOut, reason);
    model.commit([signed_out(Some(Reason::new(ReasonCode::ConnectionLost)))]);
    assert_eq!(state.reason().unwrap().code(), &ReasonCode::ConnectionLost);
    model.commit([signed_out(None)]);
    assert_eq!(state.reason(), None);
    assert_eq!(calls.load(Ordering::Relaxed), 1, "only the replay");
    drop(subscription);
}

#[test]
fn a_replay_has_the_current_reason_and_no_old_value() {
    let model = TestModel::new();
    model.commit([Fact::sign_in(
        SignInState::SignedOut,
        Some(Reason::new(ReasonCode::ConnectionLost)),
    )]);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&calls);
    let _registration = model.application.sign_in_state().changed(move |change| {
        let code = change.reason.as_ref().map(|reason| reason.code().clone());
        log.lock().unwrap().push((change.old, change.new, code));
    });
    assert_eq!(
        *calls.lock().unwrap(),
        [(
            None,
            SignInState::SignedOut,
            Some(ReasonCode::ConnectionLost)
        )]
    );
}

#[test]
fn change_is_compares_the_old_and_the_new_value() {
    let model = TestModel::signed_out();
    let mut changes = model.number().changes();
    model.write(1);
    let replayed = changes.try_recv().unwrap();
    assert!(!replayed.is(&0, &0), "a replay has no old value");
    let change = changes.try_recv().unwrap();
    assert!(change.is(&0, &1));
    assert!(!change.is(&0, &2) && !change.is(&2, &1) && !change.is(&1, &0));
}

#[test]
fn a_stream_yields_the_changes_and_ends_with_the_model() {
    let model = TestModel::signed_out();
    let (mut changes, mut latest) = (model.number().changes(), model.number().latest());
    model.write(1);
    let context = &mut Context::from_waker(Waker::noop());
    let (mut changes, mut latest) = (Pin::new(&mut changes), Pin::new(&mut latest));
    for expected in [0, 1] {
        let next = changes.as_mut().poll_next(context);
        assert_eq!(
            next.map(|change| change.map(|change| change.new)),
            Poll::Ready(Some(expected))
        );
    }
    assert_eq!(latest.as_mut().poll_next(context), Poll::Ready(Some(1)));
    assert!(changes.as_mut().poll_next(context).is_pending());
    assert!(latest.as_mut().poll_next(context).is_pending());
    drop(model);
    assert_eq!(changes.poll_next(context), Poll::Ready(None));
    assert_eq!(latest.poll_next(context), Poll::Ready(None));
}

#[test]
fn a_set_of_subscriptions_ends_them_together() {
    let model = TestModel::signed_out();
    let recorder = Recorder::default();
    let mut listeners = Subscriptions::new();
    assert!(listeners.is_empty());
    listeners.extend([recorder.on(&model.number()), recorder.on(&model.number())]);
    assert_eq!((listeners.len(), listeners.is_empty()), (2, false));
    listeners.clear();
    assert_eq!((listeners.len(), listeners.is_empty()), (0, true));
    let before = recorder.calls();
    model.write(1);
    assert_eq!(recorder.calls(), before);
}

#[test]
fn the_value_none_is_replayed() {
    let model = TestModel::new();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&calls);
    let uri = model.conversation("sip:lenea@contoso.com").uri();
    let _registration = uri.changed(move |change| log.lock().unwrap().push(change.new.clone()));
    assert_eq!(*calls.lock().unwrap(), [None]);
}
