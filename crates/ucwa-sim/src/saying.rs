//! What people say to each other: each message has a number, and its text carries it.

use ucwa_session::{MessageBody, MessageKey};

/// The number of a message, over all speakers of a run, in the order in which they were said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SayingId(pub(crate) u32);

impl SayingId {
    /// Every fourth message is written in HTML; all have characters that encodings stumble over.
    pub(crate) fn body(self) -> MessageBody {
        let number = self.0;
        if number % 4 == 3 {
            MessageBody::Html(format!("<b>#{number}</b> Gr\u{fc}\u{df}e &amp; 100%+"))
        } else {
            MessageBody::Text(self.plain())
        }
    }

    /// What a reader who takes only plain text sees.
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

    /// Whether a body is what was said, possibly turned to plain text on the way.
    pub(crate) fn is_said_by(self, body: &MessageBody) -> bool {
        *body == self.body() || *body == MessageBody::Text(self.plain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_tells_its_number_and_nothing_else_is_it() {
        for number in [2, 3] {
            let saying = SayingId(number);
            assert_eq!(SayingId::of_body(&saying.body()), Some(saying));
            assert!(saying.is_said_by(&saying.body()));
            assert!(!saying.is_said_by(&SayingId(number + 4).body()));
        }
        let garbled = MessageBody::Text("#2 Gr\u{fffd}e".to_owned());
        assert_eq!(SayingId::of_body(&garbled), Some(SayingId(2)));
        assert!(!SayingId(2).is_said_by(&garbled));
    }
}
