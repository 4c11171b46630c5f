//! The JSON lines of `listen`, and of the answers that `send --wait` writes. Their schema is
//! `docs/src/json-lines.schema.json`.

use std::{fmt::Write as _, time::SystemTime};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use skype_p2p::{ConversationId, MessageFormat, MessageId, Person, TextMessage};

use crate::{observer::Observation, timeline::Line};

/// The version of the schema. It grows when a member changes its meaning or goes away, not when one is added.
pub(crate) const VERSION: u32 = 1;

/// The form of the lines on standard output.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LineFormat {
    /// Write each line as a JSON object
    #[arg(long)]
    pub json: bool,
}

/// One line: the observation, with the time and the IDs.
#[derive(Serialize)]
struct Record<'a> {
    version: u32,
    /// The time of the observation.
    time: String,
    #[serde(flatten)]
    line: &'a Line,
    conversation_id: Option<String>,
    participant: Option<Party>,
    message_id: Option<String>,
    author: Option<Party>,
    /// The time when the message was written.
    sent_at: Option<String>,
    /// The body of an HTML message, made safe.
    html: Option<String>,
    /// The subject of the conversation of a message.
    subject: Option<String>,
}

/// A person, by URI and name.
#[derive(Serialize)]
struct Party {
    uri: String,
    name: String,
}

impl Party {
    fn new(person: &Person) -> Self {
        Self {
            uri: person.id().get(),
            name: person.display_name().get(),
        }
    }
}

/// The JSON line of an observation.
pub(crate) fn json(observation: &Observation) -> String {
    let message = observation.message.as_ref();
    let record = Record {
        version: VERSION,
        time: rfc3339(SystemTime::now()),
        line: &observation.line,
        conversation_id: observation
            .conversation
            .as_ref()
            .map(|conversation| conversation_id(conversation.id())),
        participant: observation
            .participant
            .as_ref()
            .map(|participant| Party::new(&participant.person())),
        message_id: message.map(message_id),
        author: message.map(|message| Party::new(&message.sender())),
        sent_at: message.map(|message| rfc3339(message.timestamp().get())),
        html: message
            .filter(|message| message.body().format() == MessageFormat::Html)
            .map(TextMessage::html),
        subject: observation
            .conversation
            .as_ref()
            .map(|conversation| conversation.topic().get())
            .filter(|subject| message.is_some() && !subject.is_empty()),
    };
    line(&record)
}

/// The JSON form of an object, on one line. The control characters that JSON permits in strings are escaped too, so that none
/// reaches a terminal.
pub(crate) fn line(object: &impl Serialize) -> String {
    // Strings and numbers always have a JSON form.
    let json = serde_json::to_string(object).unwrap_or_default();
    if !json.contains(char::is_control) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The ID of a conversation, which is unique within the run of the process.
pub(crate) fn conversation_id(id: ConversationId) -> String {
    match id {
        ConversationId::Local(number) => format!("local-{number}"),
        ConversationId::Remote(number) => format!("remote-{number}"),
    }
}

/// The ID of a message, which is unique within its conversation.
pub(crate) fn message_id(message: &TextMessage) -> String {
    match message.id() {
        MessageId::Local(number) => format!("local-{number}"),
        MessageId::Remote(number) => format!("remote-{number}"),
    }
}

/// The time in UTC, with milliseconds.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    // Times outside the years -9999 to 9999 do not occur.
    Timestamp::try_from(time)
        .map(|time| format!("{time:.3}"))
        .unwrap_or_default()
}
