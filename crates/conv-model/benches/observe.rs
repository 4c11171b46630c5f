//! A write and a push with 0, 1 and 10 listeners, compared with other crates and with a plain list of callbacks.
//!
//! The benchmark includes the source of the observable core, because only the model may write to it.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "benchmarks"
)]

#[allow(dead_code, reason = "the core is used in part")]
#[path = "../src/sync.rs"]
mod sync;

mod reason {
    pub(crate) use conv_model::{Reason, ReasonCode};
}

#[allow(dead_code, unused_imports, reason = "the core is used in part")]
#[path = "../src/observable/mod.rs"]
mod observable;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use divan::{Bencher, black_box};
use futures_core::Stream;
use observable::cell::{Cell, Field};
use observable::list::{List, ListField};
use observable::store::{Node, Store};
use observable::{Collection, Property, Subscription};

fn main() {
    divan::main();
}

const LISTENERS: [usize; 3] = [0, 1, 10];
const LENGTHS: [usize; 3] = [100, 10_000, 1_000_000];

/// The body of every listener.
fn store(last: &AtomicUsize, value: usize) {
    last.store(value, Relaxed);
}

fn poll<S: Stream + Unpin>(stream: &mut S) -> std::task::Poll<Option<S::Item>> {
    std::pin::Pin::new(stream)
        .poll_next(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

struct Object {
    number: Cell<usize>,
    items: List<usize>,
}

fn object() -> Arc<Node<Object>> {
    Store::new().node(
        (),
        Object {
            number: Cell::new(0),
            items: List::new(),
        },
    )
}

#[divan::bench_group(sample_count = 100, sample_size = 1000)]
mod write {
    use super::*;

    #[divan::bench(args = LISTENERS)]
    fn conv_model(bencher: Bencher<'_, '_>, listeners: usize) {
        let object = object();
        let last = Arc::new(AtomicUsize::new(0));
        let number = Property::new(Field {
            node: Arc::clone(&object),
            cell: |object: &mut Object| &mut object.number,
        });
        let _registrations: Vec<Subscription> = (0..listeners)
            .map(|_| {
                let last = Arc::clone(&last);
                number.changed(move |change| store(&last, change.new))
            })
            .collect();
        let mut value = 0;
        bencher.bench_local(|| {
            value += 1;
            object.store.transact(|transaction| {
                transaction.set(&object, |object| &mut object.number, black_box(value), None)
            })
        });
    }

    type Callback = Arc<dyn Fn(usize) + Send + Sync>;

    /// A value and callbacks behind one lock. The callbacks are called without the lock.
    #[divan::bench(args = LISTENERS)]
    fn callback_list(bencher: Bencher<'_, '_>, listeners: usize) {
        let last = Arc::new(AtomicUsize::new(0));
        let callbacks: Arc<[Callback]> = (0..listeners)
            .map(|_| {
                let last = Arc::clone(&last);
                Arc::new(move |value| store(&last, value)) as Callback
            })
            .collect();
        let state = Mutex::new((0, callbacks));
        let mut value = 0;
        bencher.bench_local(|| {
            value += 1;
            let callbacks = {
                let mut state = state.lock().unwrap();
                state.0 = black_box(value);
                Arc::clone(&state.1)
            };
            for callback in &*callbacks {
                callback(value);
            }
        });
    }

    #[divan::bench(args = LISTENERS)]
    fn eyeball(bencher: Bencher<'_, '_>, listeners: usize) {
        let observable = eyeball::SharedObservable::new(0);
        let last = AtomicUsize::new(0);
        let mut subscribers: Vec<_> = (0..listeners).map(|_| observable.subscribe()).collect();
        for subscriber in &mut subscribers {
            let _ = poll(subscriber);
        }
        let mut value = 0;
        bencher.bench_local(|| {
            value += 1;
            observable.set(black_box(value));
            for subscriber in &mut subscribers {
                if let std::task::Poll::Ready(Some(value)) = poll(subscriber) {
                    store(&last, value);
                }
                let _ = poll(subscriber);
            }
        });
    }

    #[divan::bench(args = LISTENERS)]
    fn futures_signals(bencher: Bencher<'_, '_>, listeners: usize) {
        use futures_signals::signal::{Mutable, Signal};
        let mutable = Mutable::new(0);
        let last = AtomicUsize::new(0);
        let mut signals: Vec<_> = (0..listeners).map(|_| mutable.signal()).collect();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut value = 0;
        bencher.bench_local(|| {
            value += 1;
            mutable.set(black_box(value));
            for signal in &mut signals {
                if let std::task::Poll::Ready(Some(value)) =
                    std::pin::Pin::new(&mut *signal).poll_change(&mut context)
                {
                    store(&last, value);
                }
                let _ = std::pin::Pin::new(signal).poll_change(&mut context);
            }
        });
    }

    #[divan::bench(args = LISTENERS)]
    fn tokio_watch(bencher: Bencher<'_, '_>, listeners: usize) {
        let (sender, receiver) = tokio::sync::watch::channel(0);
        let last = AtomicUsize::new(0);
        let mut receivers: Vec<_> = (0..listeners).map(|_| receiver.clone()).collect();
        let mut value = 0;
        bencher.bench_local(|| {
            value += 1;
            sender.send_replace(black_box(value));
            for receiver in &mut receivers {
                if receiver.has_changed().unwrap() {
                    store(&last, *receiver.borrow_and_update());
                }
            }
        });
    }
}

/// Each length with 10 listeners, and the middle length with each number of listeners.
const PUSHES: [(usize, usize); 5] = [
    (LENGTHS[1], 0),
    (LENGTHS[1], 1),
    (LENGTHS[0], 10),
    (LENGTHS[1], 10),
    (LENGTHS[2], 10),
];

#[divan::bench_group(sample_count = 100, sample_size = 100)]
mod push {
    use super::*;

    #[divan::bench(args = PUSHES)]
    fn conv_model(bencher: Bencher<'_, '_>, (length, listeners): (usize, usize)) {
        let object = object();
        let push = |value| {
            object.store.transact(|transaction| {
                transaction.push(&object, |object| &mut object.items, value)
            });
        };
        (0..length).for_each(push);
        let last = Arc::new(AtomicUsize::new(0));
        let items = Collection::new(ListField {
            node: Arc::clone(&object),
            list: |object: &mut Object| &mut object.items,
        });
        let _registrations: Vec<Subscription> = (0..listeners)
            .map(|_| {
                let last = Arc::clone(&last);
                items.added(move |item, _, _| store(&last, *item))
            })
            .collect();
        bencher.bench_local(|| push(black_box(length)));
    }

    #[divan::bench(args = PUSHES)]
    fn eyeball_im(bencher: Bencher<'_, '_>, (length, listeners): (usize, usize)) {
        let mut vector = eyeball_im::ObservableVector::with_capacity(128);
        vector.append((0..length).collect());
        let last = AtomicUsize::new(0);
        let mut streams: Vec<_> = (0..listeners)
            .map(|_| vector.subscribe().into_stream())
            .collect();
        for stream in &mut streams {
            let _ = poll(stream);
        }
        bencher.bench_local(|| {
            vector.push_back(black_box(length));
            for stream in &mut streams {
                if let std::task::Poll::Ready(Some(eyeball_im::VectorDiff::PushBack { value })) =
                    poll(stream)
                {
                    store(&last, value);
                }
                let _ = poll(stream);
            }
        });
    }

    #[divan::bench(args = PUSHES)]
    fn futures_signals(bencher: Bencher<'_, '_>, (length, listeners): (usize, usize)) {
        use futures_signals::signal_vec::{MutableVec, SignalVec, VecDiff};
        let vector = MutableVec::new_with_values((0..length).collect());
        let last = AtomicUsize::new(0);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut signals: Vec<_> = (0..listeners).map(|_| vector.signal_vec()).collect();
        for signal in &mut signals {
            let _ = std::pin::Pin::new(signal).poll_vec_change(&mut context);
        }
        bencher.bench_local(|| {
            vector.lock_mut().push(black_box(length));
            for signal in &mut signals {
                if let std::task::Poll::Ready(Some(VecDiff::Push { value })) =
                    std::pin::Pin::new(&mut *signal).poll_vec_change(&mut context)
                {
                    store(&last, value);
                }
                let _ = std::pin::Pin::new(signal).poll_vec_change(&mut context);
            }
        });
    }
}
