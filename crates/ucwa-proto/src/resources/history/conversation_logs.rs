//! The archive.

use crate::typed::view;

view! {
    /// The archived conversations; the query parameter `limit` says how many.
    ///
    /// Methods: GET. Source: `conversationLogs_ref`.
    resource ConversationLogs<'r> = "conversationLogs" {
        link_lists {
            /// The logs, newest first.
            conversation_log = "conversationLog",
        }
    }
}
