//! The delivery queue under a scheduler that explores interleavings: the source of the observable core, run on shuttle's
//! primitives. Each program is small and its rule is checked for every schedule that is tried.

/// What the core stands on, here from shuttle.
mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, Ordering};
    pub(crate) use shuttle::sync::{Arc, Mutex, MutexGuard};
    use std::sync::PoisonError;

    /// One, so that small programs reach the limit.
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
struct Subject(StdArc<Node<Object>>);

impl Subject {
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

/// What a listener was told. Kept outside shuttle's sight: only one task runs at a time.
#[derive(Clone, Default)]
struct Ear {
    heard: StdArc<StdMutex<Vec<(Option<usize>, usize)>>>,
    inside: StdArc<AtomicBool>,
    overlapped: StdArc<AtomicBool>,
}

impl Ear {
    fn on(&self, number: &Property<usize>) -> Subscription {
        let ear = self.clone();
        number.changed(move |change: &Change<usize>| {
            ear.overlapped
                .fetch_or(ear.inside.swap(true, SeqCst), SeqCst);
            ear.heard.lock().unwrap().push((change.old, change.new));
            // Room for another task in the middle of the call.
            thread::yield_now();
            ear.inside.store(false, SeqCst);
        })
    }

    fn heard(&self) -> Vec<(Option<usize>, usize)> {
        self.heard.lock().unwrap().clone()
    }

    /// The chain of changes, beginning with the replay.
    fn assert_chain(&self) {
        let heard = self.heard();
        assert!(
            !self.overlapped.load(SeqCst),
            "no listener runs twice at a time: {heard:?}"
        );
        assert_eq!(heard[0].0, None, "the replay comes first: {heard:?}");
        for pair in heard.windows(2) {
            assert_eq!(
                pair[1].0,
                Some(pair[0].1),
                "lossless, in commit order: {heard:?}"
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
fn writers_on_several_threads_are_heard_losslessly_and_in_one_order() {
    explore(|| {
        let subject = Subject::new();
        let (first, second) = (Ear::default(), Ear::default());
        let (one, two) = (first.on(&subject.number()), second.on(&subject.number()));
        let writers: Vec<_> = [[1, 2], [3, 4]]
            .into_iter()
            .map(|numbers| {
                let subject = subject.clone();
                thread::spawn(move || numbers.iter().for_each(|number| subject.write(&[*number])))
            })
            .collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        first.assert_chain();
        assert_eq!(first.heard().len(), 5);
        assert_eq!(first.heard(), second.heard());
        drop((one, two));
    });
}

#[test]
fn a_registration_races_with_writes() {
    explore(|| {
        let subject = Subject::new();
        let ear = Ear::default();
        let writer = {
            let subject = subject.clone();
            thread::spawn(move || {
                subject.write(&[1]);
                subject.write(&[2, 3]);
            })
        };
        let registration = ear.on(&subject.number());
        writer.join().unwrap();
        ear.assert_chain();
        assert_eq!(ear.heard().last().unwrap().1, 3, "nothing is missed");
        drop(registration);
    });
}

#[test]
fn two_registrations_race_with_a_write_inside_a_listener() {
    explore(|| {
        let subject = Subject::new();
        let nested = {
            let writer = subject.clone();
            subject.number().changed(move |change| {
                if change.new == 1 {
                    writer.write(&[2]);
                }
            })
        };
        let (here, there) = (Ear::default(), Ear::default());
        let other = {
            let (subject, there) = (subject.clone(), there.clone());
            thread::spawn(move || {
                let registration = there.on(&subject.number());
                subject.write(&[1]);
                registration
            })
        };
        let registration = here.on(&subject.number());
        let other = other.join().unwrap();
        for ear in [&here, &there] {
            ear.assert_chain();
            assert_eq!(ear.heard().last().unwrap().1, 2);
        }
        drop((nested, registration, other));
    });
}

#[test]
fn no_call_begins_after_the_subscription_is_dropped() {
    explore(|| {
        let subject = Subject::new();
        let over = StdArc::new(StdMutex::new(false));
        let late = StdArc::new(StdMutex::new(0));
        let registration = {
            let (over, late) = (StdArc::clone(&over), StdArc::clone(&late));
            subject.number().changed(move |change| {
                if *over.lock().unwrap() {
                    *late.lock().unwrap() += change.new;
                }
            })
        };
        let writer = {
            let subject = subject.clone();
            thread::spawn(move || (1..4).for_each(|number| subject.write(&[number])))
        };
        drop(registration);
        *over.lock().unwrap() = true;
        writer.join().unwrap();
        // Between the look at the phase and the call there is no scheduling point, so a call that began had begun before.
        assert_eq!(*late.lock().unwrap(), 0);
    });
}

#[test]
fn a_collection_and_its_batches_keep_a_copy_equal() {
    explore(|| {
        let subject = Subject::new();
        let writer = {
            let subject = subject.clone();
            thread::spawn(move || {
                subject.push(&[1, 2]);
                subject.push(&[3]);
            })
        };
        let added = StdArc::new(StdMutex::new(Vec::new()));
        let registration = {
            let added = StdArc::clone(&added);
            subject
                .items()
                .added(move |item, _, index| added.lock().unwrap().push((*item, index)))
        };
        let (mut copy, mut batches) = subject.items().observe();
        let before = copy.len();
        writer.join().unwrap();
        assert!(
            [0, 2, 3].contains(&before),
            "a snapshot never sees half a commit"
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
fn calls_to_the_outside_keep_the_order_of_their_commits() {
    explore(|| {
        let subject = Subject::new();
        let calls = StdArc::new(StdMutex::new(Vec::new()));
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let (subject, calls) = (subject.clone(), StdArc::clone(&calls));
                thread::spawn(move || {
                    for count in 0..2 {
                        let item = thread * 10 + count;
                        let calls = StdArc::clone(&calls);
                        subject.0.store.transact(|transaction| {
                            transaction.push(&subject.0, |object| &mut object.items, item);
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
        assert_eq!(*calls.lock().unwrap(), subject.items().snapshot());
        assert_eq!(calls.lock().unwrap().len(), 4);
    });
}
