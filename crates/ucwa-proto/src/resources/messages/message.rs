//! A message.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{Direction, MessageStatus, Participant},
    typed::view,
};

view! {
    /// An instant message that the user sent or received.
    ///
    /// Methods: GET. Source: `message_ref`.
    ///
    /// Events: `message` started from `conversation` (high).
    ///
    /// In practice its event is `completed`; the texts are links. The event of a sent message has neither text nor
    /// `operationId`: match it by its address. A message not confirmed within 30 seconds fails.
    resource Message<'r> = "message" {
        properties {
            /// Whether it was sent or received.
            direction: Direction = "direction",
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// Whether it was delivered; absent in events, whose own status says so.
            status: MessageStatus = "status",
            /// When it was sent, by the server's clock.
            time_stamp: DateTime = "timeStamp",
        }
        links {
            /// The person.
            contact = "contact",
            /// The chat.
            messaging = "messaging",
            /// The participant.
            participant = "participant",
            /// The text as HTML, as a data URI.
            html_message = "htmlMessage",
            /// The text, as a data URI; desktop clients end it with CRLF.
            plain_message = "plainMessage",
        }
        link_lists {
            /// Who did not get it; only in groups.
            failed_delivery_participant = "failedDeliveryParticipant",
        }
        embedded_lists {
            /// Who sent it; some servers send it along.
            sender_participant: Participant = "senderParticipant",
        }
    }
}

view! {
    /// The messages of a chat.
    ///
    /// Methods: GET. Source: `messages_ref`.
    resource Messages<'r> = "messages" {
        link_lists {
            /// The messages.
            message = "message",
        }
    }
}
