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

    /// What was said, a page of it.
    ///
    /// Methods: GET. Source: `conversationLogTranscripts_ref`, `nextConversationLogTranscripts_ref`.
    resource ConversationLogTranscripts<'r> = "conversationLogTranscripts" | "nextConversationLogTranscripts" {
        links {
            /// What was said before.
            next_conversation_log_transcripts = "nextConversationLogTranscripts",
        }
        embedded_lists {
            /// What was said, piece by piece.
            conversation_log_transcript: ConversationLogTranscript = "conversationLogTranscript",
        }
    }

    /// One thing that was said or happened.
    ///
    /// Methods: GET. Source: `conversationLogTranscript_ref`.
    resource ConversationLogTranscript<'r> = "conversationLogTranscript" {
        properties {
            /// When it was sent, by the server's clock.
            time_stamp: DateTime = "timeStamp",
        }
        links {
            /// The person.
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
            /// How long it took, as a span such as `00:01:02`.
            duration: Cow<'r, str> = "duration",
            /// How the call ended.
            status: AudioTranscriptStatus = "status",
        }
    }

    /// A gap in the archive.
    ///
    /// Methods: GET. Source: `errorTranscript_ref`.
    resource ErrorTranscript<'r> = "errorTranscript" {
        properties {
            /// Why there is no transcript.
            reason: ErrorTranscriptReason = "reason",
        }
    }

    /// The archived conversations; the query parameter `limit` says how many.
    ///
    /// Methods: GET. Source: `conversationLogs_ref`.
    resource ConversationLogs<'r> = "conversationLogs" {
        link_lists {
            /// The logs, newest first.
            conversation_log = "conversationLog",
        }
    }

    /// How much was missed.
    ///
    /// Methods: GET. Source: `missedItems_ref`.
    ///
    /// Events: `missedItems` updated from `communication` (high).
    resource MissedItems<'r> = "missedItems" {
        properties {
            /// How many logs there are.
            conversation_logs_count: i64 = "conversationLogsCount",
            /// Whether new logs are reported.
            conversation_logs_notifications: GenericPolicy = "conversationLogsNotifications",
            /// How many conversations were missed.
            missed_conversations_count: i64 = "missedConversationsCount",
            /// How many missed conversations are unread.
            unread_missed_conversations_count: i64 = "unreadMissedConversationsCount",
            /// How many voice mails are unread.
            unread_voicemails_count: i64 = "unreadVoicemailsCount",
            /// How many voice mails there are.
            voice_mails_count: i64 = "voiceMailsCount",
        }
    }
}
