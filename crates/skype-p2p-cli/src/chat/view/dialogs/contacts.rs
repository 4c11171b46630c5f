//! The dialog that changes the contact list.

use ratatui::{
    buffer::Buffer,
    layout::Position,
    text::{Line, Span},
};
use skype_p2p::GroupType;

use super::{ListDialog, group_row, person_row};
use crate::chat::{
    state::{
        State,
        contacts_dialog::{Choice, ContactsDialog, NameOf, Row, Step},
    },
    view::{draw_field, put, theme::Theme},
    wrapping::truncate,
};

/// Draws the dialog. Returns the position of the cursor.
pub(crate) fn draw(
    buffer: &mut Buffer,
    state: &State,
    dialog: &ContactsDialog,
    theme: &Theme,
) -> Option<Position> {
    let area = ListDialog::open(buffer, " Contacts and groups ", theme)?;
    if let Step::Choice(choice) = &dialog.step {
        draw_choice(buffer, &area, choice, theme);
        return None;
    }
    let rows = ContactsDialog::rows(&state.groups);
    let lines = rows.iter().map(|row| match row {
        Row::Group(group) => group_row(&group.name, theme),
        Row::Member(_, person) => person_row(state, person, area.list.width, theme),
    });
    area.draw_list(buffer, lines.collect(), dialog.selected, theme);
    match &dialog.step {
        Step::Name { field, of } => {
            let (prompt, hint) = match of {
                NameOf::New => ("new group: ", "Enter creates the group, Esc cancels."),
                NameOf::Group(_) => ("new name: ", "Enter renames the group, Esc cancels."),
            };
            area.draw_hint(buffer, hint, theme);
            draw_field(buffer, area.field, prompt, theme.dim, field)
        }
        Step::List | Step::Choice(_) => {
            let selected = dialog.selected.and_then(|index| rows.get(index));
            area.draw_hint(buffer, hint(selected), theme);
            None
        }
    }
}

fn draw_choice(buffer: &mut Buffer, area: &ListDialog, choice: &Choice, theme: &Theme) {
    let columns = usize::from(area.field.width);
    let question = truncate(choice.question.as_str(), columns);
    put(
        buffer,
        area.field,
        vec![Span::styled(question, theme.attention)],
    );
    let answers = choice.answers.iter();
    let lines = answers.map(|(answer, _)| Line::from(format!("  {}", answer.as_str())));
    area.draw_list(buffer, lines.collect(), Some(choice.selected), theme);
    let hint = "Up and Down select, Enter chooses, Esc cancels.";
    area.draw_hint(buffer, hint, theme);
}

/// The keys that apply to the selected row.
fn hint(selected: Option<&Row<'_>>) -> &'static str {
    match selected {
        None => "Up and Down select · a add · n new group · Esc close",
        Some(Row::Member(group, _)) if group.kind == GroupType::Distribution => {
            "n new group · Esc close"
        }
        Some(Row::Member(..)) => "a add · m move · d remove · n new group · Esc close",
        Some(Row::Group(group)) => match group.kind {
            GroupType::Custom => "a add · r rename · d remove · n new group · Esc close",
            GroupType::Distribution => "d remove · n new group · Esc close",
            _ => "a add · n new group · Esc close",
        },
    }
}
