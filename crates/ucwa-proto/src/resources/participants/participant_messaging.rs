//! Taking part in the chat.

use crate::typed::view;

view! {
    /// That a participant takes part in the chat.
    ///
    /// Methods: GET. Source: `participantMessaging_ref`.
    ///
    /// Events: `participantMessaging` added, updated, deleted from `conversation` (high).
    resource ParticipantMessaging<'r> = "participantMessaging" {
        links {
            /// The participant.
            participant = "participant",
        }
    }
}
