//! Participants.

use std::borrow::Cow;

use crate::{
    resources::{Role, SourceNetwork},
    view::views,
};

views! {
    /// A participant of a conversation.
    ///
    /// Methods: GET. Source: `participant_ref`, `localParticipant_ref`, `from_ref`, `acceptedByParticipant_ref`,
    /// `failedDeliveryParticipant_ref`, `organizer_ref`.
    ///
    /// Events: `participant` added, updated, deleted from `conversation` (high); `localParticipant` added, updated,
    /// deleted from `conversation` (high).
    ///
    /// In events the name may stand in the link's title alone. An absent flag means no. A participant event with the
    /// member `in` tells of a role, the lobby or typing, not of coming and going.
    resource Participant<'r> = "participant" | "localParticipant" | "from" | "acceptedByParticipant" | "failedDeliveryParticipant" | "organizer" | "senderParticipant" {
        properties {
            /// Whether the participant is a guest without an account.
            anonymous: bool = "anonymous",
            /// Whether the participant waits for admission.
            in_lobby: bool = "inLobby",
            /// Whether the participant is the user.
            local: bool = "local",
            /// The display name; empty means unknown.
            name: Cow<'r, str> = "name",
            /// Whether the participant organizes the meeting.
            organizer: bool = "organizer",
            /// Another phone number, as a `tel:` URI.
            other_phone_number: Cow<'r, str> = "otherPhoneNumber",
            /// The role: attendee or leader.
            role: Role = "role",
            /// The network that the person belongs to.
            source_network: SourceNetwork = "sourceNetwork",
            /// The URI, usually a `sip:` URI.
            uri: Cow<'r, str> = "uri",
            /// The work phone number, as a `tel:` URI.
            work_phone_number: Cow<'r, str> = "workPhoneNumber",
        }
        links {
            /// Admits the participant from the lobby.
            admit = "admit",
            /// The contact.
            contact = "contact",
            /// The contact's photo.
            contact_photo = "contactPhoto",
            /// The contact's presence.
            contact_presence = "contactPresence",
            /// The conversation.
            conversation = "conversation",
            /// Makes the participant an attendee.
            demote = "demote",
            /// Removes the participant from the conversation.
            eject = "eject",
            /// The user.
            me = "me",
            /// Present while the participant shares a screen.
            participant_application_sharing = "participantApplicationSharing",
            /// Present while the participant takes part by audio.
            participant_audio = "participantAudio",
            /// Present while the participant collaborates on data.
            participant_data_collaboration = "participantDataCollaboration",
            /// Present while the participant takes part in the chat.
            participant_messaging = "participantMessaging",
            /// Present while the participant shows panoramic video.
            participant_panoramic_video = "participantPanoramicVideo",
            /// Present while the participant shows video.
            participant_video = "participantVideo",
            /// Makes the participant a leader.
            promote = "promote",
            /// Rejects the participant in the lobby.
            reject = "reject",
        }
    }

    /// The participants of a conversation, or the subset that has a role, waits in the lobby, or types.
    ///
    /// Methods: GET. Source: `participants_ref`, `lobby_ref`, `attendees_ref`, `leaders_ref`, `typingParticipants_ref`.
    ///
    /// Events: `participant` added, updated, deleted from `conversation` (high).
    resource Participants<'r> = "participants" | "lobby" | "attendees" | "leaders" | "typingParticipants" {
        links {
            /// The participant.
            participant_link = "participant",
        }
        embedded_lists {
            /// The participant.
            participant: Participant = "participant",
        }
    }

    /// The participation of a participant in the chat.
    ///
    /// Methods: GET. Source: `participantMessaging_ref`.
    ///
    /// Events: `participantMessaging` added, updated, deleted from `conversation` (high).
    resource ParticipantMessaging<'r> = "participantMessaging" {
        links {
            /// The participant.
            participant = "participant",
        }
    }
}
