//! The dashboard of conversations.

use std::borrow::Cow;

use crate::{
    resources::{
        AudioPreference, GenericPolicy, Importance, LisQueryResult, MessageFormat, ModalityType,
    },
    view::views,
};

views! {
    /// The dashboard of conversations: what the user can begin.
    ///
    /// Methods: GET, PUT. Source: `communication_ref`.
    ///
    /// Events: `communication` updated from `communication` (medium).
    ///
    /// A PUT must send the whole resource with its marker property and `If-Match`.
    resource Communication<'r> = "communication" {
        properties {
            /// How incoming calls should ring; VoIP by default.
            audio_preference: AudioPreference = "audioPreference",
            /// Whether the server archives conversations; it then accepts invitations on behalf of the user.
            conversation_history: GenericPolicy = "conversationHistory",
            /// The place that the location service found.
            lis_location: Cow<'r, str> = "lisLocation",
            /// Whether the location service answered.
            lis_query_result: LisQueryResult = "lisQueryResult",
            /// The telephone to reach the user on. At most 100 UTF-16 units.
            phone_number: Cow<'r, str> = "phoneNumber",
            /// Whether the place of this endpoint is published.
            publish_endpoint_location: bool = "publishEndpointLocation",
            /// Whether screens are shared as video.
            video_based_screen_sharing: GenericPolicy = "videoBasedScreenSharing",
            /// Whether calls ring at the matching number too; sent, but not documented.
            simultaneous_ring_number_match: GenericPolicy = "simultaneousRingNumberMatch",
        }
        property_lists {
            /// The formats that this client can show; `Plain` by default.
            supported_message_formats: MessageFormat = "supportedMessageFormats",
            /// The kinds of invitation that this client takes.
            supported_modalities: ModalityType = "supportedModalities",
        }
        links {
            /// The archived conversations.
            conversation_logs = "conversationLogs",
            /// The conversations that go on.
            conversations = "conversations",
            /// Joins a meeting.
            join_online_meeting = "joinOnlineMeeting",
            /// Settings for calls.
            media_policies = "mediaPolicies",
            /// Access to the media relay.
            media_relay_access_token = "mediaRelayAccessToken",
            /// What was missed.
            missed_items = "missedItems",
            /// Asks another endpoint to notify this one.
            replay_message = "replayMessage",
            /// Starts a call for somebody else.
            start_audio_on_behalf_of_delegator = "startAudioOnBehalfOfDelegator",
            /// Starts a call.
            start_audio = "startAudio",
            /// Starts a call with video for somebody else.
            start_audio_video_on_behalf_of_delegator = "startAudioVideoOnBehalfOfDelegator",
            /// Starts a call with video.
            start_audio_video = "startAudioVideo",
            /// Calls for help.
            start_emergency_call = "startEmergencyCall",
            /// Invites somebody to a chat.
            start_messaging = "startMessaging",
            /// Starts a meeting at once.
            start_online_meeting = "startOnlineMeeting",
            /// Starts a call by telephone for somebody else.
            start_phone_audio_on_behalf_of_delegator = "startPhoneAudioOnBehalfOfDelegator",
            /// Starts a call by telephone.
            start_phone_audio = "startPhoneAudio",
            /// Starts video.
            start_video = "startVideo",
        }
    }

    /// Invites somebody to a chat: 201 with the invitation's address, then events of `messagingInvitation`.
    ///
    /// Source: `startMessaging_ref`, `startMessaging2_ref`.
    ///
    /// Always send both `to` and `operationId`: one revision requires the one, the next the other. The message
    /// travels as a link.
    input StartMessagingInput<'r> = "startMessaging" | "startMessaging2" {
        properties {
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// Who is invited, as a SIP URI.
            to: Cow<'r, str> = "to",
            /// How urgent it is.
            importance: Importance = "importance",
            /// What it is about; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// What ties conversations of one thread together; opaque, never to be changed in case. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
            /// Opaque; samples send a UUID. At most 50 UTF-16 units.
            session_context: Cow<'r, str> = "sessionContext",
        }
        links {
            /// The first message, as a data URI.
            message = "message",
            /// Content of the application's own, as a data URI.
            custom_content = "customContent",
        }
    }

    /// Begins a meeting at once: 201, then events of `onlineMeetingInvitation`.
    ///
    /// Source: `startOnlineMeeting_ref`.
    input StartOnlineMeetingInput<'r> = "startOnlineMeeting" {
        properties {
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// How urgent it is.
            importance: Importance = "importance",
            /// What it is about; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// What ties conversations of one thread together; opaque, never to be changed in case. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
        }
    }

    /// Joins a meeting.
    ///
    /// Source: `joinOnlineMeeting_ref`.
    input JoinOnlineMeetingInput<'r> = "joinOnlineMeeting" {
        properties {
            /// The SIP address of the meeting.
            online_meeting_uri: Cow<'r, str> = "onlineMeetingUri",
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// How urgent it is.
            importance: Importance = "importance",
            /// What it is about; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// What ties conversations of one thread together; opaque, never to be changed in case. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
        }
    }
}
