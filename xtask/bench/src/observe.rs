//! Writes to a property and pushes to a collection, with listeners, beside lists of callbacks and `eyeball-im`.
//!
//! The source of the observable core is included, because only the model may write to it.

#[allow(dead_code, reason = "the core is used in part")]
#[path = "../../../crates/conv-model/src/sync.rs"]
mod sync;

mod reason {
    pub(crate) use conv_model::{Reason, ReasonCode};
}

#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the core is used in part"
)]
#[path = "../../../crates/conv-model/src/observable/mod.rs"]
mod observable;

use std::collections::VecDeque;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use eyeball_im::{ObservableVector, VectorDiff};
use futures_core::Stream;
use observable::cell::{Cell, Field};
use observable::list::{List, ListField};
use observable::store::{Node, Store};
use observable::{Collection, Property, Subscription};

use crate::client::Metrics;
use crate::meters::fastest;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The time for each pair, in milliseconds
    #[arg(long)]
    milliseconds: u64,
    /// The largest number of items of a collection
    #[arg(long)]
    items: usize,
}

/// The body of every listener.
fn store(last: &AtomicUsize, value: usize) {
    last.store(value, Relaxed);
}

struct Object {
    number: Cell<usize>,
    items: List<usize>,
}

fn object() -> Arc<Node<Object>> {
    let object = Object {
        number: Cell::new(0),
        items: List::new(),
    };
    Store::new().node((), object)
}

pub(crate) fn run(options: &Options) -> Metrics {
    let time = Duration::from_millis(options.milliseconds);
    let mut metrics = Metrics::new();
    let mut insert = |name: String, time: Duration| metrics.insert(name, time.as_nanos() as f64);
    for listeners in [0, 1, 10] {
        let times = writes(time, listeners);
        insert(format!("write_{listeners}"), times[0]);
        insert(format!("write_{listeners}_ordered"), times[1]);
        insert(format!("write_{listeners}_callbacks"), times[2]);
    }
    let sizes = [100, 10_000, 1_000_000].into_iter();
    for items in sizes.filter(|items| *items <= options.items) {
        let times = pushes(time, items, 10);
        insert(format!("push_{items}"), times[0]);
        insert(format!("push_{items}_eyeball_im"), times[1]);
    }
    metrics
}

type Callback = Arc<dyn Fn(usize) + Send + Sync>;

/// A value with callbacks that keeps the promises of a property: a callback may write, every change reaches every callback of its
/// time, in the order of the changes also between threads, a callback that panics stops no other, and none runs under the lock.
struct OrderedCallbacks(Mutex<OrderedState>);

struct OrderedState {
    value: usize,
    callbacks: Arc<[Callback]>,
    queue: VecDeque<(usize, Arc<[Callback]>)>,
    /// A thread calls the callbacks of the queue.
    is_delivering: bool,
}

impl OrderedCallbacks {
    fn set(&self, value: usize) {
        {
            let mut state = self.0.lock().unwrap();
            if std::mem::replace(&mut state.value, value) == value || state.callbacks.is_empty() {
                return;
            }
            let callbacks = Arc::clone(&state.callbacks);
            state.queue.push_back((value, callbacks));
            if std::mem::replace(&mut state.is_delivering, true) {
                return;
            }
        }
        while let Some((value, callbacks)) = self.next() {
            for callback in &*callbacks {
                drop(catch_unwind(AssertUnwindSafe(|| callback(value))));
            }
        }
    }

    fn next(&self) -> Option<(usize, Arc<[Callback]>)> {
        let mut state = self.0.lock().unwrap();
        let next = state.queue.pop_front();
        state.is_delivering = next.is_some();
        next
    }
}

/// A write to a property, one to [`OrderedCallbacks`], and one to a value and callbacks behind one lock, which are called without the
/// lock and without an order.
fn writes(time: Duration, listeners: usize) -> Vec<Duration> {
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
    let mut write = || {
        value += 1;
        object.store.transact(|transaction| {
            transaction.set(&object, |object| &mut object.number, black_box(value), None);
        });
    };

    let callbacks: Arc<[Callback]> = (0..listeners)
        .map(|_| {
            let last = Arc::clone(&last);
            Arc::new(move |value| store(&last, value)) as Callback
        })
        .collect();
    let ordered = OrderedCallbacks(Mutex::new(OrderedState {
        value: 0,
        callbacks: Arc::clone(&callbacks),
        queue: VecDeque::new(),
        is_delivering: false,
    }));
    let mut ordered_value = 0;
    let mut set = || {
        ordered_value += 1;
        ordered.set(black_box(ordered_value));
    };
    let state = Mutex::new((0, callbacks));
    let mut number = 0;
    let mut call = || {
        number += 1;
        let callbacks = {
            let mut state = state.lock().unwrap();
            state.0 = black_box(number);
            Arc::clone(&state.1)
        };
        callbacks.iter().for_each(|callback| callback(number));
    };
    fastest(time, 1000, &mut [&mut write, &mut set, &mut call])
}

/// A push to a collection, and one to a vector of `eyeball-im`, each with so many items and listeners.
fn pushes(time: Duration, items: usize, listeners: usize) -> Vec<Duration> {
    let object = object();
    let push = |value| {
        object.store.transact(|transaction| {
            transaction.push(&object, |object| &mut object.items, value);
        });
    };
    (0..items).for_each(push);
    let last = Arc::new(AtomicUsize::new(0));
    let collection = Collection::new(ListField {
        node: Arc::clone(&object),
        list: |object: &mut Object| &mut object.items,
    });
    let _registrations: Vec<Subscription> = (0..listeners)
        .map(|_| {
            let last = Arc::clone(&last);
            collection.added(move |item, _, _| store(&last, *item))
        })
        .collect();

    let mut vector = ObservableVector::with_capacity(128);
    vector.append((0..items).collect());
    let mut streams: Vec<_> = (0..listeners)
        .map(|_| vector.subscribe().into_stream())
        .collect();
    for stream in &mut streams {
        let _ = poll(stream);
    }
    let mut push_to_vector = || {
        vector.push_back(black_box(items));
        for stream in &mut streams {
            if let Poll::Ready(Some(VectorDiff::PushBack { value })) = poll(stream) {
                store(&last, value);
            }
            let _ = poll(stream);
        }
    };
    fastest(
        time,
        100,
        &mut [&mut || push(black_box(items)), &mut push_to_vector],
    )
}

fn poll<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}
