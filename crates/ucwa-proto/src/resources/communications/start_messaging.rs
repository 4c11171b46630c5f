//! Beginning a chat.

use std::borrow::Cow;

use crate::{resources::Importance, typed::view};

view! {
    /// Invites somebody to a chat: 201 with the invitation's address, then events of `messagingInvitation`.
    ///
    /// Source: `startMessaging_ref`, `startMessaging2_ref`.
    ///
    /// Always send both `to` and `operationId`: one revision requires the one, the next the other. The message
    /// travels as a link.
    input StartMessagingInput<'r> = "startMessaging" {
        properties {
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// Who is invited, as a SIP URI.
            to: Cow<'r, str> = "to",
            /// How urgent it is.
            importance: Importance = "importance",
            /// What it is about; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// What ties conversations of one thread together; opaque, never to be changed in case. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
            /// Opaque; samples send a UUID. At most 50 UTF-16 units.
            session_context: Cow<'r, str> = "sessionContext",
        }
        links {
            /// The first message, as a data URI.
            message = "message",
            /// Content of the application's own, as a data URI.
            custom_content = "customContent",
        }
    }
}
