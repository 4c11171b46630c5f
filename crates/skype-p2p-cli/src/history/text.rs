//! Archived conversations as text for a terminal.

use std::time::SystemTime;

use jiff::Timestamp;

use super::archive::Archived;
use crate::timeline::printable;

/// The time in UTC, with seconds.
pub(super) fn time(time: SystemTime) -> String {
    // Times outside the years -9999 to 9999 do not occur.
    Timestamp::try_from(time)
        .map(|time| format!("{time:.0}"))
        .unwrap_or_default()
}

/// One line: the number, the time of the last message, the participants, the subject, and the beginning of the message.
pub(super) fn summary(conversation: &Archived) -> String {
    let last = conversation.messages.last();
    let mut line = format!(
        "{:>3}  {:<20}  {}",
        conversation.number,
        last.map(|message| time(message.sent_at))
            .unwrap_or_default(),
        conversation.people()
    );
    if let Some(subject) = &conversation.subject {
        line.push_str(&format!("  [{subject}]"));
    }
    if let Some(message) = last {
        let preview: String = message
            .text
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(60)
            .collect();
        line.push_str(&format!("  {preview}"));
    }
    printable(&line)
}

/// The lines of a conversation: a head, and each message. Further lines of a message are indented.
pub(super) fn conversation(conversation: &Archived) -> Vec<String> {
    let mut lines = vec![printable(&format!("With {}", conversation.people()))];
    if let Some(subject) = &conversation.subject {
        lines.push(printable(&format!("Subject: {subject}")));
    }
    lines.push(String::new());
    for message in &conversation.messages {
        let mut text = message.text.lines();
        let first = text.next().unwrap_or_default();
        let head = format!(
            "{}  {}: {first}",
            time(message.sent_at),
            message.author.address
        );
        lines.push(printable(&head));
        lines.extend(text.map(|line| format!("    {}", printable(line))));
    }
    lines
}
