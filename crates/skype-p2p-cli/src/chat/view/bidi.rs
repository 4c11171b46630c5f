//! Text from right to left on terminals that reorder it.
//!
//! The client writes the characters of a line in their logical order. Some terminals show them as they come, others apply the
//! bidirectional algorithm to the whole line, which would mix the list of conversations with the timeline beside it, or a name
//! with the number behind it. A left-to-right mark in the cell between the two keeps them apart. It has no width.

use ratatui::{buffer::Buffer, layout::Position};

/// The vertical lines of the screen and of the dialogs.
const SEPARATOR: &str = "│";

/// The left-to-right mark.
pub(crate) const LEFT_TO_RIGHT_MARK: char = '\u{200e}';

/// Adds a left-to-right mark to each vertical line that has text from right to left beside it.
pub(super) fn separate_columns(buffer: &mut Buffer) {
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        let mut cells = (area.left()..area.right()).map(|x| Position::new(x, y));
        let reordered = cells.any(|at| {
            let cell = buffer.cell(at);
            cell.is_some_and(|cell| cell.symbol().chars().any(is_right_to_left))
        });
        if !reordered {
            continue;
        }
        for x in area.left()..area.right() {
            if let Some(cell) = buffer.cell_mut(Position::new(x, y))
                && cell.symbol() == SEPARATOR
            {
                cell.set_symbol(&format!("{SEPARATOR}{LEFT_TO_RIGHT_MARK}"));
            }
        }
    }
}

/// Adds a left-to-right mark to the cell behind a text from right to left, if there is such a cell.
pub(super) fn end_text(buffer: &mut Buffer, text: &str, behind: Position) {
    if text.chars().any(is_right_to_left)
        && let Some(cell) = buffer.cell_mut(behind)
    {
        let symbol = format!("{}{LEFT_TO_RIGHT_MARK}", cell.symbol());
        cell.set_symbol(&symbol);
    }
}

/// Whether the character is in a block of a script that is written from right to left.
fn is_right_to_left(c: char) -> bool {
    matches!(
        c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}
