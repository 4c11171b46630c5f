//! The dialog that chooses a person.

use ratatui::{buffer::Buffer, layout::Position};

use super::{ListDialog, group_row, person_row};
use crate::chat::{
    state::{
        State,
        people_dialog::{PeopleDialog, Purpose, Row},
    },
    view::{draw_field, theme::Theme},
};

/// Draws the dialog. Returns the position of the cursor.
pub(crate) fn draw(
    buffer: &mut Buffer,
    state: &State,
    dialog: &PeopleDialog,
    theme: &Theme,
) -> Option<Position> {
    let title = match dialog.purpose {
        Purpose::Chat => " Open a chat with ",
        Purpose::Invite(_) => " Add a person ",
        Purpose::AddContact(_) => " Add a contact ",
    };
    let area = ListDialog::open(buffer, title, theme)?;
    let rows = dialog.rows(&state.groups);
    let lines = rows.iter().map(|row| match row {
        Row::Group(name) => group_row(name, theme),
        Row::Person(person) => person_row(state, person, area.list.width, theme),
    });
    area.draw_list(buffer, lines.collect(), dialog.selected, theme);
    area.draw_hint(buffer, hint(dialog, &rows), theme);
    draw_field(buffer, area.field, "> ", theme.dim, &dialog.query)
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
        "Up and Down select, Enter chooses, Esc cancels."
    }
}
