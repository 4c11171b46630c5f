//! The dialogs above the conversation. The help is here, and what the other dialogs have in common.

pub(super) mod contacts;
pub(super) mod people;
pub(super) mod presence;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear, Widget as _},
};

use super::{
    fill, put, row,
    theme::{Theme, status_word},
};
use crate::chat::{
    printable_text::PrintableText,
    state::{State, conversation::Person, keys::BINDINGS},
    wrapping::truncate,
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

/// The areas of a dialog with a text field, a list and a hint.
struct ListDialog {
    field: Rect,
    list: Rect,
    hint: Rect,
}

impl ListDialog {
    /// Opens the dialog. `None` if the screen is too small to show any of it.
    fn open(buffer: &mut Buffer, title: &str, theme: &Theme) -> Option<Self> {
        let inner = open(buffer, 64, 18, title, theme);
        let last = usize::from(inner.height).checked_sub(1)?;
        let list_rows = inner.height.saturating_sub(3);
        Some(Self {
            field: row(inner, 0)?,
            list: Rect::new(
                inner.x,
                inner.y + 2.min(inner.height),
                inner.width,
                list_rows,
            ),
            hint: row(inner, last)?,
        })
    }

    /// Draws rows of the list, so that the selected one is among them.
    fn draw_list(
        &self,
        buffer: &mut Buffer,
        rows: Vec<Line<'_>>,
        selected: Option<usize>,
        theme: &Theme,
    ) {
        let shown = usize::from(self.list.height);
        let first = selected.map_or(0, |selected| (selected + 1).saturating_sub(shown));
        for (index, content) in rows.into_iter().enumerate().skip(first).take(shown) {
            if let Some(line) = row(self.list, index - first) {
                put(buffer, line, content.spans);
                if selected == Some(index) {
                    fill(buffer, line, theme.selected);
                }
            }
        }
    }

    fn draw_hint(&self, buffer: &mut Buffer, text: &str, theme: &Theme) {
        let text = truncate(text, usize::from(self.hint.width));
        put(buffer, self.hint, vec![Span::styled(text, theme.dim)]);
    }
}

/// A group as a row of a list.
fn group_row<'a>(name: &'a PrintableText, theme: &Theme) -> Line<'a> {
    Line::styled(name.as_str(), theme.unread)
}

/// A person as a row of a list, with the status.
fn person_row<'a>(state: &State, person: &Person, theme: &Theme) -> Line<'a> {
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
    Line::from(vec![
        Span::raw("  "),
        Span::styled(symbol, style),
        Span::raw(" "),
        Span::raw(text),
    ])
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
