//! The result of an extension.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// The result of a conversation extension.
    ///
    /// Source: `conversationExtensionResult_ref`.
    resource ConversationExtensionResult<'r> = "conversationExtensionResult" {
        properties {
            /// The result.
            result: Cow<'r, str> = "result",
        }
    }
}
