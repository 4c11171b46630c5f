//! The conversation that is shown: its name, its timeline, and the message that the user is writing.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Span,
};

use super::{
    bidi, cursor_in, draw_field, fill, put, row,
    theme::{Theme, status_suffix, with_note},
};
use crate::chat::{
    layout::{Layout, composer_columns, editor_lines},
    state::{Dialog, State, conversation::Conversation, find::Find, update::Connection},
    timeline_lines::{Mark, TimelineLine},
    wrapping::{truncate, truncate_before, width},
};

/// The prompt of the composer.
const PROMPT: &str = "> ";

/// Draws the conversation. Returns the position of the cursor in the composer.
pub(super) fn draw(
    buffer: &mut Buffer,
    layout: &Layout,
    state: &State,
    theme: &Theme,
) -> Option<Position> {
    fill(buffer, layout.header, theme.bar);
    let Some(conversation) = state.current() else {
        draw_welcome(buffer, layout.timeline, state.connection, theme);
        return None;
    };
    let columns = usize::from(layout.header.width);
    let (title, rest) = header(state, conversation, columns);
    let title_columns = u16::try_from(width(&title)).unwrap_or(u16::MAX);
    let text = truncate(&format!("{title}{rest}"), columns);
    put(buffer, layout.header, vec![Span::styled(text, theme.bar)]);
    let behind = layout.header.x.saturating_add(title_columns);
    bidi::end_text(buffer, &title, Position::new(behind, layout.header.y));
    draw_timeline(buffer, layout.timeline, state, conversation, theme);
    draw_activity(buffer, layout.activity, conversation, theme);
    match &state.dialog {
        Some(Dialog::Find(find)) => draw_find(buffer, layout.composer, find, theme),
        // A message that the user has begun stays visible.
        _ if conversation.summary.invitation.is_some() && conversation.draft.is_empty() => {
            let text = "Ctrl+Y accepts the invitation, Ctrl+D declines it.";
            let text = truncate(text, usize::from(layout.composer.width));
            put(
                buffer,
                layout.composer,
                vec![Span::styled(text, theme.attention)],
            );
            None
        }
        _ => draw_composer(buffer, layout.composer, conversation, theme),
    }
}

fn draw_welcome(buffer: &mut Buffer, area: Rect, connection: Connection, theme: &Theme) {
    let lines: &[&str] = match connection {
        Connection::SigningIn => &["Signing in…"],
        _ => &[
            "There are no conversations.",
            "",
            "Ctrl+O  opens a chat: contacts and search",
            "Ctrl+R  loads archived conversations",
            "F1      shows all keys",
        ],
    };
    for (index, text) in lines.iter().enumerate() {
        if let Some(line) = row(area, index + 1) {
            let text = format!(" {text}");
            let text = truncate(&text, usize::from(line.width));
            put(buffer, line, vec![Span::styled(text, theme.dim)]);
        }
    }
}

/// The title, and what is behind it: the address, the status and the note of the person, or the number of people. The address is
/// only there if there is room for it.
fn header(state: &State, conversation: &Conversation, columns: usize) -> (String, String) {
    let summary = &conversation.summary;
    let title = summary.title.as_str();
    match (&*summary.people, summary.is_group) {
        ([person], false) => {
            let presence = state.presence_of(&person.address);
            let status = status_suffix(presence.status);
            let with_note = |title: String, rest: String| {
                let room = columns.saturating_sub(width(&title));
                (title, with_note(rest, &presence.note, room))
            };
            let address = person.shown_address();
            let is_named = person.name != address && title == person.name.as_str();
            let address = format!(" <{}>", address.as_str());
            if is_named && width(title) + width(&address) + width(&status) <= columns {
                return with_note(title.to_owned(), address + &status);
            }
            with_note(truncate_before(title, &status, columns), status)
        }
        (people, _) => {
            let count = format!(" ({} people)", people.len() + 1);
            (truncate_before(title, &count, columns), count)
        }
    }
}

/// The lines of the timeline from its bottom edge upwards.
fn draw_timeline(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    conversation: &Conversation,
    theme: &Theme,
) {
    let found = match &state.dialog {
        Some(Dialog::Find(find)) => find.at,
        _ => None,
    };
    let (last, mut hidden) = match conversation.anchor {
        Some(anchor) => (anchor.item, anchor.hidden),
        None => (conversation.items.len().saturating_sub(1), 0),
    };
    let mut left = usize::from(area.height);
    for index in (0..=last).rev() {
        for line in state.lines(conversation, index).into_iter().rev() {
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            let Some(above) = left.checked_sub(1) else {
                return;
            };
            left = above;
            if let Some(at) = row(area, left) {
                draw_line(buffer, at, &line, found == Some(index), theme);
            }
        }
    }
}

