//! Chat.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{Direction, MessageFormat, MessageStatus, ModalityState, Participant},
    view::views,
};

views! {
    /// Adds a chat to a conversation. The response is 201; events of `messagingInvitation` follow.
    ///
    /// Source: `addMessaging_ref`.
    input AddMessagingInput<'r> = "addMessaging" {
        properties {
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
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
    /// In practice the event of a message is `completed`, and its texts are links. The event of a sent message has neither text nor
    /// `operationId`: match it by its address. A message that is not confirmed within 30 seconds has failed.
    resource Message<'r> = "message" {
        properties {
            /// Whether the message was sent or received.
            direction: Direction = "direction",
            /// The correlation ID that the sender chose for the operation. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// The delivery status; absent in events, which have a status of their own.
            status: MessageStatus = "status",
            /// The time when the message was sent, by the server's clock.
            time_stamp: DateTime = "timeStamp",
        }
        links {
            /// The contact.
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
            /// The participants that the message was not delivered to; only in conferences.
            failed_delivery_participant = "failedDeliveryParticipant",
        }
        embedded_lists {
            /// The contact that sent the message; only some servers send this link.
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
            /// The message formats that all participants support.
            negotiated_message_formats: MessageFormat = "negotiatedMessageFormats",
        }
        links {
            /// Adds the chat to the conversation again; present while the chat is disconnected.
            add_messaging = "addMessaging",
            /// The conversation.
            conversation = "conversation",
            /// Takes a message; present only while the chat is connected.
            send_message = "sendMessage",
            /// Takes an empty POST while the user types.
            set_is_typing = "setIsTyping",
            /// Ends the chat; 404 means that it has ended.
            stop_messaging = "stopMessaging",
            /// The participants that are typing.
            typing_participants = "typingParticipants",
        }
    }
}
