//! An observable chat model.

mod application;
mod backend;
mod body;
mod chat_service;
mod conversation;
mod conversation_facts;
mod conversations_manager;
mod fact;
mod ids;
mod message;
mod model;
mod observable;
mod participant;
mod people;
mod person;
mod reason;
mod situation;
mod states;
mod sync;
mod writer;

pub use application::Application;
#[cfg(feature = "mock")]
pub use backend::MockBackend;
pub use backend::{Backend, Context, OutgoingMessage, Peer, PortFuture, StartOptions};
pub use body::MessageBody;
pub use chat_service::ChatService;
pub use conversation::{ActiveModalities, Conversation};
pub use conversations_manager::ConversationsManager;
pub use fact::{
    ConversationFact, Discovered, Fact, Incoming, Modalities, ParticipantFact, ParticipantUpdate,
    SenderFact,
};
pub use ids::{ConversationId, MessageId, ParticipantId};
pub use message::TextMessage;
pub use observable::{
    Change, Changes, Closed, Collection, CollectionChange, Command, CommandFuture, Key, Latest,
    Property, Reader, Subscription, Subscriptions,
};
pub use participant::{Participant, ParticipantChat};
pub use person::{MePerson, Person};
pub use reason::{RawReason, Reason, ReasonCode};
pub use states::{
    CallConnectionState, ConversationState, Direction, MessageFormat, MessageStatus,
    ParticipantRole, ParticipantState, SignInState,
};
pub use writer::ModelWriter;
