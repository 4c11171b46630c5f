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
    theme::{Theme, status_suffix, with_note},
};
use crate::chat::{
    layout::help_rows,
    printable_text::PrintableText,
    state::{State, conversation::Person, keys::BINDINGS},
    wrapping::{truncate, truncate_before},
};

/// The columns of the keys in the help.
const KEY_COLUMNS: usize = 21;

/// Draws the table of the keys, from the row `first` on.
pub(super) fn draw_help(buffer: &mut Buffer, first: usize, theme: &Theme) {
    let shown = help_rows(buffer.area.height);
    let inner = open(buffer, 72, BINDINGS.len(), " Keys ", theme);
    for (index, binding) in BINDINGS.iter().skip(first).take(shown).enumerate() {
        if let Some(line) = row(inner, index) {
            let names = binding.names();
            let padding = KEY_COLUMNS.saturating_sub(names.len());
            let columns = usize::from(line.width).saturating_sub(KEY_COLUMNS);
            put(
                buffer,
                line,
                vec![
                    Span::styled(names, theme.unread),
                    Span::raw(" ".repeat(padding)),
                    Span::raw(truncate(binding.help, columns)),
                ],
            );
        }
    }
    let hint = match shown < BINDINGS.len() {
        true => " Up and Down scroll, any other key closes this. ",
        false => " Any key closes this. ",
    };
    let columns = usize::from(inner.width);
    let border = Rect::new(inner.x, inner.bottom(), inner.width, 1);
    if buffer.area.contains(border.as_position()) {
        let hint = truncate(hint, columns);
        put(buffer, border, vec![Span::styled(hint, theme.dim)]);
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
        // Of a small screen, the list gets the rows of the gap and of the hint.
        let gap = u16::from(inner.height > 6);
        let hint_rows = u16::from(inner.height > 3);
        let list_rows = inner.height.checked_sub(1 + gap + hint_rows)?;
        let below = |rows, height| Rect::new(inner.x, inner.y + rows, inner.width, height);
        Some(Self {
            field: below(0, 1),
            list: below(1 + gap, list_rows),
            hint: below(1 + gap + list_rows, hint_rows),
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

/// A person as a row of a list of so many columns, with the status and the note.
fn person_row(state: &State, person: &Person, columns: u16, theme: &Theme) -> Line<'static> {
    let presence = state.presence_of(&person.address);
    let (symbol, style) = theme.status(presence.status);
    let address = person.shown_address();
    let mut behind = status_suffix(presence.status);
    if person.name != address {
        behind = format!(" <{}>{behind}", address.as_str());
    }
    // Before the text is the symbol.
    let columns = usize::from(columns).saturating_sub(4);
    let name = truncate_before(person.name.as_str(), &behind, columns);
    let text = with_note(name + &behind, &presence.note, columns);
    Line::from(vec![
        Span::raw("  "),
        Span::styled(symbol, style),
        Span::raw(" "),
        Span::raw(truncate(&text, columns)),
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
