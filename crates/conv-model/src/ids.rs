//! The identities of conversations, messages, participants and commands.

/// An identity that is either local or remote.
pub(crate) trait Id: Copy {
    /// Whether the identity is local, and its number.
    fn parts(self) -> (bool, u64);

    /// The identity with these parts.
    fn of(is_local: bool, number: u64) -> Self;
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            /// Created by the model, which chose the number.
            Local(u64),
            /// Created by the other side. The protocol chose the number and must not use it twice.
            Remote(u64),
        }

        impl Id for $name {
            fn parts(self) -> (bool, u64) {
                match self {
                    Self::Local(number) => (true, number),
                    Self::Remote(number) => (false, number),
                }
            }

            fn of(is_local: bool, number: u64) -> Self {
                if is_local { Self::Local(number) } else { Self::Remote(number) }
            }
        }
    };
}

id! {
    /// The identity of a conversation.
    ConversationId
}
id! {
    /// The identity of a message in its conversation.
    MessageId
}
id! {
    /// The identity of a participant in its conversation.
    ParticipantId
}

/// The identity of a request to the [`Backend`](crate::Backend), chosen by the model. No two requests of a model have the
/// same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);
