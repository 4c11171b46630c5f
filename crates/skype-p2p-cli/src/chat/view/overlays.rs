//! The dialogs above the conversation: the keys, and the choice of a person.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Span,
    widgets::{Block, Clear, Widget as _},
};

use super::{
    cursor_in, fill, put, row,
    theme::{Theme, status_word},
};
use crate::chat::{
    state::{
        State,
        keys::BINDINGS,
        people_dialog::{PeopleDialog, Purpose, Row},
    },
    wrapping::{truncate, width},
};

/// The columns of the keys in the help.
const KEY_COLUMNS: usize = 24;

/// Draws the table of the keys.
pub(super) fn draw_help(buffer: &mut Buffer, theme: &Theme) {
    let inner = open(buffer, 72, BINDINGS.len() + 2, " Keys ", theme);
    for (index, binding) in BINDINGS.iter().enumerate() {
        if let Some(line) = row(inner, index) {
            let names = binding.names();
            let padding = KEY_COLUMNS.saturating_sub(names.len());
            put(
                buffer,
                line,
                vec![
                    Span::styled(names, theme.unread),
                    Span::raw(" ".repeat(padding)),
                    Span::raw(binding.help),
                ],
            );
        }
    }
    if let Some(line) = row(inner, BINDINGS.len() + 1) {
        put(
            buffer,
            line,
            vec![Span::styled("Any key closes this.", theme.dim)],
        );
    }
}

/// Draws the choice of a person. Returns the position of the cursor.
pub(super) fn draw_people(
    buffer: &mut Buffer,
    state: &State,
    dialog: &PeopleDialog,
    theme: &Theme,
) -> Option<Position> {
    let title = match dialog.purpose {
        Purpose::Chat => " Open a chat with ",
        Purpose::Invite(_) => " Add a person ",
    };
    let inner = open(buffer, 60, 18, title, theme);
    let query = row(inner, 0)?;
    put(
        buffer,
        query,
        vec![
            Span::styled("> ", theme.dim),
            Span::raw(dialog.query.text()),
        ],
    );
    let rows = dialog.rows(&state.groups);
    let hint = usize::from(inner.height).saturating_sub(1);
    let shown = hint.saturating_sub(2);
    let first = dialog
        .selected
        .map_or(0, |selected| (selected + 1).saturating_sub(shown));
    for (index, entry) in rows.iter().enumerate().skip(first).take(shown) {
        if let Some(line) = row(inner, index - first + 2) {
            draw_row(buffer, line, state, entry, theme);
            if dialog.selected == Some(index) {
                fill(buffer, line, theme.selected);
            }
        }
    }
    if let Some(line) = row(inner, hint) {
        let text = truncate(self::hint(dialog, &rows), usize::from(line.width));
        put(buffer, line, vec![Span::styled(text, theme.dim)]);
    }
    cursor_in(query, 2 + width(dialog.query.before_cursor()), 0)
}

fn hint(dialog: &PeopleDialog, rows: &[Row]) -> &'static str {
    if dialog.is_searching() {
        "searching…"
    } else if dialog.more {
        "There are more. Type more of the name."
    } else if rows.is_empty() && dialog.has_searched() {
        "No person was found."
    } else if rows.is_empty() {
        "Type a name or an address. Enter searches, Esc cancels."
    } else {
        "Up and Down select, Enter chooses or searches, Esc cancels."
    }
}

fn draw_row(buffer: &mut Buffer, line: Rect, state: &State, entry: &Row, theme: &Theme) {
    let person = match entry {
        Row::Group(name) => {
            let name = truncate(name.as_str(), usize::from(line.width));
            put(buffer, line, vec![Span::styled(name, theme.unread)]);
            return;
        }
        Row::Person(person) => person,
    };
    let status = state.status_of(&person.address);
    let (symbol, style) = theme.status(status);
    let address = person.shown_address();
    let mut text = person.name.as_str().to_owned();
    if text != address.as_str() {
        text = format!("{text} <{}>", address.as_str());
    }
    let word = status_word(status);
    if !word.is_empty() {
        text = format!("{text} ({word})");
    }
    let text = truncate(&text, usize::from(line.width).saturating_sub(4));
    put(
        buffer,
        line,
        vec![
            Span::raw("  "),
            Span::styled(symbol, style),
            Span::raw(" "),
            Span::styled(text, Style::new()),
        ],
    );
}

/// Clears a box in the middle of the screen and draws its border. Returns the area inside.
fn open(buffer: &mut Buffer, columns: u16, rows: usize, title: &str, theme: &Theme) -> Rect {
    let screen = buffer.area;
    let rows = u16::try_from(rows + 2).unwrap_or(u16::MAX);
    let (columns, rows) = (columns.min(screen.width), rows.min(screen.height));
    let area = Rect::new(
        screen.x + (screen.width - columns) / 2,
        screen.y + (screen.height - rows) / 2,
        columns,
        rows,
    );
    Clear.render(area, buffer);
    let block = Block::bordered().title(title).border_style(theme.dim);
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}
