//! Archived conversations as JSON lines.

use serde::Serialize;

use super::archive::{Archived, Message, Party};
use crate::json_line::{self, VERSION, rfc3339};

#[derive(Serialize)]
struct JsonParty<'a> {
    uri: &'a str,
    name: &'a str,
}

impl<'a> From<&'a Party> for JsonParty<'a> {
    fn from(party: &'a Party) -> Self {
        Self {
            uri: &party.uri,
            name: &party.name,
        }
    }
}

fn participants(conversation: &Archived) -> Vec<JsonParty<'_>> {
    conversation
        .participants
        .iter()
        .map(JsonParty::from)
        .collect()
}

/// The object of a conversation in the list.
pub(super) fn conversation(conversation: &Archived) -> String {
    #[derive(Serialize)]
    struct Json<'a> {
        version: u32,
        event: &'static str,
        number: usize,
        participants: Vec<JsonParty<'a>>,
        is_group: bool,
        subject: Option<&'a str>,
        last_sent_at: Option<String>,
        last_text: Option<&'a str>,
    }
    let last = conversation.messages.last();
    let json = Json {
        version: VERSION,
        event: "history.conversation",
        number: conversation.number,
        participants: participants(conversation),
        is_group: conversation.is_group,
        subject: conversation.subject.as_deref(),
        last_sent_at: last.map(|message| rfc3339(message.sent_at)),
        last_text: last.map(|message| message.text.as_str()),
    };
    json_line::line(&json)
}

/// The object of a message.
pub(super) fn message(conversation: &Archived, message: &Message) -> String {
    #[derive(Serialize)]
    struct Json<'a> {
        version: u32,
        event: &'static str,
        number: usize,
        participants: Vec<JsonParty<'a>>,
        is_group: bool,
        subject: Option<&'a str>,
        direction: String,
        author: JsonParty<'a>,
        sent_at: String,
        text: &'a str,
        html: Option<&'a str>,
    }
    let json = Json {
        version: VERSION,
        event: "history.message",
        number: conversation.number,
        participants: participants(conversation),
        is_group: conversation.is_group,
        subject: conversation.subject.as_deref(),
        direction: format!("{:?}", message.direction),
        author: JsonParty::from(&message.author),
        sent_at: rfc3339(message.sent_at),
        text: &message.text,
        html: Some(message.html.as_str()).filter(|_| message.is_html),
    };
    json_line::line(&json)
}
