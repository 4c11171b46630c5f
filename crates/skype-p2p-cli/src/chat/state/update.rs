//! What the session reports to the state, and what the state asks of the session.

use std::{fmt, time::SystemTime};

use skype_p2p::{ConversationId, GroupType, PersonStatus};

use super::conversation::{Item, Message, Person, Summary};
use crate::{chat::printable_text::PrintableText, presence::Availability};

/// A change that the session reports. It has no debug output, since it can have the text of a message.
#[derive(Clone)]
pub(crate) enum Update {
    /// The user's own name and status.
    Me {
        name: PrintableText,
        status: PersonStatus,
        note: PrintableText,
    },
    Connection(Connection),
    /// A conversation is new, or something about it has changed.
    Conversation(Summary),
    ConversationRemoved(ConversationId),
    /// The conversation that an [`Effect::Open`] asked for; `None` if it could not be opened.
    Opened(Option<ConversationId>),
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
    /// The presence of another person.
    Presence {
        address: String,
        presence: Presence,
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
    /// The sign-in is in progress.
    SigningIn,
    #[default]
    Connected,
    Reconnecting {
        since: SystemTime,
    },
}

/// The presence of a person, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Presence {
    pub(crate) status: PersonStatus,
    /// Empty if there is no note.
    pub(crate) note: PrintableText,
}

/// A group of the contact list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContactGroup {
    pub(crate) id: String,
    pub(crate) kind: GroupType,
    pub(crate) name: PrintableText,
    pub(crate) members: Vec<Person>,
}

/// What the state asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Quit,
    /// Write the whole screen again.
    Redraw,
    /// Ring the bell of the terminal.
    Ring,
    /// Give the terminal back to the shell.
    Suspend,
    /// Find or create the conversation with this person.
    Open {
        address: String,
    },
    Send {
        conversation: ConversationId,
        text: MessageText,
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
    /// Publish the status of the user.
    SetStatus(Availability),
    /// Publish the note of the user. An empty text removes the note.
    SetNote(String),
    ChangeContacts(ContactChange),
}

/// The text of a message to send. Debug output does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MessageText(pub(crate) String);

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} bytes)", self.0.len())
    }
}

/// A change of the contact list. Groups are named by their IDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContactChange {
    /// Add a person to a group, or to the contact list.
    Add {
        address: String,
        group: Option<String>,
    },
    Move {
        address: String,
        from: String,
        to: String,
    },
    /// Remove a contact from a group, or from the contact list with all its groups.
    Remove {
        address: String,
        group: Option<String>,
    },
    CreateGroup {
        name: String,
    },
    RenameGroup {
        group: String,
        name: String,
    },
    RemoveGroup {
        group: String,
    },
}
