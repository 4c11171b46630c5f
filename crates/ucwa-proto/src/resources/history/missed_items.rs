//! What was missed.

use crate::{resources::GenericPolicy, typed::view};

view! {
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
