//! The delivery queue under a scheduler that explores interleavings: the source of the observable core on shuttle's
//! primitives. Each program is small, and its assertions are checked in every schedule.

/// The synchronisation primitives of the core, from shuttle.
mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, Ordering};
    pub(crate) use shuttle::sync::{Arc, Mutex, MutexGuard};
    use std::sync::PoisonError;

    /// Small, so that a short program delivers more than one batch.
    pub(crate) const BATCH: usize = 1;

    /// Waits for other tasks instead of time.
    pub(crate) struct Stopwatch;

    impl Stopwatch {
        pub(crate) fn start() -> Self {
            Self
        }

        pub(crate) fn offer(&self, is_taken: impl Fn() -> bool) {
            for _ in 0..3 {
                if is_taken() {
                    return;
                }
                shuttle::thread::yield_now();
            }
        }
    }

    pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

mod reason {
    pub(crate) use conv_model::{Reason, ReasonCode};
}

#[allow(dead_code, unused_imports, reason = "the core is used in part")]
#[path = "../../src/observable/mod.rs"]
mod observable;

use std::sync::Arc as StdArc;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use shuttle::thread;

use conv_model::{Reason, ReasonCode};

use observable::cell::{Cell, Field};
use observable::list::{List, ListField};
use observable::store::{Node, Store};
use observable::{Change, Collection, CollectionChange, Property, Subscription};

const SCHEDULES: usize = 2_000;

/// An object with one value and one list.
struct Object {
    number: Cell<usize>,
    items: List<usize>,
}

#[derive(Clone)]
struct TestObject(StdArc<Node<Object>>);

impl TestObject {
    fn new() -> Self {
        let object = Object {
            number: Cell::new(0),
            items: List::new(),
        };
        Self(Store::new().node((), object))
    }

    fn number(&self) -> Property<usize> {
        Property::new(Field {
            node: StdArc::clone(&self.0),
            cell: |object: &mut Object| &mut object.number,
        })
    }

    fn items(&self) -> Collection<usize> {
        Collection::new(ListField {
            node: StdArc::clone(&self.0),
            list: |object: &mut Object| &mut object.items,
        })
    }

    fn write(&self, numbers: &[usize]) {
        self.0.store.transact(|transaction| {
            for number in numbers {
                transaction.set(&self.0, |object| &mut object.number, *number, None);
            }
        });
    }

    fn push(&self, items: &[usize]) {
        self.0.store.transact(|transaction| {
            for item in items {
                transaction.push(&self.0, |object| &mut object.items, *item);
            }
        });
    }
}

/// The calls of a listener, on standard primitives: shuttle runs one task at a time.
#[derive(Clone, Default)]
struct Recorder {
    log: StdArc<StdMutex<Vec<(Option<usize>, usize)>>>,
    inside: StdArc<AtomicBool>,
    overlapped: StdArc<AtomicBool>,
}

impl Recorder {
    fn on(&self, number: &Property<usize>) -> Subscription {
        let recorder = self.clone();
        number.changed(move |change| recorder.record(change))
    }

    fn record(&self, change: &Change<usize>) {
        self.overlapped
            .fetch_or(self.inside.swap(true, SeqCst), SeqCst);
        self.log.lock().unwrap().push((change.old, change.new));
        // Another task may run in the middle of the call.
        thread::yield_now();
        self.inside.store(false, SeqCst);
    }

    fn calls(&self) -> Vec<(Option<usize>, usize)> {
        self.log.lock().unwrap().clone()
    }

    /// The chain of changes, beginning with the replay.
    fn assert_chain(&self) {
        let calls = self.calls();
        assert!(
            !self.overlapped.load(SeqCst),
            "a listener is never re-entered: {calls:?}"
        );
        assert_eq!(calls[0].0, None, "the replay comes first: {calls:?}");
        for pair in calls.windows(2) {
            assert_eq!(
                pair[1].0,
                Some(pair[0].1),
                "lossless, in commit order: {calls:?}"
            );
        }
    }
}

fn explore(program: impl Fn() + Send + Sync + 'static) {
    let program = StdArc::new(program);
    let random = StdArc::clone(&program);
    shuttle::check_random(move || random(), SCHEDULES);
    shuttle::check_pct(move || program(), SCHEDULES, 3);
}

