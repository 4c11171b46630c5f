//! Inviting one more.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// Invites one more person: 201, then events of `participantInvitation`. A conversation of two becomes a meeting
    /// first.
    ///
    /// Source: `addParticipant_ref`.
    input AddParticipantInput<'r> = "addParticipant" {
        properties {
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// Who is invited, as a SIP URI.
            to: Cow<'r, str> = "to",
        }
    }
}
