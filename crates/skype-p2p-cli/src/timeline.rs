//! What an application observes, as lines: the words of `demo` and `listen`.

use std::fmt;

use serde::Serialize;

/// One thing observed. As JSON it is one object: `who`, `event`, `conversation`, `new`, `old`, `reason`, and for messages
/// `direction`, `text` and `status`. Nothing in it depends on time, ports or the server's identifiers, so that the same
/// story gives the same lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Who observed it.
    pub who: String,
    /// What kind of thing.
    pub event: Event,
    /// With whom the conversation is, if it belongs to one: the URI of its first participant.
    pub conversation: Option<String>,
    /// The value now: a state, a status, who was added, or the text of the message that was.
    pub new: String,
    /// The value before; none where there was none, or where this is what the observer found when it came.
    pub old: Option<String>,
    /// The code of the reason for the change.
    pub reason: Option<String>,
    /// What message it is about.
    #[serde(flatten)]
    pub message: Option<Message>,
}

/// The message of a [`Line`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `Incoming` or `Outgoing`.
    pub direction: String,
    /// What it says.
    pub text: String,
    /// `Pending`, `Succeeded`, `Failed` or `Unknown`.
    pub status: String,
}

/// The kinds of [`Line`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Event {
    /// The state of the sign-in changed.
    #[serde(rename = "sign_in.state")]
    SignInState,
    /// The state of a conversation changed.
    #[serde(rename = "conversation.state")]
    ConversationState,
    /// The state of the user's own part in the chat changed.
    #[serde(rename = "chat.state")]
    ChatState,
    /// A participant is in a conversation.
    #[serde(rename = "participants.added")]
    ParticipantAdded,
    /// A message is in a chat.
    #[serde(rename = "messages.added")]
    MessageAdded,
    /// The verdict on a message changed.
    #[serde(rename = "message.status")]
    MessageStatus,
}

impl Event {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::SignInState,
        Self::ConversationState,
        Self::ChatState,
        Self::ParticipantAdded,
        Self::MessageAdded,
        Self::MessageStatus,
    ];

    /// The name in the timeline.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignInState => "sign_in.state",
            Self::ConversationState => "conversation.state",
            Self::ChatState => "chat.state",
            Self::ParticipantAdded => "participants.added",
            Self::MessageAdded => "messages.added",
            Self::MessageStatus => "message.status",
        }
    }
}

impl fmt::Display for Line {
    /// For people. What others wrote cannot steer the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<24} {:<18} ",
            printable(&self.who),
            self.event.as_str()
        )?;
        if let Some(message) = &self.message {
            let arrow = if message.direction == "Incoming" {
                "<-"
            } else {
                "->"
            };
            write!(f, "{arrow} {:?} ", message.text)?;
        }
        match (&self.message, self.event) {
            (Some(message), Event::MessageAdded) => f.write_str(&message.status)?,
            _ => {
                if let Some(old) = &self.old {
                    write!(f, "{} -> ", printable(old))?;
                }
                f.write_str(&printable(&self.new))?;
            }
        }
        if let Some(reason) = &self.reason {
            write!(f, " ({})", printable(reason))?;
        }
        Ok(())
    }
}

/// The text with its control characters written out: what a server or another user wrote cannot steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// A [`Line`] as text: JSON, or for people.
#[must_use]
pub fn render(line: &Line, json: bool) -> String {
    if json {
        // Strings and options of strings always have a JSON form.
        serde_json::to_string(line).unwrap_or_default()
    } else {
        line.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            who: "toshm@contoso.com".to_owned(),
            event: Event::ChatState,
            conversation: Some("sip:lenea@contoso.com".to_owned()),
            new: "Connected".to_owned(),
            old: Some("Connecting".to_owned()),
            reason: None,
            message: None,
        }
    }

    #[test]
    fn a_line_is_one_json_object_with_every_member() {
        assert_eq!(
            render(&line(), true),
            r#"{"who":"toshm@contoso.com","event":"chat.state","conversation":"sip:lenea@contoso.com","new":"Connected","old":"Connecting","reason":null}"#
        );
        let message = Line {
            event: Event::MessageAdded,
            new: "Hi".to_owned(),
            old: None,
            message: Some(Message {
                direction: "Outgoing".to_owned(),
                text: "Hi".to_owned(),
                status: "Pending".to_owned(),
            }),
            ..line()
        };
        assert!(
            render(&message, true).ends_with(
                r#""new":"Hi","old":null,"reason":null,"direction":"Outgoing","text":"Hi","status":"Pending"}"#
            ),
            "{}",
            render(&message, true)
        );
    }

    #[test]
    fn every_event_has_one_name() {
        for event in [
            Event::SignInState,
            Event::ConversationState,
            Event::ChatState,
            Event::ParticipantAdded,
            Event::MessageAdded,
            Event::MessageStatus,
        ] {
            assert_eq!(
                serde_json::to_string(&event).unwrap(),
                format!("\"{}\"", event.as_str())
            );
        }
    }

    #[test]
    fn what_others_write_cannot_steer_the_terminal() {
        let line = Line {
            new: "\u{1b}]0;owned\u{7}\u{9b}2J".to_owned(),
            ..line()
        };
        assert!(!line.to_string().contains(char::is_control), "{line}");
    }
}
