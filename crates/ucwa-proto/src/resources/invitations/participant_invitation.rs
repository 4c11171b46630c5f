//! Invitations to a conversation.

use std::borrow::Cow;

use crate::{
    Resource,
    resources::{Direction, Importance, InvitationState, Participant},
    typed::view,
};

view! {
    /// An invitation of one more person; it succeeds once that person takes part.
    ///
    /// Methods: GET. Source: `participantInvitation_ref`.
    ///
    /// Events: `participantInvitation` started, updated from `communication` (high).
    resource ParticipantInvitation<'r> = "participantInvitation" {
        properties {
            /// Whether the user sent or received it.
            direction: Direction = "direction",
            /// How urgent it is.
            importance: Importance = "importance",
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// How far it is.
            state: InvitationState = "state",
            /// What it is about; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// What ties conversations of one thread together; opaque, never to be changed in case. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
            /// Who is invited, as a SIP URI.
            to: Cow<'r, str> = "to",
        }
        links {
            /// Takes the invitation back; gone once it is answered.
            cancel = "cancel",
            /// The conversation.
            conversation = "conversation",
            /// Who invites; also embedded.
            from_link = "from",
            /// The participant.
            participant = "participant",
            /// Who was meant.
            to_link = "to",
            /// The first message, as a data URI.
            message = "message",
        }
        embedded {
            /// Who invites; in an outgoing invitation only linked.
            from: Participant = "from",
        }
        embedded_lists {
            /// Who accepted, as a participant; the name may be empty.
            accepted_by_participant: Participant = "acceptedByParticipant",
            /// Generic; only with emergency calls.
            start_emergency_call_input: Resource = "startEmergencyCallInput",
        }
    }
}
