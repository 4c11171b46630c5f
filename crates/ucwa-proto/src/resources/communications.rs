//! The dashboard of conversations.

use std::borrow::Cow;

use crate::{
    resources::{
        AudioPreference, GenericPolicy, Importance, LisQueryResult, MessageFormat, ModalityType,
    },
    view::views,
};

views! {
    /// The dashboard of conversations: links to start conversations and to list them.
    ///
    /// Methods: GET, PUT. Source: `communication_ref`.
    ///
    /// Events: `communication` updated from `communication` (medium).
    ///
    /// A PUT must send the whole resource with its marker property and `If-Match`.
    resource Communication<'r> = "communication" {
        properties {
            /// The device that incoming calls ring on; VoIP by default.
            audio_preference: AudioPreference = "audioPreference",
            /// Whether the server archives conversations; it then accepts invitations on behalf of the user.
            conversation_history: GenericPolicy = "conversationHistory",
            /// The location that the location service found.
            lis_location: Cow<'r, str> = "lisLocation",
            /// Whether the location service answered.
            lis_query_result: LisQueryResult = "lisQueryResult",
            /// The user's phone number. At most 100 UTF-16 units.
            phone_number: Cow<'r, str> = "phoneNumber",
            /// Whether the location of this endpoint is published.
            publish_endpoint_location: bool = "publishEndpointLocation",
            /// Whether screens are shared as video.
            video_based_screen_sharing: GenericPolicy = "videoBasedScreenSharing",
            /// Whether calls also ring at the matching number; sent by servers, but not documented.
            simultaneous_ring_number_match: GenericPolicy = "simultaneousRingNumberMatch",
        }
        property_lists {
            /// The message formats that this client supports; `Plain` by default.
            supported_message_formats: MessageFormat = "supportedMessageFormats",
            /// The modalities of the invitations that this client accepts.
            supported_modalities: ModalityType = "supportedModalities",
        }
        links {
            /// The archived conversations.
            conversation_logs = "conversationLogs",
            /// The active conversations.
            conversations = "conversations",
            /// Joins a meeting.
            join_online_meeting = "joinOnlineMeeting",
            /// Settings for calls.
            media_policies = "mediaPolicies",
            /// Access to the media relay.
            media_relay_access_token = "mediaRelayAccessToken",
            /// The missed items.
            missed_items = "missedItems",
            /// Asks another endpoint to notify this one.
            replay_message = "replayMessage",
            /// Starts a call on behalf of another person.
            start_audio_on_behalf_of_delegator = "startAudioOnBehalfOfDelegator",
            /// Starts a call.
            start_audio = "startAudio",
            /// Starts a call with video on behalf of another person.
            start_audio_video_on_behalf_of_delegator = "startAudioVideoOnBehalfOfDelegator",
            /// Starts a call with video.
            start_audio_video = "startAudioVideo",
            /// Starts an emergency call.
            start_emergency_call = "startEmergencyCall",
            /// Invites a person to a chat.
            start_messaging = "startMessaging",
            /// Starts a meeting immediately.
            start_online_meeting = "startOnlineMeeting",
            /// Starts a phone call on behalf of another person.
            start_phone_audio_on_behalf_of_delegator = "startPhoneAudioOnBehalfOfDelegator",
            /// Starts a phone call.
            start_phone_audio = "startPhoneAudio",
            /// Starts video.
            start_video = "startVideo",
        }
    }

    /// Invites a person to a chat. The response is 201 with the invitation's address; events of `messagingInvitation` follow.
    ///
    /// Source: `startMessaging_ref`, `startMessaging2_ref`.
    ///
    /// Always send both `to` and `operationId`: one revision requires `to`, the other `operationId`. The message
    /// is sent as a link.
    input StartMessagingInput<'r> = "startMessaging" | "startMessaging2" {
        properties {
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// The SIP URI of the invited person.
            to: Cow<'r, str> = "to",
            /// The importance.
            importance: Importance = "importance",
            /// The subject; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// The ID that the conversations of one thread share: opaque and case-sensitive. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
            /// Opaque; samples send a UUID. At most 50 UTF-16 units.
            session_context: Cow<'r, str> = "sessionContext",
        }
        links {
            /// The first message, as a data URI.
            message = "message",
            /// Content that the applications define, as a data URI.
            custom_content = "customContent",
        }
    }

    /// Starts a meeting immediately. The response is 201; events of `onlineMeetingInvitation` follow.
    ///
    /// Source: `startOnlineMeeting_ref`.
    input StartOnlineMeetingInput<'r> = "startOnlineMeeting" {
        properties {
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// The importance.
            importance: Importance = "importance",
            /// The subject; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// The ID that the conversations of one thread share: opaque and case-sensitive. At most 250
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
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// The importance.
            importance: Importance = "importance",
            /// The subject; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// The ID that the conversations of one thread share: opaque and case-sensitive. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
        }
    }
}
