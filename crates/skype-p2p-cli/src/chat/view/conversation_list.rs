//! The list of conversations with presence and unread marks.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::Span,
};

use super::{bidi, fill, put, row, theme::Theme};
use crate::chat::{
    state::{State, conversation::Conversation},
    wrapping::{truncate, width},
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &State, theme: &Theme) {
    let current = state.current().map(|it| it.summary.id);
    let shown = state.listed().into_iter().skip(state.first_listed);
    for (index, conversation) in shown.enumerate() {
        let Some(line) = row(area, index) else {
            return;
        };
        draw_row(buffer, line, state, conversation, theme);
        if current == Some(conversation.summary.id) {
            fill(buffer, line, theme.selected);
        }
    }
}

/// A symbol, the title, and at the right the mark of what waits for the user.
fn draw_row(
    buffer: &mut Buffer,
    line: Rect,
    state: &State,
    conversation: &Conversation,
    theme: &Theme,
) {
    let summary = &conversation.summary;
    let (symbol, symbol_style) = match (&*summary.people, summary.is_group) {
        ([person], false) => theme.status(state.presence_of(&person.address).status),
        _ => ("#", theme.dim),
    };
    let mark = mark(conversation);
    let columns = usize::from(line.width);
    let title_columns = columns.saturating_sub(2 + width(&mark) + 1);
    let title = truncate(summary.title.as_str(), title_columns);
    let padding = " ".repeat(title_columns.saturating_sub(width(&title)) + 1);
    let title_style = match (conversation.needs_attention(), summary.has_ended()) {
        (true, _) => theme.unread,
        (false, true) => theme.dim,
        (false, false) => ratatui::style::Style::new(),
    };
    put(
        buffer,
        line,
        vec![
            Span::styled(symbol, symbol_style),
            Span::raw(" "),
            Span::styled(&*title, title_style),
            Span::raw(padding),
            Span::styled(&*mark, theme.attention),
        ],
    );
    if !mark.is_empty() {
        let behind = line.x + u16::try_from(2 + title_columns).unwrap_or_default();
        bidi::end_text(buffer, &title, Position::new(behind, line.y));
    }
}

/// An invitation, the number of unread messages, or messages of the archive that no device has shown.
fn mark(conversation: &Conversation) -> String {
    match (&conversation.summary.invitation, conversation.unread) {
        (Some(_), _) => "!".to_owned(),
        (None, 0) if conversation.summary.missed => "*".to_owned(),
        (None, 0) => String::new(),
        (None, unread) if unread > 99 => "99+".to_owned(),
        (None, unread) => unread.to_string(),
    }
}
