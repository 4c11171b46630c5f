//! The dashboard of conversations.

use std::borrow::Cow;

use crate::{
    resources::{AudioPreference, GenericPolicy, LisQueryResult, MessageFormat, ModalityType},
    typed::view,
};

view! {
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
}
