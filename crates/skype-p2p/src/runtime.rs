//! The interface to an async runtime: clocks, timers, tasks and a seed.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

/// A boxed future without a result.
pub type RuntimeFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The services that an application needs from an async runtime: clocks, timers, tasks and a random seed.
///
/// `TokioRuntime` implements the trait for tokio and is the default if the feature `tokio` is enabled. An application uses no
/// other clock, timer or executor, so a runtime with a simulated clock runs it in virtual time.
///
/// # Single-threaded runtimes
///
/// The trait and its futures are `Send`, because tokio moves tasks between threads. A runtime that runs everything on one
/// thread can satisfy the bounds without `unsafe`: it keeps what is not `Send` (a promise or a timer of a browser, say) in a
/// task or a thread-local of its own, and returns the receiving half of a channel as the future. The same is true of an
/// [`HttpTransport`](crate::HttpTransport) and of the callbacks of the [builder](crate::ApplicationBuilder).
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// Returns the monotonic time since an epoch of the runtime's choice. It never decreases.
    fn now(&self) -> Duration;

    /// Returns the wall-clock time. It may jump, because the user set the clock or the machine was suspended.
    fn wall_clock(&self) -> SystemTime;

    /// Returns an unpredictable number, a new one for each call. It seeds the identifiers and the jitter of an application,
    /// unless [`ApplicationBuilder::seed`](crate::ApplicationBuilder::seed) is set.
    fn seed(&self) -> u64;

    /// Completes when [`now`](Self::now) is at least `at`, which may be in the past. Dropping the future cancels the timer.
    /// `at` may be as late as `Duration::MAX`: the implementation must not panic.
    fn sleep_until(&self, at: Duration) -> RuntimeFuture;

    /// Runs `task` to completion, concurrently with the caller. A runtime that shuts down drops the task.
    fn spawn(&self, task: RuntimeFuture);

    /// Completes after the other ready tasks, and the runtime's I/O and timers, had an opportunity to run. The driver yields
    /// after each turn, so an implementation must not use a timer: `sleep(0)` takes milliseconds in a browser.
    fn yield_now(&self) -> RuntimeFuture;
}
