//! The one loop that carries the session's inputs and outputs between the world and the model.

use std::{collections::BTreeMap, future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use conv_model::ModelWriter;
use conv_transport::HttpTransport;
use tokio::{
    sync::{mpsc, oneshot},
    task::{self, AbortHandle, JoinError, JoinSet},
    time::{Instant, sleep_until, timeout, timeout_at},
};
use ucwa_session::{
    ConnectionAuth, Failure, Input, Lane, Outcome, Output, Question, QuestionId, RequestId,
    Session, SessionEvent, Ticket,
};

use crate::{
    clock::Clock,
    exchange,
    home::Home,
    mailbox::Order,
    projection,
    questions::{Callbacks, NO},
};

/// How long the last requests, which nobody waits for, may take once the application has been shut down.
const LAST_REQUEST: Duration = Duration::from_secs(5);

/// Owns the session; the crate's documentation tells the way of the data.
pub(crate) struct Driver {
    session: Session,
    home: Home,
    transport: Arc<dyn HttpTransport>,
    callbacks: Callbacks,
    clock: Clock,
    writer: ModelWriter,
    orders: mpsc::UnboundedReceiver<Order>,
    /// Exchanges and questions under way. Each ends with the input that it was started for.
    tasks: JoinSet<Input>,
    errands: BTreeMap<task::Id, (Errand, AbortHandle)>,
    tickets: BTreeMap<Ticket, oneshot::Sender<Result<Outcome, Failure>>>,
    wake_at: Option<Duration>,
}

/// What a task was started for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Errand {
    Exchange(RequestId),
    Question(QuestionId),
}

impl Driver {
    pub(crate) fn new(
        session: Session,
        home: Home,
        transport: Arc<dyn HttpTransport>,
        callbacks: Callbacks,
        clock: Clock,
        writer: ModelWriter,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        Self {
            session,
            home,
            transport,
            callbacks,
            clock,
            writer,
            orders,
            tasks: JoinSet::new(),
            errands: BTreeMap::new(),
            tickets: BTreeMap::new(),
            wake_at: None,
        }
    }

    /// Runs until nobody holds the application any more.
    pub(crate) async fn run(mut self) {
        loop {
            let wake_at = self.wake_at.and_then(|at| self.clock.instant(at));
            // Biased, so that the same happenings give the same run: what the user wants comes first, and an answer before
            // the deadline that it just met.
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Shutdown) | None => break,
                    Some(order) => self.obey(order).await,
                },
                Some(ended) = self.tasks.join_next_with_id() => {
                    if let Some(input) = self.end_of_task(ended) {
                        self.handle(input).await;
                    }
                }
                () = reach(wake_at) => self.handle(Input::Timeout).await,
            }
        }
        self.shut_down().await;
    }

    /// Says goodbye, answers what is still in the mailbox, and gives the last requests their time: an application that is
    /// being created at the moment can only be deleted when the answer has come.
    async fn shut_down(&mut self) {
        self.handle(Input::Shutdown).await;
        self.orders.close();
        while let Some(order) = self.orders.recv().await {
            self.obey(order).await;
        }
        let last = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                if let Some(input) = self.end_of_task(ended) {
                    self.handle(input).await;
                }
            }
        };
        if timeout(LAST_REQUEST, last).await.is_err() {
            tracing::debug!("the server did not answer the last request in time");
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Perform { operation, done } => {
                let ticket = self.session.submit(self.clock.elapsed(), operation);
                self.tickets.insert(ticket, done);
                self.settle().await;
            }
            Order::Shutdown => {}
        }
    }

    async fn handle(&mut self, input: Input) {
        tracing::trace!(?input);
        self.session.handle(self.clock.elapsed(), input);
        self.settle().await;
    }

    /// Carries out what the session wants, to its end: requests go on the wire at once, the events become one
    /// transaction of the model, and then the operations that they settled are reported.
    async fn settle(&mut self) {
        let mut facts = Vec::new();
        let mut completed = Vec::new();
        let mut sent = false;
        loop {
            let output = self.session.poll_output();
            tracing::trace!(?output);
            match output {
                Output::Send {
                    id,
                    request,
                    lane,
                    deadline,
                    authentication,
                } => {
                    self.send(id, request, lane, deadline, authentication);
                    sent = true;
                }
                Output::Abort(id) => self.abort(id),
                Output::Ask {
                    id,
                    question,
                    deadline,
                } => self.ask(id, question, deadline),
                Output::Event(SessionEvent::Home { user }) => self.home.set(user),
                Output::Event(event) => facts.extend(projection::fact(event)),
                Output::Completed { ticket, result } => completed.push((ticket, result)),
                Output::Idle { wake_at } => {
                    self.wake_at = wake_at;
                    break;
                }
                other => tracing::error!(?other, "an output that this driver does not know"),
            }
        }
        if !facts.is_empty() {
            if sent {
                // Listeners run on this thread, and one may take its time: the requests first.
                task::yield_now().await;
            }
            self.writer.commit(facts);
        }
        for (ticket, result) in completed {
            if let Some(done) = self.tickets.remove(&ticket) {
                // The caller may have dropped the future; nothing depends on it.
                let _ = done.send(result);
            }
        }
    }

    fn send(
        &mut self,
        id: RequestId,
        request: http::Request<Bytes>,
        lane: Lane,
        deadline: Duration,
        authentication: Option<ConnectionAuth>,
    ) {
        let transport = self.transport.clone();
        let deadline = deadline.saturating_sub(self.clock.elapsed());
        self.start(Errand::Exchange(id), async move {
            Input::Response {
                id,
                result: exchange::exchange(&*transport, request, lane, deadline, authentication)
                    .await,
            }
        });
    }

    fn ask(&mut self, id: QuestionId, question: Question, deadline: Duration) {
        let callbacks = self.callbacks.clone();
        let deadline = self.clock.instant(deadline);
        self.start(Errand::Question(id), async move {
            let answer = callbacks.answer(question);
            let answer = match deadline {
                Some(deadline) => timeout_at(deadline, answer).await.unwrap_or(NO),
                None => answer.await,
            };
            Input::Answer { id, answer }
        });
    }

    fn start(&mut self, errand: Errand, task: impl Future<Output = Input> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.errands.insert(handle.id(), (errand, handle));
    }

    fn abort(&mut self, id: RequestId) {
        for (errand, handle) in self.errands.values() {
            if *errand == Errand::Exchange(id) {
                handle.abort();
            }
        }
    }

    /// The input that a task ended with; `None` if it was aborted.
    fn end_of_task(&mut self, ended: Result<(task::Id, Input), JoinError>) -> Option<Input> {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let errand = self.errands.remove(&id).map(|(errand, _)| errand);
        match (ended, errand) {
            (Ok((_, input)), _) => Some(input),
            (Err(error), Some(errand)) if error.is_panic() => Some(match errand {
                Errand::Exchange(id) => Input::Response {
                    id,
                    result: Err(exchange::panicked()),
                },
                Errand::Question(id) => Input::Answer { id, answer: NO },
            }),
            (Err(_), _) => None,
        }
    }
}

/// Waits until then, or for ever.
async fn reach(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
