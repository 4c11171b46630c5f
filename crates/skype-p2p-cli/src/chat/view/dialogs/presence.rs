//! The dialog that publishes the user's own status and note.

use ratatui::{
    buffer::Buffer,
    layout::Position,
    text::{Line, Span},
};
use skype_p2p::PersonStatus;

use super::ListDialog;
use crate::{
    chat::{
        state::{State, presence_dialog::PresenceDialog},
        view::{
            draw_field,
            theme::{Theme, status_word},
        },
    },
    presence::Availability,
};

/// Draws the dialog. Returns the position of the cursor.
pub(crate) fn draw(
    buffer: &mut Buffer,
    state: &State,
    dialog: &PresenceDialog,
    theme: &Theme,
) -> Option<Position> {
    let area = ListDialog::open(buffer, " Your status and note ", theme)?;
    let statuses = PresenceDialog::statuses().iter();
    let lines = statuses.map(|status| status_row(*status, state.status, theme));
    area.draw_list(buffer, lines.collect(), dialog.selected, theme);
    let hint = "Up and Down select a status, Enter publishes, Esc cancels.";
    area.draw_hint(buffer, hint, theme);
    draw_field(buffer, area.field, "note: ", theme.dim, &dialog.note)
}

fn status_row(availability: Availability, now: PersonStatus, theme: &Theme) -> Line<'static> {
    let status = PersonStatus::try_from(availability);
    let (symbol, style) = theme.status(status.unwrap_or_default());
    let word = status.map_or("determined by the server", status_word);
    let present = match status {
        Ok(status) if status == now => " (now)",
        _ => "",
    };
    Line::from(vec![
        Span::raw("  "),
        Span::styled(symbol, style),
        Span::raw(format!(" {word}{present}")),
    ])
}
