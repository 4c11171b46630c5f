//! The lines of a timeline: days, authors, messages with the marks of their delivery, and changes of the participants.

use std::time::{Duration, SystemTime};

use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::{
    printable_text::PrintableText,
    state::conversation::{Delivery, Item, Message},
    wrapping::{Piece, wrap},
};

/// The cells before the text of a message: the mark and a space.
pub(crate) const GUTTER: usize = 2;

/// A message within this time of the same author's last message has no line with the name.
const SAME_TURN: Duration = Duration::from_secs(5 * 60);

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TimelineLine {
    /// The messages below were written on this day.
    Day(String),
    /// The messages below are new.
    New,
    /// The messages below are of this author.
    Author {
        time: String,
        name: PrintableText,
        own: bool,
    },
    /// A line of a message. The first one has the mark of the delivery.
    Text {
        mark: Option<Mark>,
        pieces: Vec<Piece>,
    },
    /// The reason why the message above was not delivered.
    Problem(String),
    /// A participant joined or left.
    Event(String),
}

/// The mark of a message of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Sending,
    Delivered,
    Failed,
    Unknown,
}

impl Mark {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Sending => "…",
            Self::Delivered => "✓",
            Self::Failed => "✗",
            Self::Unknown => "?",
        }
    }
}

/// The lines of an item below the previous one, on a screen of this width.
pub(crate) fn lines(
    previous: Option<&Item>,
    item: &Item,
    is_first_new: bool,
    columns: usize,
    zone: &TimeZone,
) -> Vec<TimelineLine> {
    let mut lines = Vec::new();
    let local = local(item.at(), zone);
    let new_day = previous.is_none_or(|it| self::local(it.at(), zone).date() != local.date());
    if new_day {
        lines.push(TimelineLine::Day(
            local.strftime("%A, %-d %B %Y").to_string(),
        ));
    }
    if is_first_new {
        lines.push(TimelineLine::New);
    }
    let time = local.strftime("%H:%M").to_string();
    match item {
        Item::Message(message) => {
            if new_day || is_first_new || !continues(previous, message) {
                lines.push(TimelineLine::Author {
                    time,
                    name: message.sender.clone(),
                    own: message.delivery.is_some(),
                });
            }
            message_lines(message, columns, &mut lines);
        }
        Item::Joined { name, .. } => {
            event(
                &format!("{time} {} joined", name.as_str()),
                columns,
                &mut lines,
            );
        }
        Item::Left { name, .. } => {
            event(
                &format!("{time} {} left", name.as_str()),
                columns,
                &mut lines,
            );
        }
    }
    lines
}

fn message_lines(message: &Message, columns: usize, lines: &mut Vec<TimelineLine>) {
    let columns = columns.saturating_sub(GUTTER);
    let mut mark = message.delivery.as_ref().map(|delivery| match delivery {
        Delivery::Sending => Mark::Sending,
        Delivery::Delivered => Mark::Delivered,
        Delivery::Failed(_) => Mark::Failed,
        Delivery::Unknown => Mark::Unknown,
    });
    for pieces in wrap(&message.text, columns) {
        let mark = mark.take();
        lines.push(TimelineLine::Text { mark, pieces });
    }
    let problem = match &message.delivery {
        Some(Delivery::Failed(reason)) => format!("not delivered: {}", reason.as_str()),
        Some(Delivery::Unknown) => {
            "maybe delivered: the server did not report the result".to_owned()
        }
        _ => return,
    };
    for pieces in wrap(&PrintableText::line(&problem), columns) {
        lines.push(TimelineLine::Problem(joined(pieces)));
    }
}

fn event(text: &str, columns: usize, lines: &mut Vec<TimelineLine>) {
    for pieces in wrap(&PrintableText::line(text), columns.saturating_sub(GUTTER)) {
        lines.push(TimelineLine::Event(joined(pieces)));
    }
}

fn joined(pieces: Vec<Piece>) -> String {
    pieces.into_iter().map(|piece| piece.text).collect()
}

/// Whether the message continues the turn of its author.
fn continues(previous: Option<&Item>, message: &Message) -> bool {
    let Some(Item::Message(previous)) = previous else {
        return false;
    };
    let pause = message.at.duration_since(previous.at).unwrap_or_default();
    previous.sender == message.sender
        && previous.delivery.is_some() == message.delivery.is_some()
        && pause < SAME_TURN
}

/// The local time; the epoch for a time that has none.
pub(crate) fn local(at: SystemTime, zone: &TimeZone) -> Zoned {
    let timestamp = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.to_zoned(zone.clone())
}
