//! What was said.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{AudioTranscriptStatus, ErrorTranscriptReason},
    typed::view,
};

view! {
    /// What was said, a page of it.
    ///
    /// Methods: GET. Source: `conversationLogTranscripts_ref`, `nextConversationLogTranscripts_ref`.
    resource ConversationLogTranscripts<'r> = "conversationLogTranscripts" {
        links {
            /// What was said before.
            next_conversation_log_transcripts = "nextConversationLogTranscripts",
        }
        embedded_lists {
            /// What was said, piece by piece.
            conversation_log_transcript: ConversationLogTranscript = "conversationLogTranscript",
        }
    }
}

view! {
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
}

view! {
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
}

view! {
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
}

view! {
    /// A gap in the archive.
    ///
    /// Methods: GET. Source: `errorTranscript_ref`.
    resource ErrorTranscript<'r> = "errorTranscript" {
        properties {
            /// Why there is no transcript.
            reason: ErrorTranscriptReason = "reason",
        }
    }
}
