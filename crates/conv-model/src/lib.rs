//! An observable chat model.

mod application;
mod backend;
mod body;
mod chat_service;
mod conversation;
mod conversation_facts;
mod conversation_messages;
mod conversations_manager;
mod fact;
mod history;
mod html;
mod ids;
mod me;
mod message;
mod model;
mod observable;
mod participant;
mod people;
mod person;
mod reason;
mod remote_property;
mod roster;
mod situation;
mod states;
mod sync;
mod writer;

pub use application::Application;
#[cfg(feature = "mock")]
pub use backend::MockBackend;
pub use backend::{
    Backend, Context, Interest, MeChange, OutgoingMessage, Peer, PersonField, PortFuture,
    StartOptions,
};
pub use body::MessageBody;
pub use chat_service::ChatService;
pub use conversation::{ActiveModalities, Conversation};
pub use conversations_manager::ConversationsManager;
pub use fact::{
    ArchivedMessage, ConversationFact, Discovered, Fact, Incoming, Modalities, ParticipantFact,
    ParticipantUpdate, PersonFact, SenderFact,
};
pub use history::{ActivityItem, HistoryService};
pub use ids::{ConversationId, MessageId, ParticipantId};
pub use me::MePerson;
pub use message::TextMessage;
pub use observable::{
    Change, Changes, Closed, Collection, CollectionChange, Command, CommandFuture, Key, Latest,
    Property, Reader, Subscription, Subscriptions,
};
pub use participant::{Participant, ParticipantChat};
pub use person::{Capabilities, EndpointType, Note, NoteKind, Person, PersonStatus, PhoneNumber};
pub use reason::{RawReason, Reason, ReasonCode};
pub use remote_property::RemoteProperty;
pub use states::{
    CallConnectionState, ConversationState, Direction, MessageFormat, MessageStatus,
    ParticipantRole, ParticipantState, SignInState,
};
pub use writer::ModelWriter;