#[test]
fn writes_of_several_threads_are_delivered_losslessly_in_one_order() {
    explore(|| {
        let object = TestObject::new();
        let (first, second) = (Recorder::default(), Recorder::default());
        let (one, two) = (first.on(&object.number()), second.on(&object.number()));
        let writers: Vec<_> = [[1, 2], [3, 4]]
            .into_iter()
            .map(|numbers| {
                let object = object.clone();
                thread::spawn(move || numbers.iter().for_each(|number| object.write(&[*number])))
            })
            .collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        first.assert_chain();
        assert_eq!(first.calls().len(), 5);
        assert_eq!(first.calls(), second.calls());
        drop((one, two));
    });
}

/// With a batch of one, a thread offers the delivering role after each delivery of another thread's change.
#[test]
fn a_thread_that_offers_the_delivering_role_loses_no_change() {
    explore(|| {
        let object = TestObject::new();
        let recorder = Recorder::default();
        let registration = recorder.on(&object.number());
        let writers: Vec<_> = [[1, 2, 3], [4, 5, 6]]
            .into_iter()
            .map(|numbers| {
                let object = object.clone();
                thread::spawn(move || numbers.iter().for_each(|number| object.write(&[*number])))
            })
            .collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        recorder.assert_chain();
        assert_eq!(recorder.calls().len(), 7);
        drop(registration);
    });
}

/// A registration replays while another thread has the delivering role and delivers more than a batch.
#[test]
fn a_registration_that_offers_its_backlog_loses_no_change() {
    fn wait_for(flag: &AtomicBool) {
        while !flag.load(SeqCst) {
            thread::yield_now();
        }
    }
    explore(|| {
        let object = TestObject::new();
        let delivering = StdArc::new(AtomicBool::new(false));
        let replaying = StdArc::new(AtomicBool::new(false));
        let first = {
            let (writer, delivering) = (object.clone(), StdArc::clone(&delivering));
            let replaying = StdArc::clone(&replaying);
            object.number().changed(move |change| {
                if change.new == 1 {
                    delivering.store(true, SeqCst);
                    wait_for(&replaying);
                    (2..=6).for_each(|number| writer.write(&[number]));
                }
            })
        };
        let writer = {
            let object = object.clone();
            thread::spawn(move || object.write(&[1]))
        };
        wait_for(&delivering);
        let recorder = Recorder::default();
        let log = recorder.clone();
        let registration = object.number().changed(move |change| {
            if change.old.is_none() {
                replaying.store(true, SeqCst);
                // The other thread fills the backlog.
                (0..20).for_each(|_| thread::yield_now());
            }
            log.record(change);
        });
        writer.join().unwrap();
        recorder.assert_chain();
        assert_eq!(recorder.calls().len(), 6);
        drop((first, registration));
    });
}

#[test]
fn a_registration_races_with_writes() {
    explore(|| {
        let object = TestObject::new();
        let recorder = Recorder::default();
        let writer = {
            let object = object.clone();
            thread::spawn(move || {
                object.write(&[1]);
                object.write(&[2, 3]);
            })
        };
        let registration = recorder.on(&object.number());
        writer.join().unwrap();
        recorder.assert_chain();
        assert_eq!(recorder.calls().last().unwrap().1, 3, "no change is missed");
        drop(registration);
    });
}

#[test]
fn two_registrations_race_with_a_write_inside_a_listener() {
    explore(|| {
        let object = TestObject::new();
        let nested = {
            let writer = object.clone();
            object.number().changed(move |change| {
                if change.new == 1 {
                    writer.write(&[2]);
                }
            })
        };
        let (first, second) = (Recorder::default(), Recorder::default());
        let other = {
            let (object, second) = (object.clone(), second.clone());
            thread::spawn(move || {
                let registration = second.on(&object.number());
                object.write(&[1]);
                registration
            })
        };
        let registration = first.on(&object.number());
        let other = other.join().unwrap();
        for recorder in [&first, &second] {
            recorder.assert_chain();
            assert_eq!(recorder.calls().last().unwrap().1, 2);
        }
        drop((nested, registration, other));
    });
}

