//! The observable object model of the Skype Web SDK, on top of any protocol: conversations, participants, messages and people
//! as properties, collections and commands. It knows no transport, no runtime and no wire format.
//!
//! **Lossless.** Every unequal write of a [`Property`] gives each of its listeners exactly one [`Change`], and `old` of one
//! equals `new` of the one before; every item of a [`Collection`] that comes in or goes out gives exactly one call. Streams
//! made with [`Property::changes`] and [`Collection::observe`] keep what was not read yet, without bound; [`Property::latest`]
//! is the one that skips, and says so.
//!
//! **The queue.** All that belongs to one [`Application`] is behind one lock and one delivery queue. What is written together
//! (a command, a page of facts) is one commit: all of it can be read before any of it is delivered. A change is delivered to
//! those who were registered when it was committed, in commit order, across all properties and collections of the model and
//! across threads. Whoever commits and finds nobody delivering delivers, on its own thread, until the queue is empty; so a
//! listener runs on the thread of some writer or command, or, for its first call, on the thread that registers it.
//! Registering takes snapshot and place at once: what commits while the first call runs reaches the listener after it, once.
//!
//! **Re-entrancy.** A listener may do anything that does not block: read, write by commands, register, drop subscriptions,
//! its own included. A write inside a listener commits at once and is delivered after the current change has reached all its
//! listeners; no listener is ever re-entered. `get()` inside a listener is never older than the change it is told. No lock is
//! held while foreign code runs, be it a listener, a waker, or the drop of a closure. A listener that panics is retired, and
//! the queue goes on.
//!
//! A listener must not wait for a command: it may be standing on the very thread that would deliver what it waits for. Take the
//! future out of it instead, and spawn it or drop it; commands are eager and need nobody to poll them.
//!
//! `Clone` and `PartialEq` of values run under the lock and must not touch the model.
//!
//! # An application
//!
//! The values of this crate come from an adapter, which implements [`Backend`] and tells [`Fact`]s to a [`ModelWriter`]. For
//! an application there are the objects:
//!
//! ```
//! use conv_model::{Application, CallConnectionState, ConversationState, Direction, Reason, Subscriptions};
//!
//! fn chat(application: &Application) -> Result<Subscriptions, Reason> {
//!     // No request is sent: the conversation is there at once, with one participant of whom the address is known.
//!     let conversation = application.conversations_manager().get_conversation("sip:lenea@contoso.com")?;
//!     let chat = conversation.chat_service();
//!
//!     let mut listeners = Subscriptions::new();
//!     listeners.add(conversation.participants().added(|participant, _key, _index| {
//!         let name = participant.display_name().get();
//!         // ...
//!     }));
//!     listeners.add(chat.messages().added(|message, _key, _index| {
//!         if message.direction() == Direction::Incoming {
//!             let (who, what) = (message.sender().display_name().get(), message.text());
//!             // ...
//!         }
//!     }));
//!     listeners.add(conversation.self_participant().chat().state().when(CallConnectionState::Connected, |_| {
//!         // ...
//!     }));
//!     listeners.add(conversation.state().changed(|change| {
//!         if change.is(&ConversationState::Connected, &ConversationState::Disconnected) {
//!             let why = change.reason.as_ref();
//!             // ...
//!         }
//!     }));
//!
//!     // The message is in `messages` as Pending when this returns. The future tells its fate; nobody has to wait for it.
//!     let delivered = chat.send_message("Hello!");
//!     drop(delivered);
//!     Ok(listeners)
//! }
//! ```
//!
//! A listener lives as long as its [`Subscription`], or as what it observes when that is detached. A listener that holds a
//! handle on the object it observes keeps it alive until the subscription is dropped.
//!
//! Waiting is a matter of futures, on any runtime:
//!
//! ```
//! # use conv_model::{Closed, Conversation, ConversationState};
//! async fn until_it_ends(conversation: &Conversation) -> Result<(), Closed> {
//!     conversation.state().wait_for(ConversationState::Disconnected).await?;
//!     Ok(())
//! }
//! ```
//!
//! # Commands
//!
//! A command takes effect before it returns; its future resolves when it is done, and dropping it cancels nothing. One that
//! is not enabled fails at once with [`ReasonCode::CommandDisabled`] and nothing happens. Each exists as a method, which
//! invokes it, and as a [`Command`], a value that knows whether it is [`enabled`](Command::enabled):
//! `chat.accept()` and `chat.accept_command()`.
//!
//! # An adapter
//!
//! A protocol implements [`Backend`], the port, and gets a [`ModelWriter`] from [`Application::new`]. The port is asked in the
//! order in which commands took effect; what happens on the other side is told as facts, in the words of the domain, a page at
//! a time. The model owns the state machines: a fact that does not fit the present state changes nothing, and the end of a
//! conversation may be told by any of its signs, in any order, any number of times.
//! `examples/loopback.rs` is a complete adapter, which carries a chat between two models.
//!
//! # Where the facts come from
//!
//! Names, members and rules are those that were published for the Skype Web SDK (`PropertyModel`, `ObjectModel`,
//! `Conversations`, `ConversationsManager`, `ChatService`, `HistoryService`, `Participant`, `Person`, `Reason`,
//! `ConversationEnums`), with these differences: names are in snake case; a call of `changed` also replays a value that is
//! `None`; a participant who left stays in the collection, Disconnected; a message can have the status
//! [`Unknown`](MessageStatus::Unknown); a filter judges an item when it comes in.

mod application;
mod archive;
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
mod leading;
mod me;
mod message;
mod model;
mod observable;
mod participant;
mod people;
mod person;
mod persons_manager;
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
    Archived, ArchivedMessage, ConversationFact, Discovered, Fact, Incoming, Modalities,
    ParticipantCapabilities, ParticipantFact, ParticipantUpdate, PersonFact, SenderFact,
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
pub use persons_manager::{FoundPersons, PersonSearch, PersonsManager};
pub use reason::{RawReason, Reason, ReasonCode};
pub use remote_property::RemoteProperty;
pub use states::{
    CallConnectionState, ConversationState, Direction, MessageFormat, MessageStatus,
    ParticipantRole, ParticipantState, SignInState,
};
pub use writer::ModelWriter;
