//! A contact's note.

use std::borrow::Cow;

use crate::{resources::NoteType, typed::view};

view! {
    /// What a contact lets others know.
    ///
    /// Methods: GET. Source: `contactNote_ref`.
    ///
    /// Events: `contactNote` updated from `people` (medium).
    resource ContactNote<'r> = "contactNote" {
        properties {
            /// The note. Hidden in debug output.
            message: Cow<'r, str> = "message",
            /// Whether the note is personal or an automatic reply.
            kind: NoteType = "type",
        }
    }
}
