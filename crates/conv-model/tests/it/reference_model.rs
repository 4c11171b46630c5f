//! Random programs of writes, registrations, disposals, panics and re-entrant writes, compared with a simple reference
//! model. A failure prints the program.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

use conv_model::{Fact, Subscription};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::TestModel;

/// The action of a listener in one call.
#[derive(Clone, Debug)]
enum Action {
    Nothing,
    Write(Vec<usize>),
    Register(Script),
    Dispose(usize),
    Panic,
}

/// The actions of a listener in its first call, its second call, and so on.
type Script = Vec<Action>;

fn write() -> impl Strategy<Value = Action> {
    vec(0..5_usize, 0..3).prop_map(Action::Write)
}

fn script() -> impl Strategy<Value = Script> {
    let leaf = prop_oneof![
        3 => Just(Action::Nothing),
        2 => write(),
        2 => (0..8_usize).prop_map(Action::Dispose),
        1 => Just(Action::Panic),
    ];
    vec(leaf, 0..4).prop_recursive(2, 16, 4, |inner| {
        vec(prop_oneof![2 => Just(Action::Nothing), 1 => write(), 1 => inner.prop_map(Action::Register)], 0..4)
    })
}

fn program() -> impl Strategy<Value = Script> {
    let action = prop_oneof![
        4 => write(),
        3 => script().prop_map(Action::Register),
        1 => (0..8_usize).prop_map(Action::Dispose),
    ];
    vec(action, 1..16)
}

/// A call: the listener, the old value and the new value.
type Call = (usize, Option<usize>, usize);

/// The rules on plain data, for one thread.
#[derive(Default)]
struct Reference {
    value: usize,
    /// The remaining actions of each listener, by its number in the order of registration. Disposed and retired listeners
    /// are removed.
    listeners: BTreeMap<usize, VecDeque<Action>>,
    registered: usize,
    /// The listeners whose registration has not returned, so that there is no subscription yet, and those of them to dispose
    /// of when the registration returns.
    registering: BTreeSet<usize>,
    disposed: BTreeSet<usize>,
    queue: VecDeque<(usize, usize, Vec<usize>)>,
    delivering: bool,
    log: Vec<Call>,
}

impl Reference {
    fn act(&mut self, action: &Action) {
        match action {
            Action::Nothing | Action::Panic => {}
            Action::Write(values) => {
                for new in values {
                    if *new != self.value {
                        let listeners = self.listeners.keys().copied().collect();
                        self.queue.push_back((self.value, *new, listeners));
                        self.value = *new;
                    }
                }
                self.deliver();
            }
            Action::Register(script) => {
                let listener = self.registered;
                self.registered += 1;
                self.listeners
                    .insert(listener, script.iter().cloned().collect());
                self.registering.insert(listener);
                let outermost = !std::mem::replace(&mut self.delivering, true);
                self.call(listener, None, self.value);
                if outermost {
                    self.delivering = false;
                    self.deliver();
                }
                self.registering.remove(&listener);
                if self.disposed.contains(&listener) {
                    self.listeners.remove(&listener);
                }
            }
            Action::Dispose(listener) if self.registering.contains(listener) => {
                self.disposed.insert(*listener);
            }
            Action::Dispose(listener) => {
                self.listeners.remove(listener);
            }
        }
    }

    fn deliver(&mut self) {
        if std::mem::replace(&mut self.delivering, true) {
            return;
        }
        while let Some((old, new, listeners)) = self.queue.pop_front() {
            for listener in listeners {
                self.call(listener, Some(old), new);
            }
        }
        self.delivering = false;
    }

    fn call(&mut self, listener: usize, old: Option<usize>, new: usize) {
        let Some(script) = self.listeners.get_mut(&listener) else {
            return;
        };
        let action = script.pop_front().unwrap_or(Action::Nothing);
        self.log.push((listener, old, new));
        if matches!(action, Action::Panic) {
            self.listeners.remove(&listener);
        } else {
            self.act(&action);
        }
    }
}

/// The same rules on a model.
struct Real {
    model: TestModel,
    state: Mutex<RealState>,
}

#[derive(Default)]
struct RealState {
    registered: usize,
    subscriptions: BTreeMap<usize, Subscription>,
    /// The listeners to dispose of when their registration returns.
    disposed: Vec<usize>,
    log: Vec<Call>,
}

