//! The port to an async runtime: time, tasks and randomness.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

/// A future of a [`Runtime`]: boxed, without a result.
pub type RuntimeFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What an application needs of an async runtime: a clock, timers, tasks and one random number.
///
/// `TokioRuntime` implements it for tokio, and is the default where the feature `tokio` is enabled.
/// An application calls no other clock, timer or executor, so an implementation decides on time: one with a simulated
/// clock runs an application in virtual time.
///
/// # Single-threaded runtimes
///
/// The trait and its futures are `Send`, because tokio moves tasks between threads. A runtime that runs everything on one
/// thread can satisfy the bounds without `unsafe`: it keeps what is not `Send` (a promise or a timer of a browser, say) in a
/// task or a thread-local of its own, and returns the receiving half of a channel as the future. The same is true of an
/// [`HttpTransport`](crate::HttpTransport) and of the callbacks of the [builder](crate::ApplicationBuilder).
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// The monotonic time since an epoch of the runtime's choice. The time never goes back.
    fn now(&self) -> Duration;

    /// The date and time of day. It may jump, because the user set the clock or the machine was suspended.
    fn wall_clock(&self) -> SystemTime;

    /// A number that cannot be guessed. It seeds the identifiers and the jitter of one application, unless
    /// [`seed`](crate::ApplicationBuilder::seed) is given.
    fn seed(&self) -> u64;

    /// Completes when [`now`](Self::now) is at least `at`, at once if it is already. Dropping the future cancels the timer.
    /// `at` may be as late as `Duration::MAX`, which must not panic.
    fn sleep_until(&self, at: Duration) -> RuntimeFuture;

    /// Runs `task` to its end, beside the caller and without blocking it. A runtime that shuts down drops the task.
    fn spawn(&self, task: RuntimeFuture);

    /// Completes after every other task that is ready, and the runtime's I/O and timers, had the opportunity to run. An
    /// application yields after each step, so this must not wait for a timer: `sleep(0)` in a browser takes milliseconds.
    fn yield_now(&self) -> RuntimeFuture;
}
