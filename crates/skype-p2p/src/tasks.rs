//! The exchanges and questions in flight, each in a task of its own.

use std::{
    collections::BTreeMap,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{AbortHandle, abortable},
};
use ucwa_session::{Answer, Input, QuestionId, RequestId, TransportFailure};

use crate::{exchange, questions::REFUSAL, runtime::Runtime};

/// Runs exchanges and questions, and returns their results as inputs of the session, in the order in which they ended.
/// Dropping it aborts all of them.
pub(crate) struct Tasks {
    runtime: Arc<dyn Runtime>,
    exchanges: BTreeMap<RequestId, AbortOnDrop>,
    questions: BTreeMap<QuestionId, AbortOnDrop>,
    ended: UnboundedReceiver<Input>,
    sender: UnboundedSender<Input>,
}

impl Tasks {
    pub(crate) fn new(runtime: Arc<dyn Runtime>) -> Self {
        let (sender, ended) = unbounded();
        Self {
            runtime,
            exchanges: BTreeMap::new(),
            questions: BTreeMap::new(),
            ended,
            sender,
        }
    }

    /// Starts an exchange. Its future is polled once before this returns, so that the request is sent before the model
    /// changes.
    pub(crate) fn exchange(
        &mut self,
        id: RequestId,
        exchange: impl Future<Output = Result<http::Response<bytes::Bytes>, TransportFailure>>
        + Send
        + 'static,
    ) {
        let (mut task, abort) = self.task(exchange, move |result| Input::Response {
            id,
            result: result.unwrap_or_else(|| Err(exchange::panicked())),
        });
        // The first poll by the runtime registers the task's own waker.
        let mut context = Context::from_waker(Waker::noop());
        if task.as_mut().poll(&mut context).is_pending() {
            self.runtime.spawn(task);
        }
        self.exchanges.insert(id, abort);
    }

    /// Starts a callback of the application. If the callback panics, the answer is a refusal.
    pub(crate) fn question(
        &mut self,
        id: QuestionId,
        answer: impl Future<Output = Answer> + Send + 'static,
    ) {
        let (task, abort) = self.task(answer, move |answer| Input::Answer {
            id,
            answer: answer.unwrap_or(REFUSAL),
        });
        self.runtime.spawn(task);
        self.questions.insert(id, abort);
    }

    /// Returns a task that runs `future` and sends `input` of its result. The result is `None` if the future panicked.
    fn task<T: 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
        input: impl FnOnce(Option<T>) -> Input + Send + 'static,
    ) -> (Pin<Box<dyn Future<Output = ()> + Send>>, AbortOnDrop) {
        let sender = self.sender.clone();
        let (future, abort) = abortable(AssertUnwindSafe(future).catch_unwind());
        // An async block would have room for the future twice.
        let task = future.map(move |result| {
            if let Ok(result) = result {
                // Fails after the driver has ended.
                let _ = sender.unbounded_send(input(result.ok()));
            }
        });
        (Box::pin(task), AbortOnDrop(abort))
    }

    /// Aborts an exchange: its future is dropped. An exchange that has already ended still returns its result.
    pub(crate) fn abort(&mut self, id: RequestId) {
        self.exchanges.remove(&id);
    }

    /// Aborts all questions.
    pub(crate) fn abort_questions(&mut self) {
        self.questions.clear();
    }

    pub(crate) fn has_exchanges(&self) -> bool {
        !self.exchanges.is_empty()
    }

    /// Polls for the result of the next exchange or question that ended.
    pub(crate) fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Input> {
        match self.ended.poll_next_unpin(context) {
            Poll::Ready(Some(input)) => {
                match &input {
                    Input::Response { id, .. } => drop(self.exchanges.remove(id)),
                    Input::Answer { id, .. } => drop(self.questions.remove(id)),
                    _ => {}
                }
                Poll::Ready(input)
            }
            // The channel never closes, because `self` holds a sender.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
