//! Identities that outlive hrefs.
//!
//! An href names a resource for one application session only. Across a restart, a re-created application or two
//! representations of one person the caller needs names that stay; these are they. What begins with the caller has a
//! number of the caller's (`Local`), what begins at the server has one of the session's (`Remote`), and the type tells
//! them apart.

macro_rules! key {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            /// Numbered by the caller.
            Local(u64),
            /// Numbered by the session.
            Remote(u64),
        }
    };
}

key! {
    /// A conversation, over all its restarts.
    ConversationKey
}
key! {
    /// A participant of one conversation.
    ParticipantKey
}
key! {
    /// A message of one conversation: `Local` if this user wrote it here, `Remote` if it arrived.
    MessageKey
}

/// The number of an operation in flight. The caller of [`Session::submit`](crate::Session::submit) chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The name of one HTTP exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// The name of one question to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub(crate) u64);
