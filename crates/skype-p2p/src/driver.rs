//! The driver: the loop that moves inputs and outputs between the session, the transport and the model.

use std::{
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use conv_model::{Fact, ModelWriter, Reason, ReasonCode, SignInState};
use conv_transport::HttpTransport;
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{Either, select},
};
use ucwa_session::{
    Checkpoint, ConnectionAuth, Input, Lane, Output, Question, QuestionId, RequestId, Session,
    SessionEvent, Ticket,
};

use crate::{
    events::{Event, EventSender},
    exchange,
    home::Home,
    mailbox::Command,
    projection,
    questions::{Callbacks, REFUSAL},
    reason::reason,
    resumption::Resumption,
    runtime::Runtime,
    tasks::Tasks,
};

/// How long the remaining exchanges may take after the application was shut down.
const LAST_EXCHANGES: Duration = Duration::from_secs(5);

/// Owns the session and runs it. The crate's documentation describes the flow of data.
pub(crate) struct Driver {
    session: Session,
    home: Home,
    transport: Arc<dyn HttpTransport>,
    callbacks: Callbacks,
    runtime: Arc<dyn Runtime>,
    writer: ModelWriter,
    commands: UnboundedReceiver<Command>,
    tasks: Tasks,
    wake_at: Option<Duration>,
    malformed_events: Arc<AtomicU64>,
    resumption: Resumption,
    /// Receives the events to store.
    events: Option<EventSender>,
    /// The number of the event page that was handed out last.
    page: Option<u64>,
    finished: bool,
}

/// The inputs of one turn of the loop: at most one of each source, so that no source starves another.
struct Turn {
    command: Option<Command>,
    ended: Option<Input>,
}

