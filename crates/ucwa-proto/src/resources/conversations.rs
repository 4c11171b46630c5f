//! Conversations.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{AudienceMessaging, AudienceMuteLock, ConversationState, Importance, ModalityType},
    view::views,
};

views! {
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

    /// A conversation, as the user sees it.
    ///
    /// Methods: GET, DELETE. Source: `conversation_ref`, `derivedConversation_ref`.
    ///
    /// Events: `conversation` added, updated, deleted from `communication` (high).
    ///
    /// DELETE ends all of it.
    resource Conversation<'r> = "conversation" | "derivedConversation" {
        properties {
            /// Whether attendees may write.
            audience_messaging: AudienceMessaging = "audienceMessaging",
            /// Whether attendees are muted.
            audience_mute: AudienceMuteLock = "audienceMute",
            /// When it began.
            created: DateTime = "created",
            /// When it ends by itself.
            expiration_time: DateTime = "expirationTime",
            /// How urgent it is.
            importance: Importance = "importance",
            /// How many take part.
            participant_count: i64 = "participantCount",
            /// Whether it was read on this device.
            read_locally: bool = "readLocally",
            /// Whether it is being recorded.
            recording: bool = "recording",
            /// How far it is.
            state: ConversationState = "state",
            /// What it is about; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// What ties conversations of one thread together; opaque, never to be changed in case. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
        }
        property_lists {
            /// What is going on in the conversation; empty before it is connected.
            active_modalities: ModalityType = "activeModalities",
        }
        links {
            /// Invites one more person; appears once the conversation is connected.
            add_participant = "addParticipant",
            /// Screen sharing.
            application_sharing = "applicationSharing",
            /// The participants who are attendees.
            attendees = "attendees",
            /// Audio and video.
            audio_video = "audioVideo",
            /// Whiteboards and the like.
            data_collaboration = "dataCollaboration",
            /// Forbids attendees to write.
            disable_audience_messaging = "disableAudienceMessaging",
            /// Lets attendees speak.
            disable_audience_mute_lock = "disableAudienceMuteLock",
            /// Lets attendees write.
            enable_audience_messaging = "enableAudienceMessaging",
            /// Mutes attendees.
            enable_audience_mute_lock = "enableAudienceMuteLock",
            /// The participants who are leaders.
            leaders = "leaders",
            /// Those who wait for admission.
            lobby = "lobby",
            /// The user as a participant.
            local_participant = "localParticipant",
            /// The chat.
            messaging = "messaging",
            /// The meeting behind the conversation.
            online_meeting = "onlineMeeting",
            /// Who takes part.
            participants = "participants",
            /// The call by telephone.
            phone_audio = "phoneAudio",
            /// To be posted, empty, when the user has seen what the server accepted on behalf of the user.
            user_acknowledged = "userAcknowledged",
        }
    }

    /// The conversations that go on.
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
