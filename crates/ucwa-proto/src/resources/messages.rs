//! Chat.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{Direction, MessageFormat, MessageStatus, ModalityState, Participant},
    view::views,
};

views! {
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

    /// The messages of a chat.
    ///
    /// Methods: GET. Source: `messages_ref`.
    resource Messages<'r> = "messages" {
        link_lists {
            /// The messages.
            message = "message",
        }
    }

    /// The chat of a conversation.
    ///
    /// Methods: GET. Source: `messaging_ref`, `derivedMessaging_ref`.
    ///
    /// Events: `messaging` updated from `conversation` (high).
    resource Messaging<'r> = "messaging" | "derivedMessaging" {
        properties {
            /// Whether messages can be sent.
            state: ModalityState = "state",
        }
        property_lists {
            /// The formats that everybody can show.
            negotiated_message_formats: MessageFormat = "negotiatedMessageFormats",
        }
        links {
            /// Brings the chat back; present while it is disconnected.
            add_messaging = "addMessaging",
            /// The conversation.
            conversation = "conversation",
            /// Takes a message; present only while the chat is connected.
            send_message = "sendMessage",
            /// Takes an empty POST while the user types.
            set_is_typing = "setIsTyping",
            /// Ends the chat; 404 means that it has ended.
            stop_messaging = "stopMessaging",
            /// Who is typing.
            typing_participants = "typingParticipants",
        }
    }
}
