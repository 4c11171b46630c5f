//! A message of a conversation.

use std::fmt;
use std::time::SystemTime;

use crate::body::MessageBody;
use crate::html;
use crate::ids::MessageId;
use crate::model::Model;
use crate::observable::Property;
use crate::observable::cell::{Cell, Field};
use crate::observable::store::{Node, Transaction};
use crate::person::Person;
use crate::reason::Reason;
use crate::states::{Direction, MessageStatus};
use crate::sync::Arc;

pub(crate) struct MessageCells {
    timestamp: Cell<SystemTime>,
    status: Cell<MessageStatus>,
}

pub(crate) struct MessageIdentity {
    id: MessageId,
    direction: Direction,
    sender: Person,
    body: MessageBody,
}

/// A text message (`TextMessageActivityItem`). Cloning gives another handle on the same message.
///
/// Whichever of text and HTML was written, the other is derived from it.
#[derive(Clone)]
pub struct TextMessage {
    pub(crate) node: Arc<Node<MessageCells, MessageIdentity>>,
}

impl TextMessage {
    pub(crate) fn outgoing(
        model: &Model,
        id: MessageId,
        sender: Person,
        body: MessageBody,
        timestamp: SystemTime,
    ) -> Self {
        Self::new(
            model,
            MessageIdentity {
                id,
                direction: Direction::Outgoing,
                sender,
                body,
            },
            timestamp,
            MessageStatus::Pending,
        )
    }

    pub(crate) fn incoming(
        model: &Model,
        id: MessageId,
        sender: Person,
        body: MessageBody,
        timestamp: SystemTime,
    ) -> Self {
        Self::new(
            model,
            MessageIdentity {
                id,
                direction: Direction::Incoming,
                sender,
                body,
            },
            timestamp,
            MessageStatus::Succeeded,
        )
    }

    pub(crate) fn archived(
        model: &Model,
        id: MessageId,
        direction: Direction,
        sender: Person,
        body: MessageBody,
        timestamp: SystemTime,
    ) -> Self {
        Self::new(
            model,
            MessageIdentity {
                id,
                direction,
                sender,
                body,
            },
            timestamp,
            MessageStatus::Succeeded,
        )
    }

    pub(crate) fn timestamp_now(&self, transaction: &mut Transaction<'_>) -> SystemTime {
        *transaction.cells(&self.node).timestamp.get()
    }

    fn new(
        model: &Model,
        identity: MessageIdentity,
        timestamp: SystemTime,
        status: MessageStatus,
    ) -> Self {
        let cells = MessageCells {
            timestamp: Cell::new(timestamp),
            status: Cell::new(status),
        };
        Self {
            node: model.store.node(identity, cells),
        }
    }

    /// Which message of its conversation.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.node.fixed.id
    }

    /// Whether it came in or went out.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.node.fixed.direction
    }

    /// Who wrote it; possibly nobody among the participants.
    #[must_use]
    pub fn sender(&self) -> Person {
        self.node.fixed.sender.clone()
    }

    /// What it says, as it was written. HTML in it is untrusted.
    #[must_use]
    pub fn body(&self) -> &MessageBody {
        &self.node.fixed.body
    }

    /// What it says as plain text. Of an HTML message: its text, with a line for each paragraph and line break.
    #[must_use]
    pub fn text(&self) -> String {
        match self.body() {
            MessageBody::Text(text) => text.clone(),
            MessageBody::Html(html) => html::to_text(html),
        }
    }

    /// What it says as HTML that is safe to show: of a text message its text, escaped; of an HTML message what is left of it
    /// when everything that could run, load or disguise something is taken out, pictures included.
    #[must_use]
    pub fn html(&self) -> String {
        match self.body() {
            MessageBody::Text(text) => html::escape(text),
            MessageBody::Html(html) => html::sanitize(html),
        }
    }

    /// The HTML as it was written. From outside it is untrusted: it may carry scripts. `None` for a text message.
    #[must_use]
    pub fn unsafe_html(&self) -> Option<&str> {
        match self.body() {
            MessageBody::Text(_) => None,
            MessageBody::Html(html) => Some(html),
        }
    }

    /// When it was written: for an outgoing message by our own clock, until the server's time is known. The place of a
    /// message in its conversation never follows from this.
    #[must_use]
    pub fn timestamp(&self) -> Property<SystemTime> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.timestamp,
        })
    }

    /// What is known of its delivery; the property's reason says why it failed.
    #[must_use]
    pub fn status(&self) -> Property<MessageStatus> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.status,
        })
    }

    /// Takes in a verdict. Whether it was one.
    pub(crate) fn settle(
        &self,
        transaction: &mut Transaction<'_>,
        status: MessageStatus,
        reason: Option<Reason>,
    ) -> bool {
        let now = *transaction.cells(&self.node).status.get();
        now.may_become(status)
            && transaction.set(&self.node, |cells| &mut cells.status, status, reason)
    }

    pub(crate) fn set_timestamp(&self, transaction: &mut Transaction<'_>, timestamp: SystemTime) {
        transaction.set(&self.node, |cells| &mut cells.timestamp, timestamp, None);
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
