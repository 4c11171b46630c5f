//! The dialog that publishes the user's own status and note.

use clap::ValueEnum as _;
use crossterm::event::{KeyCode, KeyEvent};

use super::{selection, text_field::TextField, update::Effect};
use crate::{chat::printable_text::PrintableText, presence::Availability};

/// The dialog.
#[derive(Clone, Debug)]
pub(crate) struct PresenceDialog {
    pub(crate) note: TextField,
    /// The note that is published.
    published: PrintableText,
    /// The index of the status to publish, among [`statuses`](Self::statuses). `None` leaves the status as it is.
    pub(crate) selected: Option<usize>,
}

impl PresenceDialog {
    /// The dialog with the note that is published now.
    pub(crate) fn new(published: &PrintableText) -> Self {
        let mut note = TextField::default();
        note.insert(published.as_str());
        Self {
            note,
            published: published.clone(),
            selected: None,
        }
    }

    /// The statuses to choose from.
    pub(crate) fn statuses() -> &'static [Availability] {
        Availability::value_variants()
    }

    pub(crate) fn on_paste(&mut self, text: &str) {
        self.note.insert(PrintableText::line(text).as_str());
    }

    /// Applies a key. Returns the changes to publish when the dialog ends, and `None` before.
    pub(crate) fn on_key(&mut self, key: KeyEvent) -> Option<Vec<Effect>> {
        match key.code {
            KeyCode::Esc => return Some(Vec::new()),
            KeyCode::Enter => return Some(self.changes()),
            code => match selection::moved(code, self.selected, 0..Self::statuses().len()) {
                Some(selected) => self.selected = selected,
                None => {
                    self.note.on_key(key);
                }
            },
        }
        None
    }

    fn changes(&self) -> Vec<Effect> {
        let note = self.note.text().trim();
        let set_note = (note != self.published.as_str()).then(|| Effect::SetNote(note.to_owned()));
        let status = self.selected.and_then(|at| Self::statuses().get(at));
        let set_status = status.map(|status| Effect::SetStatus(*status));
        set_note.into_iter().chain(set_status).collect()
    }
}