fn draw_line(buffer: &mut Buffer, area: Rect, line: &TimelineLine, found: bool, theme: &Theme) {
    let spans = match line {
        TimelineLine::Day(day) => vec![Span::styled(format!("── {day} ──"), theme.dim)],
        TimelineLine::New => vec![Span::styled("── new ──", theme.attention)],
        TimelineLine::Author { time, name, own } => {
            let style = match own {
                true => theme.own,
                false => theme.author(name.as_str()),
            };
            let columns = usize::from(area.width).saturating_sub(6);
            let name = truncate(name.as_str(), columns);
            vec![
                Span::styled(format!("{time} "), theme.dim),
                Span::styled(name, style),
            ]
        }
        TimelineLine::Text { mark, pieces } => {
            let (symbol, style) = match mark {
                Some(mark) => (mark.symbol(), mark_style(*mark, theme)),
                None => (" ", Style::new()),
            };
            let mut spans = vec![Span::styled(symbol, style), Span::raw(" ")];
            for piece in pieces {
                let style = match (found, piece.is_link) {
                    (true, _) => theme.found,
                    (false, true) => theme.link,
                    (false, false) => Style::new(),
                };
                spans.push(Span::styled(piece.text.as_str(), style));
            }
            spans
        }
        TimelineLine::Problem(text) => {
            vec![Span::raw("  "), Span::styled(text.as_str(), theme.problem)]
        }
        TimelineLine::Event(text) => {
            vec![Span::raw("  "), Span::styled(text.as_str(), theme.dim)]
        }
    };
    put(buffer, area, spans);
}

fn mark_style(mark: Mark, theme: &Theme) -> Style {
    match mark {
        Mark::Sending => theme.dim,
        Mark::Delivered => theme.delivered,
        Mark::Failed => theme.problem,
        Mark::Unknown => theme.attention,
    }
}

/// The invitation, who is typing, or the state of the conversation.
fn draw_activity(buffer: &mut Buffer, area: Rect, conversation: &Conversation, theme: &Theme) {
    let summary = &conversation.summary;
    let (text, style) = if let Some(invitation) = &summary.invitation {
        let from = invitation.from.as_str();
        let text = match invitation.message.as_str().lines().next() {
            Some(message) => format!("{from} invites you: {message}"),
            None => format!("{from} invites you"),
        };
        (text, theme.attention)
    } else if conversation.anchor.is_some() {
        match (conversation.loading, conversation.unread) {
            (true, _) => ("loading older messages…".to_owned(), theme.dim),
            (false, 0) => ("Page Down shows newer messages".to_owned(), theme.dim),
            (false, 1) => ("1 new message: Page Down".to_owned(), theme.attention),
            (false, new) => (format!("{new} new messages: Page Down"), theme.attention),
        }
    } else if let [first, others @ ..] = &*summary.typing {
        let text = match others {
            [] => format!("{} is typing…", first.as_str()),
            _ => format!("{} people are typing…", others.len() + 1),
        };
        (text, theme.dim)
    } else if summary.has_ended() {
        let why = summary.end.as_ref().map_or("", |end| end.as_str());
        let text = match why {
            "" => "The conversation has ended. A message starts it again.".to_owned(),
            _ => format!("The conversation has ended: {why}."),
        };
        (text, theme.dim)
    } else {
        return;
    };
    let text = truncate(&text, usize::from(area.width));
    put(buffer, area, vec![Span::styled(text, style)]);
}

/// The message that the user is writing. The line with the cursor is always shown.
fn draw_composer(
    buffer: &mut Buffer,
    area: Rect,
    conversation: &Conversation,
    theme: &Theme,
) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let draft = &conversation.draft;
    let columns = composer_columns(area.width);
    let (lines, (line, column)) = editor_lines(draft.text(), draft.before_cursor(), columns);
    let first = (line + 1).saturating_sub(usize::from(area.height));
    for (index, text) in lines.iter().skip(first).enumerate() {
        let Some(at) = row(area, index) else {
            break;
        };
        let prompt = if first + index == 0 { PROMPT } else { "  " };
        put(
            buffer,
            at,
            vec![Span::styled(prompt, theme.dim), Span::raw(text.as_str())],
        );
    }
    cursor_in(area, PROMPT.len() + column, line - first)
}

fn draw_find(buffer: &mut Buffer, area: Rect, find: &Find, theme: &Theme) -> Option<Position> {
    let prompt = match find.at {
        None if !find.query.is_empty() => "not found: ",
        _ => "find: ",
    };
    draw_field(buffer, area, prompt, theme.attention, &find.query)
}
