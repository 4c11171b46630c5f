//! A second runtime: an executor with timers, on one thread and in virtual time.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    future::{Future, poll_fn},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, SystemTime},
};

use skype_p2p::{Runtime, RuntimeFuture};

use crate::world::beginning;

/// Runs tasks and timers. While a task is ready, each poll advances the clock by `poll_takes`. When no task is ready, the
/// clock jumps to the next timer.
#[derive(Clone)]
pub(crate) struct Executor(Arc<Mutex<State>>);

struct State {
    now: Duration,
    poll_takes: Duration,
    ready: VecDeque<Arc<Task>>,
    timers: BTreeMap<(Duration, u64), Waker>,
    timers_created: u64,
}

struct Task {
    executor: Executor,
    future: Mutex<Option<RuntimeFuture>>,
    is_ready: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !self.is_ready.swap(true, Ordering::SeqCst) {
            self.executor.state().ready.push_back(self.clone());
        }
    }
}

impl Executor {
    pub(crate) fn new(poll_takes: Duration) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            poll_takes,
            ready: VecDeque::new(),
            timers: BTreeMap::new(),
            timers_created: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Runs until `main` completes.
    pub(crate) fn block_on<T: Send + 'static>(
        &self,
        main: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let result = Arc::new(Mutex::new(None));
        let slot = result.clone();
        self.spawn(Box::pin(async move {
            let value = main.await;
            *slot.lock().unwrap() = Some(value);
        }));
        loop {
            if let Some(value) = result.lock().unwrap().take() {
                return value;
            }
            match self.next_ready() {
                Some(task) => self.poll(&task),
                None => self.jump(),
            }
            self.fire_timers();
        }
    }

    fn poll(&self, task: &Arc<Task>) {
        task.is_ready.store(false, Ordering::SeqCst);
        let mut future = task.future.lock().unwrap();
        let waker = Waker::from(task.clone());
        let mut context = Context::from_waker(&waker);
        let polled = future.as_mut().map(|it| it.as_mut().poll(&mut context));
        if polled == Some(Poll::Ready(())) {
            *future = None;
        }
        let mut state = self.state();
        let poll_takes = state.poll_takes;
        state.now += poll_takes;
    }

    fn jump(&self) {
        let mut state = self.state();
        let first = state.timers.first_key_value();
        let ((at, _), _) = first.expect("a ready task or a timer");
        state.now = *at;
    }

    fn fire_timers(&self) {
        loop {
            let mut state = self.state();
            let now = state.now;
            match state.timers.first_entry() {
                Some(timer) if timer.key().0 <= now => {
                    let waker = timer.remove();
                    drop(state);
                    waker.wake();
                }
                _ => return,
            }
        }
    }

    fn next_ready(&self) -> Option<Arc<Task>> {
        self.state().ready.pop_front()
    }
}

impl Runtime for Executor {
    fn now(&self) -> Duration {
        self.state().now
    }

    fn wall_clock(&self) -> SystemTime {
        beginning() + self.now()
    }

    fn seed(&self) -> u64 {
        let mut state = self.state();
        state.timers_created += 1;
        state.timers_created
    }

    fn sleep_until(&self, at: Duration) -> RuntimeFuture {
        let mut state = self.state();
        state.timers_created += 1;
        let key = (at, state.timers_created);
        drop(state);
        let timer = Timer {
            executor: self.clone(),
            key,
        };
        Box::pin(poll_fn(move |context| {
            let mut state = timer.executor.state();
            if state.now >= timer.key.0 {
                return Poll::Ready(());
            }
            state.timers.insert(timer.key, context.waker().clone());
            Poll::Pending
        }))
    }

    fn spawn(&self, task: RuntimeFuture) {
        let task = Task {
            executor: self.clone(),
            future: Mutex::new(Some(task)),
            is_ready: AtomicBool::new(false),
        };
        Arc::new(task).wake();
    }

    fn yield_now(&self) -> RuntimeFuture {
        let mut yielded = false;
        Box::pin(poll_fn(move |context| {
            if yielded {
                return Poll::Ready(());
            }
            yielded = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executor")
    }
}

struct Timer {
    executor: Executor,
    key: (Duration, u64),
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.executor.state().timers.remove(&self.key);
    }
}
