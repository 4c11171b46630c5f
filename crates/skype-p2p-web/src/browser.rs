//! The runtime of a web page: its clocks, timers, tasks and randomness.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt,
    rc::Rc,
    time::{Duration, SystemTime},
};

use futures_channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use send_wrapper::SendWrapper;
use skype_p2p::{Runtime, RuntimeFuture};
use wasm_bindgen::prelude::*;
use web_sys::MessageChannel;

/// The longest delay of `setTimeout`, which takes a longer one for zero. A later timer is set in several parts.
const LONGEST_DELAY: u32 = i32::MAX.unsigned_abs();

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn milliseconds() -> f64;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn fill_with_random_values(values: &js_sys::BigUint64Array);
}

/// The [`Runtime`] of a web page.
///
/// Browsers throttle the timers of hidden pages to one per minute, so timers may be late by that much.
pub struct Browser {
    turns: SendWrapper<Turns>,
}

impl Browser {
    /// Creates a runtime.
    ///
    /// # Errors
    ///
    /// If the browser has no `MessageChannel`.
    pub fn new() -> Result<Self, JsValue> {
        Ok(Self {
            turns: SendWrapper::new(Turns::new()?),
        })
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").finish_non_exhaustive()
    }
}

impl Runtime for Browser {
    fn now(&self) -> Duration {
        since_page_start()
    }

    fn wall_clock(&self) -> SystemTime {
        let since_epoch = Duration::try_from_secs_f64(js_sys::Date::now() / 1000.0);
        SystemTime::UNIX_EPOCH + since_epoch.unwrap_or_default()
    }

    fn seed(&self) -> u64 {
        let values = js_sys::BigUint64Array::new_with_length(1);
        fill_with_random_values(&values);
        values.get_index(0)
    }

    fn sleep_until(&self, at: Duration) -> RuntimeFuture {
        Box::pin(SendWrapper::new(sleep_until(at)))
    }

    fn spawn(&self, task: RuntimeFuture) {
        wasm_bindgen_futures::spawn_local(task);
    }

    fn yield_now(&self) -> RuntimeFuture {
        self.turns.next()
    }
}

/// The monotonic time since the page was opened.
fn since_page_start() -> Duration {
    Duration::try_from_secs_f64(milliseconds() / 1000.0).unwrap_or_default()
}

/// Completes at a time of the clock of the page. Dropping the future clears the timer.
async fn sleep_until(at: Duration) {
    loop {
        let left = at.saturating_sub(since_page_start());
        if left.is_zero() {
            return;
        }
        // Rounded up, so that a timer does not fire just before its time.
        let delay = u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(LONGEST_DELAY);
        TimeoutFuture::new(delay.min(LONGEST_DELAY)).await;
    }
}

/// Completes after `delay`.
pub(crate) async fn sleep(delay: Duration) {
    sleep_until(since_page_start().saturating_add(delay)).await;
}

/// Waits for the next turn of the event loop of the browser, by a message to the page itself: unlike a promise, a message lets
/// the browser run its other events first, and unlike a timer, it is not delayed.
struct Turns {
    channel: MessageChannel,
    waiting: Rc<RefCell<VecDeque<oneshot::Sender<()>>>>,
    _on_message: Closure<dyn Fn()>,
}

impl Turns {
    fn new() -> Result<Self, JsValue> {
        let channel = MessageChannel::new()?;
        let waiting = Rc::<RefCell<VecDeque<oneshot::Sender<()>>>>::default();
        let queue = waiting.clone();
        let on_message = Closure::<dyn Fn()>::new(move || {
            let next = queue.borrow_mut().pop_front();
            if let Some(next) = next {
                // The future may have been dropped.
                let _ = next.send(());
            }
        });
        channel
            .port1()
            .set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Ok(Self {
            channel,
            waiting,
            _on_message: on_message,
        })
    }

    fn next(&self) -> RuntimeFuture {
        let (sender, turn) = oneshot::channel();
        if self.channel.port2().post_message(&JsValue::NULL).is_ok() {
            self.waiting.borrow_mut().push_back(sender);
        }
        Box::pin(async move {
            // The sender is dropped if there is no message to wait for.
            let _ = turn.await;
        })
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.channel.port1().set_onmessage(None);
        self.channel.port1().close();
    }
}
