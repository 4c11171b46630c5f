//! The chat of a conversation.

use crate::{
    resources::{MessageFormat, ModalityState},
    typed::view,
};

view! {
    /// The chat of a conversation.
    ///
    /// Methods: GET. Source: `messaging_ref`, `derivedMessaging_ref`.
    ///
    /// Events: `messaging` updated from `conversation` (high).
    resource Messaging<'r> = "messaging" {
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
