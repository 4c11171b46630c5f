//! An archived conversation.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{ConversationLogStatus, ConversationLogType, Direction, Importance, ModalityType},
    typed::view,
};

view! {
    /// An archived conversation.
    ///
    /// Methods: GET, DELETE. Source: `conversationLog_ref`.
    resource ConversationLog<'r> = "conversationLog" {
        properties {
            /// When it reached the archive.
            creation_time: DateTime = "creationTime",
            /// Whether the user sent or received it.
            direction: Direction = "direction",
            /// How urgent it is.
            importance: Importance = "importance",
            /// The SIP address of the meeting.
            online_meeting_uri: Cow<'r, str> = "onlineMeetingUri",
            /// The beginning of what was said. Hidden in debug output.
            preview_message: Cow<'r, str> = "previewMessage",
            /// Whether it was answered.
            status: ConversationLogStatus = "status",
            /// What it is about; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// What ties conversations of one thread together; opaque, never to be changed in case. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
            /// How many took part.
            total_recipients_count: i64 = "totalRecipientsCount",
            /// What kind of conversation it was.
            kind: ConversationLogType = "type",
        }
        property_lists {
            /// What went on in it.
            modalities: ModalityType = "modalities",
        }
        links {
            /// Calls again.
            continue_audio = "continueAudio",
            /// Calls again with video.
            continue_audio_video = "continueAudioVideo",
            /// Writes again.
            continue_messaging = "continueMessaging",
            /// Calls again by telephone.
            continue_phone_audio = "continuePhoneAudio",
            /// Shows video again.
            continue_video = "continueVideo",
            /// What was said.
            conversation_log_transcripts = "conversationLogTranscripts",
            /// Marks it as read.
            mark_as_read = "markAsRead",
        }
        embedded_lists {
            /// Who took part.
            conversation_log_recipient: ConversationLogRecipient = "conversationLogRecipient",
        }
    }
}

view! {
    /// Somebody who took part in an archived conversation.
    ///
    /// Methods: GET. Source: `conversationLogRecipient_ref`.
    resource ConversationLogRecipient<'r> = "conversationLogRecipient" {
        properties {
            /// The display name.
            display_name: Cow<'r, str> = "displayName",
            /// The address, as a SIP URI.
            sip_uri: Cow<'r, str> = "sipUri",
        }
        links {
            /// The person.
            contact = "contact",
            /// The contact's photo.
            contact_photo = "contactPhoto",
            /// The contact's presence.
            contact_presence = "contactPresence",
        }
    }
}

view! {
    /// Writes again: 201, then events of `messagingInvitation`.
    ///
    /// Source: `continueMessaging_ref`.
    input ContinueMessagingInput<'r> = "continueMessaging" {
        properties {
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
        }
        links {
            /// The first message, as a data URI.
            message = "message",
        }
    }
}
