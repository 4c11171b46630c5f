//! The task that owns the engine, and the handle by which connections send requests to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::commit_queue::CommitQueue;
use crate::engine::{Activity, Engine, Input, Output, RequestId};
use crate::fault::Fault;

/// A command for the engine's task.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every command is a request, and each is passed once"
)]
pub(super) enum Command {
    Request {
        id: RequestId,
        request: Request<Bytes>,
        reply: oneshot::Sender<Response<Bytes>>,
    },
    Disconnected {
        id: RequestId,
    },
    Fault {
        fault: Fault,
        /// Whether the changes were stored.
        done: oneshot::Sender<bool>,
    },
    Status(oneshot::Sender<EngineStatus>),
}

/// The contents of the engine, and the state of its store.
#[derive(Default)]
pub(super) struct EngineStatus {
    pub(super) activity: Activity,
    /// Why the last transaction failed; `None` if it succeeded.
    pub(super) store_failure: Option<String>,
}

/// A handle of the engine's task. The task ends when the last handle is dropped.
#[derive(Clone)]
pub(super) struct EngineHandle {
    commands: mpsc::UnboundedSender<Command>,
    requests: Arc<AtomicU64>,
}

/// Reports a request as disconnected when this is dropped. hyper drops the future of a request with its connection.
struct Waiting {
    id: RequestId,
    commands: mpsc::UnboundedSender<Command>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // If the engine's task has ended, there is no reply to cancel.
        let _ = self.commands.send(Command::Disconnected { id: self.id });
    }
}

impl EngineHandle {
    /// A handle, and the receiver of its commands for [`run`].
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (commands, inbox) = mpsc::unbounded_channel();
        let handle = Self {
            commands,
            requests: Arc::default(),
        };
        (handle, inbox)
    }

    /// The engine's response to a request. 503 if the engine's task has ended.
    pub(super) async fn request(self, request: Request<Bytes>) -> Response<Bytes> {
        let id = RequestId(self.requests.fetch_add(1, Ordering::Relaxed));
        let (reply, answer) = oneshot::channel();
        self.send(Command::Request { id, request, reply });
        let waiting = Waiting {
            id,
            commands: self.commands,
        };
        let response = answer.await;
        drop(waiting);
        response.unwrap_or_else(|_| unavailable())
    }

    /// Injects a fault. Returns whether its changes are stored.
    pub(super) async fn inject(&self, fault: Fault) -> bool {
        let (done, stored) = oneshot::channel();
        self.send(Command::Fault { fault, done });
        stored.await.unwrap_or(false)
    }

    /// The contents of the engine, and the state of its store. Empty if the engine's task has ended.
    pub(super) async fn status(&self) -> EngineStatus {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Status(reply));
        answer.await.unwrap_or_default()
    }

    /// Waits until the engine's task has ended.
    pub(super) async fn closed(&self) {
        self.commands.closed().await;
    }

    /// Sends a command to the engine's task. If the task has ended, the command is dropped with its reply.
    fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}

/// The response of a server that has failed, or that could not store what it would have answered.
fn unavailable() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// Runs the engine until the last handle is dropped.
pub(super) async fn run(
    mut engine: Engine,
    mut commits: CommitQueue,
    mut inbox: mpsc::UnboundedReceiver<Command>,
) {
    let epoch = Instant::now();
    let mut replies: BTreeMap<RequestId, oneshot::Sender<Response<Bytes>>> = BTreeMap::new();
    loop {
        commits.add(engine.take_changes());
        let wake_at = loop {
            match engine.poll_output() {
                Output::Reply { id, response } => {
                    if let Some(reply) = replies.remove(&id) {
                        commits.when_stored(move |stored| {
                            let response = if stored { response } else { unavailable() };
                            // If the request's future was dropped, its `Disconnected` command is queued.
                            let _ = reply.send(response);
                        });
                    }
                }
                Output::Idle { wake_at } => break wake_at,
            }
        };
        commits.start_if_due();
        let wake = sleep_until(wake_at.map_or(epoch, |wake_at| epoch + wake_at));
        tokio::select! {
            command = inbox.recv() => match command {
                None => {
                    commits.flush().await;
                    return;
                }
                Some(Command::Request { id, request, reply }) => {
                    replies.insert(id, reply);
                    engine.handle(epoch.elapsed(), Input::Request { id, request });
                }
                Some(Command::Disconnected { id }) => {
                    if replies.remove(&id).is_some() {
                        engine.handle(epoch.elapsed(), Input::Disconnected { id });
                    }
                }
                Some(Command::Fault { fault, done }) => {
                    engine.inject(epoch.elapsed(), fault);
                    commits.add(engine.take_changes());
                    commits.when_stored(move |stored| {
                        // The receiver is dropped if the caller has dropped its future.
                        let _ = done.send(stored);
                    });
                }
                Some(Command::Status(reply)) => {
                    let status = EngineStatus {
                        activity: engine.activity(),
                        store_failure: commits.failure(),
                    };
                    // The receiver is dropped if the caller has dropped its future.
                    let _ = reply.send(status);
                }
            },
            finished = commits.finished() => if finished.is_err() {
                return;
            },
            () = wake, if wake_at.is_some() => engine.handle(epoch.elapsed(), Input::Timeout),
        }
    }
}