impl Real {
    fn act(self: &Arc<Self>, action: &Action) {
        match action {
            Action::Nothing => {}
            Action::Panic => std::panic::resume_unwind(Box::new("on purpose")),
            Action::Write(values) => self
                .model
                .commit(values.iter().copied().map(Fact::UnreadConversations)),
            Action::Register(script) => {
                let listener = {
                    let mut state = self.state.lock().unwrap();
                    state.registered += 1;
                    state.registered - 1
                };
                let script = Mutex::new(script.iter().cloned().collect::<VecDeque<_>>());
                let real = Arc::downgrade(self);
                let subscription = self.model.number().changed(move |change| {
                    let real = real.upgrade().unwrap();
                    real.state
                        .lock()
                        .unwrap()
                        .log
                        .push((listener, change.old, change.new));
                    let action = script
                        .lock()
                        .unwrap()
                        .pop_front()
                        .unwrap_or(Action::Nothing);
                    real.act(&action);
                });
                let mut state = self.state.lock().unwrap();
                let disposed = state.disposed.contains(&listener);
                let kept = if disposed {
                    Some(subscription)
                } else {
                    state.subscriptions.insert(listener, subscription)
                };
                drop(state);
                drop(kept);
            }
            Action::Dispose(listener) => {
                let mut state = self.state.lock().unwrap();
                let subscription = state.subscriptions.remove(listener);
                if subscription.is_none() && *listener < state.registered {
                    state.disposed.push(*listener);
                }
                drop(state);
                drop(subscription);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_program_delivers_the_calls_of_the_reference(program in program()) {
        let mut reference = Reference::default();
        let real = Arc::new(Real { model: TestModel::signed_out(), state: Mutex::default() });
        for action in &program {
            reference.act(action);
            real.act(action);
            prop_assert_eq!(real.model.number().get(), reference.value);
        }
        let state = std::mem::take(&mut *real.state.lock().unwrap());
        prop_assert_eq!(&state.log, &reference.log);
        // The listeners must not run while the values are dropped.
        drop(state);
    }
}

/// An action of one of several threads.
#[derive(Clone, Debug)]
enum Operation {
    Write,
    WriteTwice,
    /// Registers a listener that panics in one of its calls and writes in another.
    Listen {
        panics: usize,
        writes: usize,
    },
    Unsubscribe,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        4 => Just(Operation::Write),
        1 => Just(Operation::WriteTwice),
        3 => (1..12_usize, 1..12_usize).prop_map(|(panics, writes)| Operation::Listen { panics, writes }),
        1 => Just(Operation::Unsubscribe),
    ];
    vec(operation, 1..24)
}

/// The calls of a listener, and whether it panicked or its subscription was dropped.
#[derive(Clone, Default)]
struct RecordedCalls {
    calls: Arc<Mutex<Vec<(Option<usize>, usize)>>>,
    panicked: Arc<AtomicBool>,
    unsubscribed: bool,
}

/// A model in which no value is written twice, so that each value identifies its commit.
struct Numbers {
    model: TestModel,
    next: AtomicUsize,
}

impl Numbers {
    fn next(&self) -> Fact {
        Fact::UnreadConversations(self.next.fetch_add(1, SeqCst) + 1)
    }

    fn listen(self: &Arc<Self>, panics: usize, writes: usize) -> (Subscription, RecordedCalls) {
        let calls = RecordedCalls::default();
        let (numbers, listener) = (Arc::downgrade(self), calls.clone());
        let subscription = self.model.number().changed(move |change| {
            let count = {
                let mut calls = listener.calls.lock().unwrap();
                calls.push((change.old, change.new));
                calls.len()
            };
            if count == writes {
                let numbers = numbers.upgrade().unwrap();
                numbers.model.commit([numbers.next()]);
            }
            if count == panics {
                listener.panicked.store(true, SeqCst);
                std::panic::resume_unwind(Box::new("on purpose"));
            }
        });
        (subscription, calls)
    }

    fn run(self: &Arc<Self>, program: &[Operation]) -> (Vec<Subscription>, Vec<RecordedCalls>) {
        let (mut subscriptions, mut all) = (Vec::new(), Vec::<RecordedCalls>::new());
        for operation in program {
            match operation {
                Operation::Write => self.model.commit([self.next()]),
                Operation::WriteTwice => self.model.commit([self.next(), self.next()]),
                Operation::Listen { panics, writes } => {
                    let (subscription, calls) = self.listen(*panics, *writes);
                    subscriptions.push((subscription, all.len()));
                    all.push(calls);
                }
                Operation::Unsubscribe => {
                    if let Some((subscription, index)) = subscriptions.pop() {
                        drop(subscription);
                        all[index].unsubscribed = true;
                    }
                }
            }
        }
        (
            subscriptions
                .into_iter()
                .map(|(subscription, _)| subscription)
                .collect(),
            all,
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The order of the commits of several threads is not known in advance. A listener that is registered first records that
    /// order. Each other listener must get every change of that order between its registration and its end.
    #[test]
    fn random_programs_on_several_threads_deliver_in_one_order(programs in vec(operations(), 2..5)) {
        let numbers = Arc::new(Numbers { model: TestModel::signed_out(), next: AtomicUsize::new(0) });
        let (subscription, order) = numbers.listen(usize::MAX, usize::MAX);
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = programs.iter().map(|program| scope.spawn(|| numbers.run(program))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        drop(subscription);
        let order = order.calls.lock().unwrap().clone();
        for pair in order.windows(2) {
            prop_assert_eq!(pair[1].0, Some(pair[0].1));
        }
        prop_assert_eq!(order.last().map(|call| call.1), Some(numbers.model.number().get()));
        for recorded in results.iter().flat_map(|(_, all)| all) {
            let calls = recorded.calls.lock().unwrap().clone();
            let (first, rest) = calls.split_first().expect("the replay");
            prop_assert_eq!(first.0, None);
            let position = order.iter().position(|(_, new)| *new == first.1).expect("a committed value");
            let expected = &order[position + 1..];
            prop_assert!(expected.starts_with(rest), "{:?} of {:?}", calls, expected);
            let ended_early = recorded.unsubscribed || recorded.panicked.load(SeqCst);
            prop_assert!(ended_early || rest.len() == expected.len(), "{:?} of {:?}", calls, expected);
        }
    }
}