#[test]
fn no_call_begins_after_the_subscription_is_dropped() {
    explore(|| {
        let object = TestObject::new();
        let over = StdArc::new(StdMutex::new(false));
        let late = StdArc::new(StdMutex::new(0));
        let registration = {
            let (over, late) = (StdArc::clone(&over), StdArc::clone(&late));
            object.number().changed(move |change| {
                if *over.lock().unwrap() {
                    *late.lock().unwrap() += change.new;
                }
            })
        };
        let writer = {
            let object = object.clone();
            thread::spawn(move || (1..4).for_each(|number| object.write(&[number])))
        };
        drop(registration);
        *over.lock().unwrap() = true;
        writer.join().unwrap();
        // There is no scheduling point between the check of the phase and the call, so the call had begun before the drop.
        assert_eq!(*late.lock().unwrap(), 0);
    });
}

#[test]
fn a_collection_and_its_batches_keep_a_copy_equal() {
    explore(|| {
        let object = TestObject::new();
        let writer = {
            let object = object.clone();
            thread::spawn(move || {
                object.push(&[1, 2]);
                object.push(&[3]);
            })
        };
        let added = StdArc::new(StdMutex::new(Vec::new()));
        let registration = {
            let added = StdArc::clone(&added);
            object
                .items()
                .added(move |item, _, index| added.lock().unwrap().push((*item, index)))
        };
        let (mut copy, mut batches) = object.items().observe();
        let before = copy.len();
        writer.join().unwrap();
        assert!(
            [0, 2, 3].contains(&before),
            "a snapshot contains whole commits"
        );
        while let Some(batch) = batches.try_recv() {
            for change in batch {
                if let CollectionChange::Added { item, index, .. } = change {
                    copy.insert(index, item);
                }
            }
        }
        assert_eq!(copy, [1, 2, 3]);
        assert_eq!(*added.lock().unwrap(), [(1, 0), (2, 1), (3, 2)]);
        drop(registration);
    });
}

#[test]
fn a_mapped_property_reads_a_value_with_its_own_reason() {
    explore(|| {
        let object = TestObject::new();
        let code = |number: usize| ReasonCode::Other(number.to_string().into());
        let write = move |object: &TestObject, number: usize| {
            object.0.store.transact(|transaction| {
                let reason = Some(Reason::new(code(number)));
                transaction.set(&object.0, |object| &mut object.number, number, reason);
            });
        };
        write(&object, 1);
        let matches = object.number().map_with_reason(move |number, reason| {
            let is_own = reason.map(Reason::code) == Some(&code(*number));
            (*number, is_own.then(|| Reason::new(code(*number))))
        });
        let writer = {
            let object = object.clone();
            thread::spawn(move || (2..5).for_each(|number| write(&object, number)))
        };
        assert!(matches.reason().is_some(), "the reason of another value");
        writer.join().unwrap();
    });
}

#[test]
fn calls_of_the_outbox_keep_the_order_of_their_commits() {
    explore(|| {
        let object = TestObject::new();
        let calls = StdArc::new(StdMutex::new(Vec::new()));
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let (object, calls) = (object.clone(), StdArc::clone(&calls));
                thread::spawn(move || {
                    for count in 0..2 {
                        let item = thread * 10 + count;
                        let calls = StdArc::clone(&calls);
                        object.0.store.transact(|transaction| {
                            transaction.push(&object.0, |object| &mut object.items, item);
                            transaction.call(Box::new(move || {
                                thread::yield_now();
                                calls.lock().unwrap().push(item);
                            }));
                        });
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(*calls.lock().unwrap(), object.items().snapshot());
        assert_eq!(calls.lock().unwrap().len(), 4);
    });
}

/// The registration on a filtered collection reads a property that another thread writes.
#[test]
fn a_filter_follows_items_and_properties_that_change_at_the_same_time() {
    explore(|| {
        let object = TestObject::new();
        let number = object.number();
        let filtered = object
            .items()
            .filter(move |item, reader| *item > reader.read(&number));
        let writers = [
            {
                let object = object.clone();
                thread::spawn(move || [1, 2].iter().for_each(|number| object.write(&[*number])))
            },
            {
                let object = object.clone();
                thread::spawn(move || [2, 3].iter().for_each(|item| object.push(&[*item])))
            },
        ];
        let (mut copy, mut batches) = filtered.observe();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        while let Some(batch) = batches.try_recv() {
            for change in batch {
                match change {
                    CollectionChange::Added { item, index, .. } => copy.insert(index, item),
                    CollectionChange::Removed { item, index, .. } => {
                        assert_eq!(copy.remove(index), item);
                    }
                }
            }
        }
        assert_eq!(copy, [3]);
        assert_eq!(filtered.snapshot(), copy);
    });
}
