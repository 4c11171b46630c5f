//! Bringing the chat back.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// Brings the chat of a conversation back: 201, then events of `messagingInvitation`.
    ///
    /// Source: `addMessaging_ref`.
    input AddMessagingInput<'r> = "addMessaging" {
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
