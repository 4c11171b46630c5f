//! Invitations to a meeting.

use std::borrow::Cow;

use crate::{
    Resource,
    resources::{Direction, Importance, InvitationState, ModalityType, Participant},
    typed::view,
};

view! {
    /// An invitation to a meeting, or the user's own way into one.
    ///
    /// Methods: GET. Source: `onlineMeetingInvitation_ref`.
    ///
    /// Events: `onlineMeetingInvitation` started, updated from `communication` (high).
    resource OnlineMeetingInvitation<'r> = "onlineMeetingInvitation" {
        properties {
            /// The name a guest goes by. At most 250 UTF-16 units.
            anonymous_display_name: Cow<'r, str> = "anonymousDisplayName",
            /// Whether the user sent or received it.
            direction: Direction = "direction",
            /// How urgent it is.
            importance: Importance = "importance",
            /// The SIP address of the meeting.
            online_meeting_uri: Cow<'r, str> = "onlineMeetingUri",
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
        property_lists {
            /// What the meeting offers.
            available_modalities: ModalityType = "availableModalities",
        }
        links {
            /// Accepts, by an empty POST; later representations may lack it although it still works.
            accept = "accept",
            /// Who accepted.
            accepted_by_contact = "acceptedByContact",
            /// Takes the invitation back; gone once it is answered.
            cancel = "cancel",
            /// The conversation.
            conversation = "conversation",
            /// Declines; later representations may lack it although it still works.
            decline = "decline",
            /// Who invites; also embedded.
            from_link = "from",
            /// For whom the invitation is.
            on_behalf_of = "onBehalfOf",
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
            /// Generic; only with emergency calls.
            start_emergency_call_input: Resource = "startEmergencyCallInput",
        }
    }
}