impl Driver {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of the driver, each used once"
    )]
    pub(crate) fn new(
        session: Session,
        home: Home,
        transport: Arc<dyn HttpTransport>,
        callbacks: Callbacks,
        runtime: Arc<dyn Runtime>,
        writer: ModelWriter,
        commands: UnboundedReceiver<Command>,
        resumption: Resumption,
        events: Option<EventSender>,
    ) -> Self {
        Self {
            session,
            home,
            transport,
            callbacks,
            tasks: Tasks::new(runtime.clone()),
            runtime,
            writer,
            commands,
            wake_at: None,
            malformed_events: Arc::default(),
            resumption,
            events,
            page: None,
            finished: false,
        }
    }

    /// The count of [`Session::malformed_parts`], updated after every input.
    pub(crate) fn malformed_events(&self) -> Arc<AtomicU64> {
        self.malformed_events.clone()
    }

    /// Runs until the last handle of the application is dropped or a panic occurs. Then, and also when the future is dropped,
    /// the sign-in state becomes `SignedOut`, and every pending command ends.
    ///
    /// The driver is in a box of its own, because a future has room for an argument twice.
    pub(crate) async fn run(mut self: Box<Self>) {
        match AssertUnwindSafe(self.serve()).catch_unwind().await {
            Ok(()) => self.finished = true,
            Err(_) => self.end("the application failed: its driver panicked"),
        }
    }

    async fn serve(&mut self) {
        loop {
            let Turn { command, ended } = self.next_turn().await;
            // The wall clock comes first, because the session resends its requests after a suspend of the machine.
            self.handle(Input::WallClock(self.runtime.wall_clock()));
            match command {
                Some(Command::Shutdown) => break,
                Some(command) => self.perform(command),
                None => {}
            }
            if let Some(input) = ended {
                self.handle(input);
            }
            if self.wake_at.is_some_and(|at| at <= self.runtime.now()) {
                self.handle(Input::Timeout);
            }
            // Under constant load the loop would never be pending, and a single-threaded runtime would run no other task.
            self.runtime.yield_now().await;
        }
        self.shut_down().await;
    }

    /// Waits for a command, the end of a task, or the session's timer.
    async fn next_turn(&mut self) -> Turn {
        let mut timer = match self.wake_at {
            Some(at) => self.runtime.sleep_until(at),
            None => Box::pin(pending()),
        };
        poll_fn(|context| {
            let command = self.commands.poll_next_unpin(context);
            let ended = self.tasks.poll_ended(context);
            let timer = timer.poll_unpin(context);
            if command.is_pending() && ended.is_pending() && timer.is_pending() {
                return Poll::Pending;
            }
            Poll::Ready(Turn {
                command: match command {
                    Poll::Ready(command) => Some(command.unwrap_or(Command::Shutdown)),
                    Poll::Pending => None,
                },
                ended: match ended {
                    Poll::Ready(input) => Some(input),
                    Poll::Pending => None,
                },
            })
        })
        .await
    }

    /// Shuts the session down and waits for the remaining exchanges, `LAST_EXCHANGES` at most: an application whose creation
    /// is in flight can only be deleted after the response.
    async fn shut_down(&mut self) {
        self.handle(Input::Shutdown);
        self.tasks.abort_questions();
        self.commands.close();
        while let Some(command) = self.commands.next().await {
            self.perform(command);
        }
        let runtime = self.runtime.clone();
        let deadline = runtime.sleep_until(runtime.now().saturating_add(LAST_EXCHANGES));
        let last = async {
            while self.tasks.has_exchanges() {
                let input = poll_fn(|context| self.tasks.poll_ended(context)).await;
                self.handle(input);
            }
        };
        if let Either::Right(_) = select(Box::pin(last), deadline).await {
            tracing::debug!("timed out waiting for the last responses");
        }
    }

    /// Submits the operation of a command to the session. Fails a command without an operation.
    fn perform(&mut self, command: Command) {
        match command {
            Command::Perform(command, operation) => {
                let ticket = Ticket(command.0);
                self.session.submit(self.runtime.now(), ticket, operation);
                self.settle();
            }
            Command::SetRoot(root) => self.session.set_root(root),
            Command::Refuse(command) => {
                let reason = Reason::new(ReasonCode::NotSupported);
                self.writer.commit([Fact::completed(command, Err(reason))]);
            }
            Command::Checkpoint(answer) => {
                // The caller may no longer wait for the checkpoint.
                let _ = answer.send(self.checkpoint());
            }
            Command::Detach(answer) => {
                let checkpoint = self.session.detach(self.runtime.now());
                let checkpoint = checkpoint.map(|it| self.with_cookies(it));
                self.settle();
                let _ = answer.send(checkpoint);
            }
            Command::Commit(page) => self.handle(Input::Commit(page)),
            Command::Shutdown => {}
        }
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        self.session.checkpoint().map(|it| self.with_cookies(it))
    }

    fn with_cookies(&self, checkpoint: Checkpoint) -> Checkpoint {
        match &self.callbacks.jar {
            Some(jar) => checkpoint.with_cookies(jar.export()),
            None => checkpoint,
        }
    }

    fn handle(&mut self, input: Input) {
        tracing::trace!(?input);
        self.session.handle(self.runtime.now(), input);
        self.malformed_events
            .store(self.session.malformed_parts(), Ordering::Relaxed);
        self.settle();
    }

    /// Carries out the outputs of the session. Requests are sent first. Then the events, and the results of the operations
    /// that they complete, are committed to the model as one transaction.
    fn settle(&mut self) {
        let mut facts = Vec::new();
        let mut events = Vec::new();
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
                    ..
                } => self.send(id, request, lane, deadline, authentication),
                Output::Abort(id) => self.tasks.abort(id),
                Output::Ask {
                    id,
                    question,
                    deadline,
                    ..
                } => self.ask(id, question, deadline),
                Output::Event(SessionEvent::Home { user, .. }) => self.home.set(user),
                Output::Event(event) => {
                    if let SessionEvent::NotResumed { failure, .. } = &event {
                        self.resumption.fail(reason(failure));
                    }
                    if self.events.is_some() {
                        events.extend(Event::of(&event));
                    }
                    facts.extend(projection::facts(event));
                }
                Output::Completed { ticket, result, .. } => {
                    facts.push(projection::completed(ticket, result));
                }
                Output::Idle { wake_at, .. } => {
                    self.wake_at = wake_at;
                    break;
                }
                other => tracing::error!(?other, "unknown output of the session"),
            }
        }
        if !facts.is_empty() {
            self.writer.commit(facts);
        }
        self.hand_out(events);
    }

    /// Hands out the events to store, with the checkpoint to store with them. A page without any of them needs its commit,
    /// too.
    fn hand_out(&mut self, events: Vec<Event>) {
        let page = self.session.uncommitted();
        let page = page.filter(|page| self.page != Some(*page));
        self.page = page.or(self.page);
        if events.is_empty() && page.is_none() {
            return;
        }
        let checkpoint = self.checkpoint();
        if let Some(receiver) = &self.events {
            receiver.send(events, checkpoint, page);
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
        let deadline = deadline.saturating_sub(self.runtime.now());
        let exchange = exchange::exchange(transport, request, lane, deadline, authentication);
        self.tasks.exchange(id, exchange);
    }

    fn ask(&mut self, id: QuestionId, question: Question, deadline: Duration) {
        let callbacks = self.callbacks.clone();
        let deadline = self.runtime.sleep_until(deadline);
        self.tasks.question(id, async move {
            match select(Box::pin(callbacks.answer(question)), deadline).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => REFUSAL,
            }
        });
    }

    /// Ends the application in the model. Nothing is sent to the server.
    fn end(&mut self, message: &'static str) {
        self.finished = true;
        let reason = Reason::new(ReasonCode::SignedOut).with_message(message);
        // The session reports a result for every message and operation, unless the session itself panicked and panics again.
        let facts = catch_unwind(AssertUnwindSafe(|| self.end_session(&reason)));
        self.writer.commit(
            facts.unwrap_or_else(|_| vec![Fact::sign_in(SignInState::SignedOut, Some(reason))]),
        );
    }

    /// Shuts the session down, drops its requests, and returns the facts of its events and results.
    fn end_session(&mut self, reason: &Reason) -> Vec<Fact> {
        self.session.handle(self.runtime.now(), Input::Shutdown);
        let mut facts = Vec::new();
        loop {
            match self.session.poll_output() {
                Output::Event(SessionEvent::SignIn { state, .. }) => {
                    facts.push(Fact::sign_in(
                        projection::sign_in_state(state),
                        Some(reason.clone()),
                    ));
                }
                Output::Event(event) => facts.extend(projection::facts(event)),
                Output::Completed { ticket, result, .. } => {
                    facts.push(projection::completed(ticket, result));
                }
                Output::Idle { .. } => return facts,
                _ => {}
            }
        }
    }
}

/// The runtime dropped the task of the driver if the driver has not finished.
impl Drop for Driver {
    fn drop(&mut self) {
        if !self.finished {
            self.end("the runtime of the application was shut down");
        }
    }
}
