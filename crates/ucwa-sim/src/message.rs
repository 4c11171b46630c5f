//! The messages of a scenario. Each has a number, and its body contains that number.

use ucwa_session::{MessageBody, MessageKey};

/// The number of a message. Numbers count over all senders of a run, in the order of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MessageId(pub(crate) u32);

impl MessageId {
    /// The body of the message. Every fourth one is HTML; all contain characters that encodings must escape.
    pub(crate) fn body(self) -> MessageBody {
        let number = self.0;
        if number % 4 == 3 {
            MessageBody::Html(format!("<b>#{number}</b> Gr\u{fc}\u{df}e &amp; 100%+"))
        } else {
            MessageBody::Text(self.plain())
        }
    }

    /// The body as a recipient gets it that accepts plain text only.
    fn plain(self) -> String {
        format!("#{} Gr\u{fc}\u{df}e & 100%+", self.0)
    }

    pub(crate) fn key(self) -> MessageKey {
        MessageKey::Local(u64::from(self.0))
    }

    pub(crate) fn of_key(key: MessageKey) -> Option<Self> {
        match key {
            MessageKey::Local(number) => u32::try_from(number).ok().map(Self),
            MessageKey::Remote(_) => None,
        }
    }

    /// The ID that the caller gives the message.
    pub(crate) fn message_id(self) -> String {
        format!("message-{}", self.0)
    }

    pub(crate) fn of_message_id(id: &str) -> Option<Self> {
        id.strip_prefix("message-")?.parse().ok().map(Self)
    }

    /// The number in a text.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once('#')?;
        let end = rest
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(rest.len());
        rest.get(..end)?.parse().ok().map(Self)
    }

    pub(crate) fn of_body(body: &MessageBody) -> Option<Self> {
        match body {
            MessageBody::Text(text) | MessageBody::Html(text) => Self::of_text(text),
            _ => None,
        }
    }

    /// Whether `body` is the body that was sent, or the server's plain-text version of it.
    pub(crate) fn has_body(self, body: &MessageBody) -> bool {
        *body == self.body() || *body == MessageBody::Text(self.plain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_identifies_its_message() {
        for number in [2, 3] {
            let message = MessageId(number);
            assert_eq!(MessageId::of_body(&message.body()), Some(message));
            assert!(message.has_body(&message.body()));
            assert!(!message.has_body(&MessageId(number + 4).body()));
        }
    }

    #[test]
    fn an_altered_body_keeps_its_number_and_is_recognized_as_altered() {
        let altered = MessageBody::Text("#2 Gr\u{fffd}e".to_owned());
        assert_eq!(MessageId::of_body(&altered), Some(MessageId(2)));
        assert!(!MessageId(2).has_body(&altered));
    }
}
