//! Draws the state on the screen. The functions read the state and change nothing.

mod bidi;
mod conversation;
mod conversation_list;
mod dialogs;
#[cfg(test)]
mod picture;
#[cfg(test)]
mod tests;
pub(crate) mod theme;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

pub(crate) use self::bidi::LEFT_TO_RIGHT_MARK;
use self::theme::{Theme, status_suffix};
use super::{
    state::{Dialog, State, text_field::TextField, update::Connection},
    timeline_lines,
    wrapping::{truncate, truncate_before, width},
};

/// The keys that the last line shows while there is no notice.
const HINTS: &str = "F1 help · Ctrl+O open a chat · Ctrl+N/P next/previous · Ctrl+Q quit";

/// The last line during the sign-in.
const SIGNING_IN: &str = "Ctrl+Q quit · What you type is kept for the conversation";

/// Draws the whole screen on a buffer of the size that the state knows. Returns the position of the cursor, if it is shown.
pub(crate) fn draw(buffer: &mut Buffer, state: &State, theme: &Theme) -> Option<Position> {
    let layout = state.layout();
    draw_account(buffer, layout.account, state, theme);
    conversation_list::draw(buffer, layout.list, state, theme);
    // A narrow screen has none.
    for line in layout.separator.rows() {
        put(buffer, line, vec![Span::styled("│", theme.dim)]);
    }
    let mut cursor = conversation::draw(buffer, &layout, state, theme);
    draw_footer(buffer, layout.footer, state, theme);
    match &state.dialog {
        Some(Dialog::Help { first }) => {
            dialogs::draw_help(buffer, *first, theme);
            cursor = None;
        }
        Some(Dialog::People(dialog)) => {
            cursor = dialogs::people::draw(buffer, state, dialog, theme);
        }
        Some(Dialog::Contacts(dialog)) => {
            cursor = dialogs::contacts::draw(buffer, state, dialog, theme);
        }
        Some(Dialog::Presence(dialog)) => {
            cursor = dialogs::presence::draw(buffer, state, dialog, theme);
        }
        Some(Dialog::Find(_)) | None => {}
    }
    bidi::separate_columns(buffer);
    cursor
}

/// The user's name and status.
fn draw_account(buffer: &mut Buffer, area: Rect, state: &State, theme: &Theme) {
    fill(buffer, area, theme.bar);
    // The name of the conversation begins behind a space.
    let columns = usize::from(area.width.saturating_sub(1));
    let (name, status) = (state.name.as_str(), status_suffix(state.status));
    let text = truncate_before(name, &status, columns) + &status;
    let text = truncate(&text, columns);
    put(buffer, area, vec![Span::styled(&*text, theme.bar)]);
    let last = area.x.saturating_add(area.width).saturating_sub(1);
    bidi::end_text(buffer, &text, Position::new(last, area.y));
}

/// A notice, the loss of the connection, what waits in other conversations, or the most important keys.
fn draw_footer(buffer: &mut Buffer, area: Rect, state: &State, theme: &Theme) {
    let (text, style) = match (&state.notice, state.connection) {
        (Some(notice), _) => (notice.as_str().to_owned(), theme.attention),
        (None, Connection::Reconnecting { since }) => {
            let since = timeline_lines::local(since, &state.zone).strftime("%H:%M");
            let text = format!("No connection to the server since {since}. Reconnecting…");
            (text, theme.problem)
        }
        (None, Connection::SigningIn) => (SIGNING_IN.to_owned(), theme.dim),
        (None, Connection::Connected) => {
            let waiting: Vec<_> = state
                .waiting()
                .map(|it| it.summary.title.as_str())
                .collect();
            match &*waiting {
                [] => (HINTS.to_owned(), theme.dim),
                titles => (
                    format!("Tab shows what is new: {}", titles.join(", ")),
                    theme.attention,
                ),
            }
        }
    };
    let text = truncate(&text, usize::from(area.width));
    put(buffer, area, vec![Span::styled(text, style)]);
}

/// Writes spans into the first line of an area. What does not fit is cut.
fn put(buffer: &mut Buffer, area: Rect, spans: Vec<Span<'_>>) {
    if area.is_empty() {
        return;
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// Draws a prompt and a text of one line, scrolled to the cursor. Returns the position of the cursor.
fn draw_field(
    buffer: &mut Buffer,
    area: Rect,
    prompt: &str,
    style: Style,
    field: &TextField,
) -> Option<Position> {
    let columns = usize::from(area.width).checked_sub(width(prompt))?;
    let (text, column) = field.visible(columns);
    put(
        buffer,
        area,
        vec![Span::styled(prompt, style), Span::raw(text)],
    );
    cursor_in(area, width(prompt) + column, 0)
}

/// Gives every cell of an area a style.
fn fill(buffer: &mut Buffer, area: Rect, style: Style) {
    buffer.set_style(area, style);
}

/// The part of an area from this row on, one line high; `None` below the area.
fn row(area: Rect, index: usize) -> Option<Rect> {
    let index = u16::try_from(index).ok()?;
    (index < area.height).then(|| Rect::new(area.x, area.y + index, area.width, 1))
}

/// The position of a cursor in an area; `None` outside of it.
fn cursor_in(area: Rect, column: usize, line: usize) -> Option<Position> {
    let x = area.x.checked_add(u16::try_from(column).ok()?)?;
    let y = area.y.checked_add(u16::try_from(line).ok()?)?;
    let position = Position::new(x, y);
    area.contains(position).then_some(position)
}
