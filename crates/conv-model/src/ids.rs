//! The identities of conversations, messages and participants.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            /// Begun here: numbered by the model.
            Local(u64),
            /// Begun there: numbered by the adapter that writes the facts. It must never use a number again.
            Remote(u64),
        }
    };
}

id! {
    /// Which conversation.
    ConversationId
}
id! {
    /// Which message of a conversation.
    MessageId
}
id! {
    /// Which participant of a conversation.
    ParticipantId
}
