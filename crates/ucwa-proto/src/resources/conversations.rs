//! Conversations.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{AudienceMessaging, AudienceMuteLock, ConversationState, Importance, ModalityType},
    view::views,
};

views! {
    /// Invites one more person. The response is 201; events of `participantInvitation` follow. A conversation of two becomes a meeting
    /// first.
    ///
    /// Source: `addParticipant_ref`.
    input AddParticipantInput<'r> = "addParticipant" {
        properties {
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// The SIP URI of the invited person.
            to: Cow<'r, str> = "to",
        }
    }

    /// A conversation, as the user sees it.
    ///
    /// Methods: GET, DELETE. Source: `conversation_ref`, `derivedConversation_ref`.
    ///
    /// Events: `conversation` added, updated, deleted from `communication` (high).
    ///
    /// DELETE ends the subscription.
    resource Conversation<'r> = "conversation" | "derivedConversation" {
        properties {
            /// Whether attendees may send messages.
            audience_messaging: AudienceMessaging = "audienceMessaging",
            /// Whether attendees are muted.
            audience_mute: AudienceMuteLock = "audienceMute",
            /// The start time.
            created: DateTime = "created",
            /// The time when the conversation expires.
            expiration_time: DateTime = "expirationTime",
            /// The importance.
            importance: Importance = "importance",
            /// The number of participants.
            participant_count: i64 = "participantCount",
            /// Whether the conversation was read on this device.
            read_locally: bool = "readLocally",
            /// Whether the conversation is being recorded.
            recording: bool = "recording",
            /// The state.
            state: ConversationState = "state",
            /// The subject; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// The ID that the conversations of one thread share: opaque and case-sensitive. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
        }
        property_lists {
            /// The active modalities; empty before the conversation is connected.
            active_modalities: ModalityType = "activeModalities",
        }
        links {
            /// Invites one more person; present once the conversation is connected.
            add_participant = "addParticipant",
            /// Screen sharing.
            application_sharing = "applicationSharing",
            /// The participants who are attendees.
            attendees = "attendees",
            /// Audio and video.
            audio_video = "audioVideo",
            /// Data collaboration, such as whiteboards.
            data_collaboration = "dataCollaboration",
            /// Disables chat for attendees.
            disable_audience_messaging = "disableAudienceMessaging",
            /// Unmutes attendees.
            disable_audience_mute_lock = "disableAudienceMuteLock",
            /// Enables chat for attendees.
            enable_audience_messaging = "enableAudienceMessaging",
            /// Mutes attendees.
            enable_audience_mute_lock = "enableAudienceMuteLock",
            /// The participants who are leaders.
            leaders = "leaders",
            /// The participants that wait in the lobby.
            lobby = "lobby",
            /// The user as a participant.
            local_participant = "localParticipant",
            /// The chat.
            messaging = "messaging",
            /// The meeting behind the conversation.
            online_meeting = "onlineMeeting",
            /// The participants.
            participants = "participants",
            /// The phone call.
            phone_audio = "phoneAudio",
            /// Takes an empty POST when the user has seen a conversation that the server accepted on their behalf.
            user_acknowledged = "userAcknowledged",
        }
    }

    /// The active conversations.
    ///
    /// Methods: GET. Source: `conversations_ref`.
    resource Conversations<'r> = "conversations" {
        link_lists {
            /// The conversation.
            conversation = "conversation",
        }
    }

    /// The result of a conversation extension.
    ///
    /// Source: `conversationExtensionResult_ref`.
    resource ConversationExtensionResult<'r> = "conversationExtensionResult" {
        properties {
            /// The result.
            result: Cow<'r, str> = "result",
        }
    }
}
