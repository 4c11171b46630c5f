//! An observable chat model.

mod application;
mod backend;
mod body;
mod cell;
mod chat_service;
mod collection;
mod command;
mod conversation;
mod conversation_facts;
mod conversations_manager;
mod fact;
mod ids;
mod list;
mod listener;
mod message;
mod model;
mod participant;
mod people;
mod person;
mod property;
mod reason;
mod situation;
mod states;
mod store;
mod stream;
mod subscription;
mod sync;
mod writer;

pub use application::Application;
#[cfg(feature = "mock")]
pub use backend::MockBackend;
pub use backend::{Backend, Context, OutgoingMessage, Peer, PortFuture, StartOptions};
pub use body::MessageBody;
pub use chat_service::ChatService;
pub use collection::{Collection, CollectionChange, Key};
pub use command::{Command, CommandFuture};
pub use conversation::{ActiveModalities, Conversation};
pub use conversations_manager::ConversationsManager;
pub use fact::{
    ConversationFact, Discovered, Fact, Incoming, Modalities, ParticipantFact, ParticipantUpdate,
    SenderFact,
};
pub use ids::{ConversationId, MessageId, ParticipantId};
pub use message::TextMessage;
pub use participant::{Participant, ParticipantChat};
pub use person::{MePerson, Person};
pub use property::{Change, Property};
pub use reason::{RawReason, Reason, ReasonCode};
pub use states::{
    CallConnectionState, ConversationState, Direction, MessageFormat, MessageStatus,
    ParticipantRole, ParticipantState, SignInState,
};
pub use stream::{Changes, Closed, Latest};
pub use subscription::{Subscription, Subscriptions};
pub use writer::ModelWriter;
