//! What the session reports to the state, and what the state asks of the session.

use std::time::SystemTime;

use skype_p2p::{ConversationId, PersonStatus};

use super::conversation::{Item, Message, Person, Summary};
use crate::chat::printable_text::PrintableText;

/// A change that the session reports. It has no debug output, since it can have the text of a message.
#[derive(Clone)]
pub(crate) enum Update {
    /// The user's own name and status.
    Me {
        name: PrintableText,
        status: PersonStatus,
    },
    Connection(Connection),
    /// A conversation is new, or something about it has changed.
    Conversation(Summary),
    ConversationRemoved(ConversationId),
    /// The conversation that an [`Effect::Open`] asked for.
    Opened(ConversationId),
    /// A new item of a timeline.
    Item {
        conversation: ConversationId,
        index: usize,
        item: Item,
    },
    /// A message has changed.
    Message {
        conversation: ConversationId,
        message: Message,
    },
    /// Older items have been loaded, or could not be loaded.
    Loaded(ConversationId),
    /// The text could not be sent at all, so it is not in the timeline.
    NotSent {
        conversation: ConversationId,
        text: String,
    },
    Presence {
        address: String,
        status: PersonStatus,
    },
    /// The contact list.
    Contacts(Vec<ContactGroup>),
    /// The result of an [`Effect::Search`].
    Found {
        query: String,
        people: Vec<Person>,
        more: bool,
    },
    /// A sentence for the last line of the screen.
    Notice(PrintableText),
}

/// The connection to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Connection {
    #[default]
    Connected,
    Reconnecting {
        since: SystemTime,
    },
}

/// A group of the contact list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContactGroup {
    pub(crate) name: PrintableText,
    pub(crate) members: Vec<Person>,
}

/// What the state asks for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    Quit,
    /// Write the whole screen again.
    Redraw,
    /// Find or create the conversation with this person.
    Open {
        address: String,
    },
    Send {
        conversation: ConversationId,
        text: String,
    },
    /// Report that the user is typing.
    Typing(ConversationId),
    Accept(ConversationId),
    Decline(ConversationId),
    Leave(ConversationId),
    /// Remove an ended conversation from the list.
    Remove(ConversationId),
    Invite {
        conversation: ConversationId,
        address: String,
    },
    /// Load older items of a conversation.
    LoadItems(ConversationId),
    /// Load older conversations.
    LoadConversations,
    /// The user has seen the conversation.
    Seen(ConversationId),
    /// Search the directory for people.
    Search(String),
}

/// Hides the text of a message.
impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Quit => f.write_str("Quit"),
            Self::Redraw => f.write_str("Redraw"),
            Self::Open { address } => write!(f, "Open({address})"),
            Self::Send { conversation, text } => {
                write!(f, "Send({conversation:?}, {} bytes)", text.len())
            }
            Self::Typing(id) => write!(f, "Typing({id:?})"),
            Self::Accept(id) => write!(f, "Accept({id:?})"),
            Self::Decline(id) => write!(f, "Decline({id:?})"),
            Self::Leave(id) => write!(f, "Leave({id:?})"),
            Self::Remove(id) => write!(f, "Remove({id:?})"),
            Self::Invite {
                conversation,
                address,
            } => write!(f, "Invite({conversation:?}, {address})"),
            Self::LoadItems(id) => write!(f, "LoadItems({id:?})"),
            Self::LoadConversations => f.write_str("LoadConversations"),
            Self::Seen(id) => write!(f, "Seen({id:?})"),
            Self::Search(query) => write!(f, "Search({query})"),
        }
    }
}
