//! The part that all objects of one model share, and the commands in flight.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::backend::Backend;
use crate::group_registry::{GroupRegistry, Groups};
use crate::ids::CommandId;
use crate::observable::command::{CommandFuture, failed};
use crate::observable::store::{Node, Store, Transaction};
use crate::observable::stream::{Sender, channel};
use crate::observable::{Deliver, guarded};
use crate::people::People;
use crate::reason::{Reason, ReasonCode};
use crate::request::{Outcome, Request};
use crate::sync::Arc;

/// The store, the port, the people, the groups, the commands in flight, and the source of local IDs.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) store: Store,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) people: Arc<People>,
    pub(crate) groups: Arc<Groups>,
    /// The time of the last commit of facts.
    pub(crate) clock: Arc<Node<SystemTime>>,
    commands: Arc<Node<Commands>>,
    next_id: AtomicU64,
}

/// The commands that have not ended.
#[derive(Default)]
struct Commands {
    in_flight: BTreeMap<CommandId, InFlight>,
    /// The reason why the writer was dropped. No request can be completed any more.
    closed: Option<Reason>,
}

struct InFlight {
    /// The command belongs to the protocol, and a sign-out does not end it.
    is_own: bool,
    end: End,
}

/// Applies the end of a command to the model. Called once, under the lock, and dropped outside of it.
type End = Box<dyn FnMut(&mut Transaction<'_>, Result<Outcome, Reason>) + Send + Sync>;

/// Applies the end of a request to the model and makes the result of the command.
type Finish<R> = Box<
    dyn FnMut(&mut Transaction<'_>, Result<Outcome, Reason>) -> Result<R, Reason> + Send + Sync,
>;

/// The result of a command's transaction: done, or a request to the backend.
pub(crate) enum Step<R = ()> {
    /// The command is done.
    Done(R),
    /// The command completes when this request completes.
    Request(Request, Finish<R>),
}

impl Step {
    /// A request whose completion changes nothing in the model.
    pub(crate) fn request(request: impl Into<Request>) -> Self {
        Self::request_then(request, |_, result| result.map(drop))
    }
}

impl<R> Step<R> {
    /// A request, and the changes that its completion causes.
    pub(crate) fn request_then(
        request: impl Into<Request>,
        finish: impl FnMut(&mut Transaction<'_>, Result<Outcome, Reason>) -> Result<R, Reason>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::Request(request.into(), Box::new(finish))
    }
}

impl Model {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Arc<Self> {
        let store = Store::new();
        Arc::new(Self {
            backend,
            people: store.node((), BTreeMap::new()),
            groups: store.node((), GroupRegistry::new()),
            clock: store.node((), SystemTime::UNIX_EPOCH),
            commands: store.node((), Commands::default()),
            next_id: AtomicU64::new(1),
            store,
        })
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Runs a command. `decide` checks the command, commits its effect and returns the next step. Its request is sent in the
    /// order of the commits.
    pub(crate) fn command<R: Send + 'static>(
        self: &Arc<Self>,
        decide: impl FnOnce(&mut Transaction<'_>) -> Result<Step<R>, Reason>,
    ) -> CommandFuture<R> {
        let (sender, ended) = channel();
        let done = self
            .store
            .transact(|transaction| match decide(transaction)? {
                Step::Done(result) => Ok(Some(result)),
                Step::Request(request, mut finish) => {
                    let end = resolving(sender, move |transaction, result| {
                        finish(transaction, result)
                    });
                    self.start(transaction, false, end, |backend, command| {
                        backend.request(command, request);
                    });
                    Ok(None)
                }
            });
        match done {
            Err(reason) => failed(reason),
            Ok(Some(result)) => Box::pin(std::future::ready(Ok(result))),
            Ok(None) => future(ended),
        }
    }

    /// Runs a command of the protocol's own.
    pub(crate) fn own_command(
        self: &Arc<Self>,
        start: impl FnOnce(CommandId) + Send + 'static,
    ) -> CommandFuture<()> {
        let (sender, ended) = channel();
        self.store.transact(|transaction| {
            let end = resolving(sender, |_, result| result.map(drop));
            self.start(transaction, true, end, |_, command| start(command));
        });
        future(ended)
    }

    /// Sends a request to the backend without waiting for its end.
    pub(crate) fn notify(
        self: &Arc<Self>,
        transaction: &mut Transaction<'_>,
        request: impl Into<Request>,
    ) {
        let request = request.into();
        let command = CommandId(self.next_id());
        let backend = Arc::clone(&self.backend);
        transaction.call(move || backend.request(command, request));
    }

    fn start(
        self: &Arc<Self>,
        transaction: &mut Transaction<'_>,
        is_own: bool,
        mut end: End,
        call: impl FnOnce(&dyn Backend, CommandId) + Send + 'static,
    ) {
        let command = CommandId(self.next_id());
        let commands = transaction.cells(&self.commands);
        if let Some(reason) = commands.closed.clone() {
            end(transaction, Err(reason));
            return transaction.discard(end);
        }
        commands.in_flight.insert(command, InFlight { is_own, end });
        let model = Arc::clone(self);
        transaction.call(move || {
            let called = AssertUnwindSafe(|| call(&*model.backend, command));
            if let Err(panic) = catch_unwind(called) {
                let reason = Reason::new(ReasonCode::Failed).with_message("the backend panicked");
                model
                    .store
                    .transact(|transaction| model.complete(transaction, command, Err(reason)));
                resume_unwind(panic);
            }
        });
    }

    /// Ends a command, unless it has ended.
    pub(crate) fn complete(
        &self,
        transaction: &mut Transaction<'_>,
        command: CommandId,
        result: Result<Outcome, Reason>,
    ) {
        let commands = transaction.cells(&self.commands);
        if let Some(mut ended) = commands.in_flight.remove(&command) {
            (ended.end)(transaction, result);
            transaction.discard(ended);
        }
    }

    /// Ends every command that this transaction leaves in flight, except the protocol's own commands.
    pub(crate) fn sign_out(self: &Arc<Self>, transaction: &mut Transaction<'_>, reason: Reason) {
        let model = Arc::clone(self);
        transaction.at_end(move |transaction| {
            let in_flight = transaction.cells(&model.commands).in_flight.iter();
            let ended: Vec<_> = in_flight
                .filter(|(_, command)| !command.is_own)
                .map(|(command, _)| *command)
                .collect();
            for command in ended {
                model.complete(transaction, command, Err(reason.clone()));
            }
            transaction.discard(model);
        });
    }

    /// Ends every command in flight and prevents new ones, because the writer was dropped.
    pub(crate) fn close(&self, transaction: &mut Transaction<'_>, reason: Reason) {
        let commands = transaction.cells(&self.commands);
        commands.closed = Some(reason.clone());
        for (_, mut ended) in std::mem::take(&mut commands.in_flight) {
            (ended.end)(transaction, Err(reason.clone()));
            transaction.discard(ended);
        }
    }
}

/// The end of a command that `finish` applies and that then resolves the future, after the deliveries of the transaction.
fn resolving<R: Send + 'static>(
    sender: Sender<Result<R, Reason>>,
    mut finish: impl FnMut(&mut Transaction<'_>, Result<Outcome, Reason>) -> Result<R, Reason>
    + Send
    + Sync
    + 'static,
) -> End {
    let mut sender = Some(sender);
    Box::new(move |transaction, result| {
        let result = finish(transaction, result);
        if let Some(sender) = sender.take() {
            transaction.deliver_last(Resolution { sender, result });
        }
    })
}

/// Resolves the future of a command, in the order of the deliveries.
struct Resolution<R> {
    sender: Sender<Result<R, Reason>>,
    result: Result<R, Reason>,
}

impl<R: Send> Deliver for Resolution<R> {
    fn deliver(self: Box<Self>) {
        let Self { sender, result } = *self;
        if !guarded(|| sender.send(result)) {
            tracing::error!("a waker panicked");
        }
    }
}

fn future<R: Send + 'static>(
    mut ended: crate::observable::Changes<Result<R, Reason>>,
) -> CommandFuture<R> {
    Box::pin(async move {
        ended.recv().await.unwrap_or_else(|| {
            Err(Reason::new(ReasonCode::SignedOut).with_message("the model was dropped"))
        })
    })
}
