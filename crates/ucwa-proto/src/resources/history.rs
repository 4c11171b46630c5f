//! Archived conversations.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{
        AudioTranscriptStatus, ConversationLogStatus, ConversationLogType, Direction,
        ErrorTranscriptReason, GenericPolicy, Importance, ModalityType,
    },
    view::views,
};

views! {
    /// An archived conversation.
    ///
    /// Methods: GET, DELETE. Source: `conversationLog_ref`.
    resource ConversationLog<'r> = "conversationLog" {
        properties {
            /// The time when the conversation was archived.
            creation_time: DateTime = "creationTime",
            /// Whether the user sent or received the invitation.
            direction: Direction = "direction",
            /// The importance.
            importance: Importance = "importance",
            /// The SIP address of the meeting.
            online_meeting_uri: Cow<'r, str> = "onlineMeetingUri",
            /// The beginning of the text. Hidden in debug output.
            preview_message: Cow<'r, str> = "previewMessage",
            /// Whether the call was answered.
            status: ConversationLogStatus = "status",
            /// The subject; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// The ID that the conversations of one thread share: opaque and case-sensitive. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
            /// The number of participants.
            total_recipients_count: i64 = "totalRecipientsCount",
            /// The type of the conversation.
            kind: ConversationLogType = "type",
        }
        property_lists {
            /// The modalities of the conversation.
            modalities: ModalityType = "modalities",
        }
        links {
            /// Starts the call again.
            continue_audio = "continueAudio",
            /// Starts the call with video again.
            continue_audio_video = "continueAudioVideo",
            /// Continues the conversation as a chat.
            continue_messaging = "continueMessaging",
            /// Starts the phone call again.
            continue_phone_audio = "continuePhoneAudio",
            /// Starts video again.
            continue_video = "continueVideo",
            /// The text.
            conversation_log_transcripts = "conversationLogTranscripts",
            /// Marks the conversation as read.
            mark_as_read = "markAsRead",
        }
        embedded_lists {
            /// The participants.
            conversation_log_recipient: ConversationLogRecipient = "conversationLogRecipient",
        }
    }

    /// A participant of an archived conversation.
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
            /// The contact.
            contact = "contact",
            /// The contact's photo.
            contact_photo = "contactPhoto",
            /// The contact's presence.
            contact_presence = "contactPresence",
        }
    }

    /// Continues an archived conversation. The response is 201; events of `messagingInvitation` follow.
    ///
    /// Source: `continueMessaging_ref`.
    input ContinueMessagingInput<'r> = "continueMessaging" {
        properties {
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
        }
        links {
            /// The first message, as a data URI.
            message = "message",
        }
    }

    /// A page of transcripts.
    ///
    /// Methods: GET. Source: `conversationLogTranscripts_ref`, `nextConversationLogTranscripts_ref`.
    resource ConversationLogTranscripts<'r> = "conversationLogTranscripts" | "nextConversationLogTranscripts" {
        links {
            /// The previous page of transcripts.
            next_conversation_log_transcripts = "nextConversationLogTranscripts",
        }
        embedded_lists {
            /// The transcripts.
            conversation_log_transcript: ConversationLogTranscript = "conversationLogTranscript",
        }
    }

    /// One entry of a transcript.
    ///
    /// Methods: GET. Source: `conversationLogTranscript_ref`.
    resource ConversationLogTranscript<'r> = "conversationLogTranscript" {
        properties {
            /// The time when the message was sent, by the server's clock.
            time_stamp: DateTime = "timeStamp",
        }
        links {
            /// The contact.
            contact = "contact",
            /// The user.
            me = "me",
        }
        embedded {
            /// A call.
            audio_transcript: AudioTranscript = "audioTranscript",
            /// A gap.
            error_transcript: ErrorTranscript = "errorTranscript",
            /// A message.
            message_transcript: MessageTranscript = "messageTranscript",
        }
    }

    /// A message that was said.
    ///
    /// Methods: GET. Source: `messageTranscript_ref`.
    resource MessageTranscript<'r> = "messageTranscript" {
        links {
            /// The text as HTML, as a data URI.
            html_message = "htmlMessage",
            /// The text, as a data URI; desktop clients end it with CRLF.
            plain_message = "plainMessage",
        }
    }

    /// A call that took place.
    ///
    /// Methods: GET. Source: `audioTranscript_ref`.
    resource AudioTranscript<'r> = "audioTranscript" {
        properties {
            /// The duration, as a span such as `00:01:02`.
            duration: Cow<'r, str> = "duration",
            /// The result of the call.
            status: AudioTranscriptStatus = "status",
        }
    }

    /// A gap in the archive.
    ///
    /// Methods: GET. Source: `errorTranscript_ref`.
    resource ErrorTranscript<'r> = "errorTranscript" {
        properties {
            /// The reason for the missing transcript.
            reason: ErrorTranscriptReason = "reason",
        }
    }

    /// The archived conversations; the query parameter `limit` is their greatest number.
    ///
    /// Methods: GET. Source: `conversationLogs_ref`.
    resource ConversationLogs<'r> = "conversationLogs" {
        link_lists {
            /// The logs, newest first.
            conversation_log = "conversationLog",
        }
    }

    /// The numbers of missed items.
    ///
    /// Methods: GET. Source: `missedItems_ref`.
    ///
    /// Events: `missedItems` updated from `communication` (high).
    resource MissedItems<'r> = "missedItems" {
        properties {
            /// The number of logs.
            conversation_logs_count: i64 = "conversationLogsCount",
            /// Whether new logs are reported.
            conversation_logs_notifications: GenericPolicy = "conversationLogsNotifications",
            /// The number of missed conversations.
            missed_conversations_count: i64 = "missedConversationsCount",
            /// The number of unread missed conversations.
            unread_missed_conversations_count: i64 = "unreadMissedConversationsCount",
            /// The number of unread voice mails.
            unread_voicemails_count: i64 = "unreadVoicemailsCount",
            /// The number of voice mails.
            voice_mails_count: i64 = "voiceMailsCount",
        }
    }
}
