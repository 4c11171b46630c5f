//! Streams of changes.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::subscription::Subscription;
use super::sync::{Arc, Mutex, lock};

/// The error of a wait on a property whose model was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model was dropped, so the property cannot change any more")]
pub struct Closed;

/// A lossless stream: every item, in order. Unread items are kept, without bound. Dropping the stream ends the registration.
#[must_use = "a stream does nothing unless it is read"]
pub struct Changes<I> {
    channel: Arc<Channel<I>>,
    _registration: Subscription,
}

/// A conflating stream: the latest item that was not read yet; earlier unread items are skipped. Dropping the stream ends
/// the registration.
#[must_use = "a stream does nothing unless it is read"]
pub struct Latest<T>(Changes<T>);

pub(crate) struct Sender<I> {
    channel: Arc<Channel<I>>,
    conflate: bool,
}

struct Channel<I>(Mutex<State<I>>);

struct State<I> {
    items: VecDeque<I>,
    waker: Option<Waker>,
    closed: bool,
}

/// A lossless channel.
pub(crate) fn channel<I>() -> (Sender<I>, Changes<I>) {
    pair(false)
}

/// A channel that keeps only the last item.
pub(crate) fn latest<T>() -> (Sender<T>, Latest<T>) {
    let (sender, values) = pair(true);
    (sender, Latest(values))
}

fn pair<I>(conflate: bool) -> (Sender<I>, Changes<I>) {
    let state = State {
        items: VecDeque::new(),
        waker: None,
        closed: false,
    };
    let channel = Arc::new(Channel(Mutex::new(state)));
    let sender = Sender {
        channel: Arc::clone(&channel),
        conflate,
    };
    (
        sender,
        Changes {
            channel,
            _registration: Subscription::default(),
        },
    )
}

impl<I> Sender<I> {
    pub(crate) fn send(&self, item: I) {
        self.push(Some(item));
    }

    fn push(&self, item: Option<I>) {
        let (skipped, waker) = {
            let mut state = lock(&self.channel.0);
            let skipped = if self.conflate && item.is_some() {
                state.items.pop_front()
            } else {
                None
            };
            state.closed |= item.is_none();
            state.items.extend(item);
            (skipped, state.waker.take())
        };
        // The drop and the wake run foreign code, so the lock is not held.
        drop(skipped);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<I> Drop for Sender<I> {
    fn drop(&mut self) {
        self.push(None);
    }
}

impl<I> Changes<I> {
    /// Ends `registration`, which feeds the stream, with the stream.
    pub(crate) fn of(mut self, registration: Subscription) -> Self {
        self._registration = registration;
        self
    }

    /// The next item. `None` if the model is gone, so that no further item can come.
    pub fn recv(&mut self) -> impl Future<Output = Option<I>> + Send + '_
    where
        I: Send,
    {
        std::future::poll_fn(|context| self.poll(context))
    }

    /// The next item, if there is one now.
    pub fn try_recv(&mut self) -> Option<I> {
        lock(&self.channel.0).items.pop_front()
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<I>> {
        let waker = context.waker().clone();
        let former = {
            let mut state = lock(&self.channel.0);
            if let Some(item) = state.items.pop_front() {
                return Poll::Ready(Some(item));
            }
            if state.closed {
                return Poll::Ready(None);
            }
            state.waker.replace(waker)
        };
        drop(former);
        Poll::Pending
    }
}

impl<I> Stream for Changes<I> {
    type Item = I;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<I>> {
        self.poll(context)
    }
}

impl<T> Latest<T> {
    pub(crate) fn of(self, registration: Subscription) -> Self {
        Self(self.0.of(registration))
    }

    /// The latest unread value. `None` if the model is gone, so that no further value can come.
    pub fn recv(&mut self) -> impl Future<Output = Option<T>> + Send + '_
    where
        T: Send,
    {
        self.0.recv()
    }
}

impl<T> Stream for Latest<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll(context)
    }
}

impl<I> fmt::Debug for Changes<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unread = lock(&self.channel.0).items.len();
        f.debug_struct("Changes")
            .field("unread", &unread)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Latest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latest").finish_non_exhaustive()
    }
}
