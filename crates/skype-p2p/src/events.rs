//! The events that a program stores, and their commit.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::SystemTime,
};

use conv_model::{ConversationId, MessageBody, MessageStatus, Reason};
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{Stream, StreamExt as _};
use ucwa_session::{Checkpoint, ConversationChange, SessionEvent};

use crate::{
    keys::conversation_id,
    mailbox::{Command, Mailbox},
    projection,
    reason::reason,
};

/// The events of an application that a program stores, in batches: a stream that ends with the application.
///
/// [`ApplicationBuilder::build_with_events`](crate::ApplicationBuilder::build_with_events) returns it. Each page of events
/// of the server is acknowledged only after the [commit](EventBatch::commit) of its batch, and no later page arrives before.
/// A message with an ID of the program leaves only after the commit of its [`MessagePosting`](Event::MessagePosting). The
/// stored state therefore agrees with the state of the server, whenever the program is killed.
#[derive(Debug)]
pub struct Events(UnboundedReceiver<EventBatch>);

impl Events {
    /// Waits for the next batch. `None` after the end of the application.
    pub async fn next(&mut self) -> Option<EventBatch> {
        self.0.next().await
    }
}

impl Stream for Events {
    type Item = EventBatch;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<EventBatch>> {
        self.0.poll_next_unpin(context)
    }
}

/// Events of one transaction, to be stored in one transaction with the checkpoint.
#[must_use = "the server's events wait for the commit"]
pub struct EventBatch {
    events: Vec<Event>,
    checkpoint: Option<Checkpoint>,
    /// The number of the page that the commit acknowledges.
    page: Option<u64>,
    mailbox: Mailbox,
}

impl EventBatch {
    /// Returns the events, in order. Empty for a page with no event to store; its batch has to be committed as well.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns the state that another process needs to continue after these events. `None` if the application is not signed
    /// in.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// Reports that the events are stored, and those of the batches before. If the batch is dropped instead, no later event
    /// of the server arrives.
    ///
    /// Commit within 25 s: the server keeps a message for 30 s, and then reports it to its sender as not delivered. After 25
    /// s the [connection](crate::SignInManager::connection) is Reconnecting. The page is not acknowledged even then, because
    /// it would be lost if the program were killed before the commit.
    pub fn commit(self) {
        if let Some(page) = self.page {
            self.mailbox.send(Command::Commit(page));
        }
    }
}

/// Shows the number of the events, which contain texts.
impl fmt::Debug for EventBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBatch")
            .field("events", &self.events.len())
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}

/// An event that a program stores.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A message arrived.
    #[non_exhaustive]
    MessageReceived {
        /// The conversation.
        conversation: ConversationId,
        /// The [ID at the server](conv_model::TextMessage::remote_id), by which a repeated message is recognized.
        remote_id: String,
        /// The address of the sender. Empty if the server does not report it.
        sender: String,
        /// The body.
        body: MessageBody,
        /// The time when the message was written.
        timestamp: SystemTime,
    },
    /// The request for a message with an ID of the program leaves after the commit of this batch, whose checkpoint contains
    /// the message. From the commit on the message is doubtful.
    #[non_exhaustive]
    MessagePosting {
        /// The ID of the message.
        message_id: String,
    },
    /// The server has a message with an ID of the program.
    #[non_exhaustive]
    MessagePosted {
        /// The ID of the message.
        message_id: String,
        /// The ID at the server.
        remote_id: String,
    },
    /// The delivery result of a message with an ID of the program, sent by this process or by one before. `Unknown` may be
    /// followed by another result. The message is never sent again.
    #[non_exhaustive]
    MessageSettled {
        /// The ID of the message.
        message_id: String,
        /// The result: `Succeeded`, `Failed` or `Unknown`.
        status: MessageStatus,
        /// The reason for a failed or unknown delivery.
        reason: Option<Reason>,
    },
    /// The server no longer has the application of the checkpoint. The application signs in instead.
    #[non_exhaustive]
    NotResumed {
        /// The reason.
        reason: Reason,
    },
}

impl Event {
    /// The event to store, if it is one.
    pub(crate) fn of(event: &SessionEvent) -> Option<Self> {
        let (conversation, change) = match event {
            SessionEvent::NotResumed { failure, .. } => {
                let reason = reason(failure);
                return Some(Self::NotResumed { reason });
            }
            SessionEvent::Conversation {
                conversation,
                change,
                ..
            } => (conversation_id(*conversation), change.clone()),
            _ => return None,
        };
        Some(match change {
            ConversationChange::MessageReceived {
                sender,
                body,
                timestamp,
                href,
                ..
            } => Self::MessageReceived {
                conversation,
                remote_id: href,
                sender: sender.uri.unwrap_or_default(),
                body: projection::body(body),
                timestamp,
            },
            ConversationChange::MessagePosting { message_id, .. } => {
                Self::MessagePosting { message_id }
            }
            ConversationChange::MessagePosted {
                message_id, href, ..
            } => Self::MessagePosted {
                message_id,
                remote_id: href,
            },
            ConversationChange::MessageSettled {
                message_id,
                status,
                failure,
                ..
            } => Self::MessageSettled {
                message_id,
                status: projection::message_status(status),
                reason: failure.as_ref().map(reason),
            },
            _ => return None,
        })
    }
}

/// The driver's end of [`Events`].
pub(crate) struct EventSender {
    batches: UnboundedSender<EventBatch>,
    mailbox: Mailbox,
}

impl EventSender {
    pub(crate) fn new(mailbox: Mailbox) -> (Self, Events) {
        let (batches, receiver) = unbounded();
        (Self { batches, mailbox }, Events(receiver))
    }

    pub(crate) fn send(
        &self,
        events: Vec<Event>,
        checkpoint: Option<Checkpoint>,
        page: Option<u64>,
    ) {
        // An application that has dropped the receiver stores nothing, so it commits nothing either.
        let _ = self.batches.unbounded_send(EventBatch {
            events,
            checkpoint,
            page,
            mailbox: self.mailbox.clone(),
        });
    }
}
