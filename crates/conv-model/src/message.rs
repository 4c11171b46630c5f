//! A message of a conversation.

use std::fmt;
use std::time::SystemTime;

use crate::body::MessageBody;
use crate::html;
use crate::ids::{Id, MessageId};
use crate::model::Model;
use crate::observable::Property;
use crate::observable::cell::{Cell, Field};
use crate::observable::store::{Node, Transaction};
use crate::person::Person;
use crate::reason::Reason;
use crate::remote_id::RemoteId;
use crate::states::{Direction, MessageStatus};
use crate::sync::Arc;

pub(crate) struct MessageCells {
    state: Cell<MessageState>,
}

/// The values that may change. They are one cell, of which each property shows a part, because a conversation has many messages. The
/// reason of the cell is that of the status.
#[derive(Clone, PartialEq)]
struct MessageState {
    timestamp: SystemTime,
    status: MessageStatus,
    remote_id: Option<RemoteId>,
}

pub(crate) struct MessageIdentity {
    /// The ID in its parts, which take less memory.
    is_local: bool,
    number: u64,
    direction: Direction,
    sender: Person,
    body: MessageBody,
}

/// A text message (`TextMessageActivityItem`). Cloning gives another handle on the same message.
///
/// The sender wrote either text or HTML; the other form is derived from it.
#[derive(Clone)]
pub struct TextMessage {
    pub(crate) node: Arc<Node<MessageCells, MessageIdentity>>,
}

impl TextMessage {
    pub(crate) fn timestamp_now(&self, transaction: &mut Transaction<'_>) -> SystemTime {
        transaction.cells(&self.node).state.get().timestamp
    }

    pub(crate) fn new(
        model: &Model,
        id: MessageId,
        direction: Direction,
        sender: Person,
        body: MessageBody,
        timestamp: SystemTime,
        status: MessageStatus,
    ) -> Self {
        let state = Cell::new(MessageState {
            timestamp,
            status,
            remote_id: None,
        });
        let cells = MessageCells { state };
        let (is_local, number) = id.parts();
        let identity = MessageIdentity {
            is_local,
            number,
            direction,
            sender,
            body,
        };
        Self {
            node: model.store.node(identity, cells),
        }
    }

    /// The ID of the message in its conversation.
    #[must_use]
    pub fn id(&self) -> MessageId {
        MessageId::of(self.node.fixed.is_local, self.node.fixed.number)
    }

    /// Whether the message is incoming or outgoing.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.node.fixed.direction
    }

    /// The sender, who need not be a participant.
    #[must_use]
    pub fn sender(&self) -> Person {
        self.node.fixed.sender.canonical().clone()
    }

    /// The body as the sender wrote it. HTML is untrusted.
    #[must_use]
    pub fn body(&self) -> &MessageBody {
        &self.node.fixed.body
    }

    /// The body as plain text. For an HTML message: its text, with a line for each paragraph and line break.
    #[must_use]
    pub fn text(&self) -> String {
        match self.body() {
            MessageBody::Text(text) | MessageBody::Other { raw: text, .. } => text.clone(),
            MessageBody::Html(html) => html::to_text(html),
        }
    }

    /// The body as HTML that is safe to show. For a text message: the escaped text. For an HTML message: with the feature
    /// `sanitizer`, the HTML without everything that could run or load something or disguise its content, pictures included;
    /// without the feature, the escaped [`text`](Self::text).
    #[must_use]
    pub fn html(&self) -> String {
        match self.body() {
            MessageBody::Text(text) | MessageBody::Other { raw: text, .. } => html::escape(text),
            MessageBody::Html(html) => html::sanitize(html),
        }
    }

    /// The HTML as the sender wrote it. Incoming HTML is untrusted and may contain scripts. `None` for a text message.
    #[must_use]
    pub fn unsafe_html(&self) -> Option<&str> {
        match self.body() {
            MessageBody::Text(_) | MessageBody::Other { .. } => None,
            MessageBody::Html(html) => Some(html),
        }
    }

    /// The time when the message was written. For an outgoing message, the local time until the server's time is known. The
    /// order of the messages does not depend on it.
    #[must_use]
    pub fn timestamp(&self) -> Property<SystemTime> {
        self.state()
            .map_with_reason(|state, _| (state.timestamp, None))
    }

    /// The delivery status. If the message failed, the property's reason says why.
    #[must_use]
    pub fn status(&self) -> Property<MessageStatus> {
        self.state().map(|state| state.status)
    }

    /// The ID of the message at the server. A program that stores messages recognizes a repeated message by it, also after
    /// another process has continued the conversation.
    ///
    /// `None` for an archived message, for a protocol without such IDs, and for an outgoing message, unless the application
    /// sent it with [an ID](crate::ChatService::send_message_with_id) and the server has it.
    #[must_use]
    pub fn remote_id(&self) -> Property<Option<String>> {
        self.state().map_with_reason(|state, _| {
            let remote_id = state.remote_id.as_ref();
            (remote_id.map(RemoteId::to_string), None)
        })
    }

    fn state(&self) -> Property<MessageState> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.state,
        })
    }

    pub(crate) fn set_remote_id(&self, transaction: &mut Transaction<'_>, remote_id: RemoteId) {
        let cell = &transaction.cells(&self.node).state;
        let (mut state, reason) = (cell.get().clone(), cell.reason());
        state.remote_id = Some(remote_id);
        transaction.set(&self.node, |cells| &mut cells.state, state, reason);
    }

    /// Sets the timestamp, if there is one, and the status, if it may follow the present one. True if the status changed.
    pub(crate) fn settle(
        &self,
        transaction: &mut Transaction<'_>,
        status: MessageStatus,
        timestamp: Option<SystemTime>,
        reason: Option<Reason>,
    ) -> bool {
        let cell = &transaction.cells(&self.node).state;
        let (mut state, before) = (cell.get().clone(), cell.reason());
        state.timestamp = timestamp.unwrap_or(state.timestamp);
        let changes = state.status.may_become(status);
        if changes {
            state.status = status;
        }
        let reason = if changes { reason } else { before };
        transaction.set(&self.node, |cells| &mut cells.state, state, reason);
        changes
    }
}

impl PartialEq for TextMessage {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for TextMessage {}

impl fmt::Debug for TextMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextMessage")
            .field("id", &self.id())
            .field("direction", &self.direction())
            .field("body", self.body())
            .finish_non_exhaustive()
    }
}
