//! Invitations.

use std::borrow::Cow;

use crate::{
    Resource,
    resources::{
        CallDeclineReason, Direction, Importance, InvitationState, ModalityType, Participant,
    },
    view::views,
};

views! {
    /// Declines an invitation; 204.
    ///
    /// Source: `decline_ref`.
    input DeclineInput = "decline" {
        properties {
            /// Whether the user declines (`Global`) or only this client (`Local`).
            reason: CallDeclineReason = "reason",
        }
    }

    /// An invitation to a chat.
    ///
    /// Methods: GET. Source: `messagingInvitation_ref`, `invitation_ref`.
    ///
    /// Events: `messagingInvitation` started, updated, completed from `communication` (high).
    resource MessagingInvitation<'r> = "messagingInvitation" | "invitation" {
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
            /// The chat that came of it, if in another conversation.
            derived_messaging = "derivedMessaging",
            /// Who invites; also embedded.
            from_link = "from",
            /// The chat.
            messaging = "messaging",
            /// For whom the invitation is.
            on_behalf_of = "onBehalfOf",
            /// Who was meant.
            to_link = "to",
            /// Content of the application's own, as a data URI.
            custom_content = "customContent",
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

    /// The invitations.
    ///
    /// Methods: GET. Source: `invitations_ref`.
    resource Invitations<'r> = "invitations" {}

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
