//! Reads archived conversations with their messages.

use std::time::SystemTime;

use skype_p2p::{
    ActivityItem, Conversation, ConversationState, ConversationsManager, Direction, MessageFormat,
    Person, Reason, TextMessage,
};

use crate::{
    failure::Failure,
    session::{address, refused},
};

/// The largest number of conversations that a server lists.
const MAX: u32 = 100;

/// The number of conversations whose newest messages are requested at the same time.
const AT_ONCE: usize = 8;

/// An archived conversation.
pub(crate) struct Archived {
    /// The number in the list: 1 is the newest conversation.
    pub(crate) number: usize,
    /// Everybody but the user.
    pub(crate) participants: Vec<Party>,
    pub(crate) is_group: bool,
    pub(crate) subject: Option<String>,
    /// The oldest first.
    pub(crate) messages: Vec<Message>,
}

/// A person, by URI and name.
pub(crate) struct Party {
    pub(crate) uri: String,
    /// The address without `sip:`.
    pub(crate) address: String,
    pub(crate) name: String,
}

/// An archived message.
pub(crate) struct Message {
    pub(crate) direction: Direction,
    pub(crate) author: Party,
    pub(crate) sent_at: SystemTime,
    pub(crate) text: String,
    /// The body as HTML that is safe to show.
    pub(crate) html: String,
    /// The author wrote HTML.
    pub(crate) is_html: bool,
}

/// Which messages of a conversation to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Messages {
    /// The newest page: one request.
    NewestPage,
    All,
}

/// Reads up to `limit` conversations, the newest first; with `with`, only those with this person.
///
/// # Errors
///
/// If the server refuses a request, for example because it has no archive.
pub(crate) async fn select(
    manager: &ConversationsManager,
    limit: u32,
    with: Option<&Person>,
    messages: Messages,
) -> Result<Vec<Archived>, Failure> {
    // The server cannot filter the list.
    let listed = read_list(manager, if with.is_some() { MAX } else { limit }).await?;
    let numbered = (1..).zip(&listed).filter(|(_, conversation)| {
        with.is_none_or(|with| {
            let participants = conversation.participants().snapshot();
            participants.iter().any(|it| it.person() == *with)
        })
    });
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let chosen: Vec<_> = numbered.take(limit).collect();
    let mut found = Vec::new();
    for some in chosen.chunks(AT_ONCE) {
        // A command sends its request when it is called.
        let pages: Vec<_> = some.iter().map(|(_, it)| read_page(it)).collect();
        for ((number, conversation), page) in some.iter().zip(pages) {
            page.await?;
            if messages == Messages::All {
                read_all(conversation).await?;
            }
            found.push(Archived::new(*number, conversation));
        }
    }
    Ok(found)
}

/// Reads all messages of the conversation with this number.
///
/// # Errors
///
/// If there is no such conversation, or the server refuses a request.
pub(crate) async fn nth(manager: &ConversationsManager, number: u32) -> Result<Archived, Failure> {
    let listed = read_list(manager, number).await?;
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    let Some(conversation) = listed.get(number - 1) else {
        let sentence = format!("There is no archived conversation with the number {number}.");
        return Err(Failure::other(sentence).with_hint("skype-p2p history list writes the numbers"));
    };
    read_all(conversation).await?;
    Ok(Archived::new(number, conversation))
}

async fn read_list(
    manager: &ConversationsManager,
    count: u32,
) -> Result<Vec<Conversation>, Failure> {
    let read = manager.get_more_conversations(count).await;
    read.map_err(|reason| cannot_read(&reason))?;
    let mut listed = manager.conversations().snapshot();
    // An invitation can arrive in the meantime.
    listed.retain(|it| it.state().get() == ConversationState::Disconnected);
    Ok(listed)
}

/// Reads the next page of messages. Sends the request when it is called. Does nothing if all messages are loaded.
fn read_page(conversation: &Conversation) -> impl Future<Output = Result<(), Failure>> + use<> {
    let history = conversation.history_service();
    let more = history.get_more_activity_items_command().enabled().get();
    let page = more.then(|| history.get_more_activity_items());
    async move {
        match page {
            Some(page) => page.await.map_err(|reason| cannot_read(&reason)),
            None => Ok(()),
        }
    }
}

async fn read_all(conversation: &Conversation) -> Result<(), Failure> {
    let history = conversation.history_service();
    while history.get_more_activity_items_command().enabled().get() {
        read_page(conversation).await?;
    }
    Ok(())
}

fn cannot_read(reason: &Reason) -> Failure {
    refused("Cannot read the archived conversations", reason)
}

impl Archived {
    /// The values that are known now. No request is sent.
    fn new(number: usize, conversation: &Conversation) -> Self {
        let history = conversation.history_service();
        let items = history.activity_items().snapshot();
        let messages = items.iter().filter_map(|item| match item {
            ActivityItem::TextMessage(message) => Some(Message::new(message)),
            _ => None,
        });
        let participants = conversation.participants().snapshot();
        Self {
            number,
            participants: participants
                .iter()
                .map(|it| Party::new(&it.person()))
                .collect(),
            is_group: conversation.is_group_conversation().get(),
            subject: Some(conversation.topic().get()).filter(|subject| !subject.is_empty()),
            messages: messages.collect(),
        }
    }

    /// The names of the participants with their addresses.
    pub(crate) fn people(&self) -> String {
        let names: Vec<_> = self.participants.iter().map(Party::label).collect();
        names.join(", ")
    }
}

impl Party {
    fn new(person: &Person) -> Self {
        Self {
            uri: person.id().get(),
            address: address(person),
            name: person.display_name().get(),
        }
    }

    /// The name with the address, or the address alone if no name is known.
    fn label(&self) -> String {
        if self.name == self.uri || self.name == self.address {
            return self.address.clone();
        }
        format!("{} <{}>", self.name, self.address)
    }
}

impl Message {
    fn new(message: &TextMessage) -> Self {
        Self {
            direction: message.direction(),
            author: Party::new(&message.sender()),
            sent_at: message.timestamp().get(),
            text: message.text(),
            html: message.html(),
            is_html: message.body().format() == MessageFormat::Html,
        }
    }
}
