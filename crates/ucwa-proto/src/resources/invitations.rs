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
    /// Declines an invitation. The response is 204.
    ///
    /// Source: `decline_ref`.
    input DeclineInput = "decline" {
        properties {
            /// Whether the user declines on all clients (`Global`) or on this client only (`Local`).
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
            /// Whether the user sent or received the invitation.
            direction: Direction = "direction",
            /// The importance.
            importance: Importance = "importance",
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// The state.
            state: InvitationState = "state",
            /// The subject; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// The ID that the conversations of one thread share: opaque and case-sensitive. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
            /// The SIP URI of the invited person.
            to: Cow<'r, str> = "to",
        }
        links {
            /// Accepts the invitation by an empty POST. Later representations may lack the link although it still works.
            accept = "accept",
            /// The contact that accepted.
            accepted_by_contact = "acceptedByContact",
            /// Cancels the invitation; absent after the invitation was answered.
            cancel = "cancel",
            /// The conversation.
            conversation = "conversation",
            /// Declines the invitation. Later representations may lack the link although it still works.
            decline = "decline",
            /// The chat that resulted from the invitation, if it is in another conversation.
            derived_messaging = "derivedMessaging",
            /// The participant that invites; also embedded.
            from_link = "from",
            /// The chat.
            messaging = "messaging",
            /// The contact on whose behalf the invitation was sent.
            on_behalf_of = "onBehalfOf",
            /// The contact that was invited.
            to_link = "to",
            /// Content that the applications define, as a data URI.
            custom_content = "customContent",
            /// The first message, as a data URI.
            message = "message",
        }
        embedded {
            /// The participant that invites; in an outgoing invitation only linked.
            from: Participant = "from",
        }
        embedded_lists {
            /// The participants that accepted; the name may be empty.
            accepted_by_participant: Participant = "acceptedByParticipant",
            /// The input of an emergency call, without a view; only with emergency calls.
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
            /// The display name of a guest. At most 250 UTF-16 units.
            anonymous_display_name: Cow<'r, str> = "anonymousDisplayName",
            /// Whether the user sent or received the invitation.
            direction: Direction = "direction",
            /// The importance.
            importance: Importance = "importance",
            /// The SIP address of the meeting.
            online_meeting_uri: Cow<'r, str> = "onlineMeetingUri",
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// The state.
            state: InvitationState = "state",
            /// The subject; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// The ID that the conversations of one thread share: opaque and case-sensitive. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
            /// The SIP URI of the invited person.
            to: Cow<'r, str> = "to",
        }
        property_lists {
            /// The modalities of the meeting.
            available_modalities: ModalityType = "availableModalities",
        }
        links {
            /// Accepts the invitation by an empty POST. Later representations may lack the link although it still works.
            accept = "accept",
            /// The contact that accepted.
            accepted_by_contact = "acceptedByContact",
            /// Cancels the invitation; absent after the invitation was answered.
            cancel = "cancel",
            /// The conversation.
            conversation = "conversation",
            /// Declines the invitation. Later representations may lack the link although it still works.
            decline = "decline",
            /// The participant that invites; also embedded.
            from_link = "from",
            /// The contact on whose behalf the invitation was sent.
            on_behalf_of = "onBehalfOf",
            /// The contact that was invited.
            to_link = "to",
            /// The first message, as a data URI.
            message = "message",
        }
        embedded {
            /// The participant that invites; in an outgoing invitation only linked.
            from: Participant = "from",
        }
        embedded_lists {
            /// The input of an emergency call, without a view; only with emergency calls.
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
            /// Whether the user sent or received the invitation.
            direction: Direction = "direction",
            /// The importance.
            importance: Importance = "importance",
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// The state.
            state: InvitationState = "state",
            /// The subject; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// The ID that the conversations of one thread share: opaque and case-sensitive. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
            /// The SIP URI of the invited person.
            to: Cow<'r, str> = "to",
        }
        links {
            /// Cancels the invitation; absent after the invitation was answered.
            cancel = "cancel",
            /// The conversation.
            conversation = "conversation",
            /// The participant that invites; also embedded.
            from_link = "from",
            /// The participant.
            participant = "participant",
            /// The contact that was invited.
            to_link = "to",
            /// The first message, as a data URI.
            message = "message",
        }
        embedded {
            /// The participant that invites; in an outgoing invitation only linked.
            from: Participant = "from",
        }
        embedded_lists {
            /// The participants that accepted; the name may be empty.
            accepted_by_participant: Participant = "acceptedByParticipant",
            /// The input of an emergency call, without a view; only with emergency calls.
            start_emergency_call_input: Resource = "startEmergencyCallInput",
        }
    }
}
