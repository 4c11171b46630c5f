//! The user's note.

use std::borrow::Cow;

use crate::{resources::NoteType, typed::view};

view! {
    /// What the user lets others know.
    ///
    /// Methods: GET, POST. Source: `note_ref`.
    ///
    /// Events: `note` added, updated, deleted from `me` (medium).
    resource Note<'r> = "note" {
        properties {
            /// The note. Hidden in debug output.
            message: Cow<'r, str> = "message",
            /// Whether the note is personal or an automatic reply.
            kind: NoteType = "type",
        }
    }
}

view! {
    /// Sets the note.
    ///
    /// Source: `note_ref`.
    input NoteInput<'r> = "note" {
        properties {
            /// The note; blank resets it. At most 500 UTF-16 units. Hidden in debug output.
            message: Cow<'r, str> = "message",
        }
    }
}
