//! Keys, which stay valid when hrefs become invalid.
//!
//! An href names a resource of one application only. Callers need names that stay the same after a restart, in a new
//! application, and for two representations of one person: these keys. `Local` keys are chosen by the caller, for what the
//! caller starts; `Remote` keys are chosen by the session, for what the server starts.

macro_rules! key {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            /// Chosen by the caller.
            Local(u64),
            /// Chosen by the session.
            Remote(u64),
        }
    };
}

key! {
    /// A conversation, across all its restarts.
    ConversationKey
}
key! {
    /// A participant of one conversation.
    ParticipantKey
}
key! {
    /// A message of one conversation: `Local` if this user wrote it in this session, `Remote` if it arrived.
    MessageKey
}

/// The number of an operation in flight. The caller of [`Session::submit`](crate::Session::submit) chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The ID of an HTTP exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// The ID of a question to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub(crate) u64);
