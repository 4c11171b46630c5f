//! The observable object model of the Skype Web SDK for any chat protocol: conversations, participants, messages and people
//! as properties, collections and commands. It contains no transport, no runtime and no wire format.
//!
//! **Lossless.** Every unequal write of a [`Property`] gives each of its listeners exactly one [`Change`], and `old` of one
//! change equals `new` of the change before. Every item that is added to or removed from a [`Collection`] gives each listener
//! exactly one call. The streams of [`Property::changes`] and [`Collection::observe`] keep unread changes without bound;
//! [`Property::latest`] skips values.
//!
//! **The queue.** Everything that belongs to one [`Application`] is behind one lock and one delivery queue. The writes of
//! one command or one page of facts are one commit, which can be read completely before any of its changes is delivered. A
//! change is delivered to the listeners that were registered at its commit, in commit order, across all properties and
//! collections of the model and across threads. At most one thread delivers at a time: a thread that commits while no other
//! thread delivers. A listener therefore runs on the thread of a writer or a command; its first call runs on the thread that
//! registers it. A registration takes the snapshot and its place in the commit order atomically: a change that is committed
//! during the first call is delivered after it, once.
//!
//! **Bounded.** A thread delivers the changes of its own commit and a few changes of other commits. If more are queued, the
//! thread pauses between two deliveries for as long as the last delivery took, at most 0.1 s, and the next thread that
//! commits in a pause delivers the rest. If no thread commits, the first thread continues, so that every change is
//! delivered. A thread is therefore held for long only if listeners are slow and no other thread commits.
//!
//! **Re-entrancy.** A listener may perform any operation that does not block: read, invoke commands, register listeners,
//! drop subscriptions, its own included. A write inside a listener commits at once and is delivered after the current change
//! has reached all its listeners; a listener is never re-entered. `get()` inside a listener never returns an older value
//! than the change that the listener got. No lock is held while foreign code runs: no listener, no waker, and no drop of a
//! closure. A listener that panics is unsubscribed, and the queue continues.
//!
//! A listener must not wait for a command: the future of the command resolves in the delivery queue, after the listener has
//! returned. Spawn the future, or drop it; a command takes effect without being polled.
//!
//! `Clone` and `PartialEq` of values run under the lock and must not use the model.
//!
//! # An application
//!
//! A protocol implements [`Backend`] and writes [`Fact`]s with a [`ModelWriter`]. An application uses the objects:
//!
//! ```
//! use conv_model::{Application, CallConnectionState, ConversationState, Direction, Reason, Subscriptions};
//!
//! fn chat(application: &Application) -> Result<Subscriptions, Reason> {
//!     // Sends no request: the conversation exists at once, with one participant that has this address.
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
//!             let (sender, text) = (message.sender().display_name().get(), message.text());
//!             // ...
//!         }
//!     }));
//!     listeners.add(conversation.self_participant().chat().state().when(CallConnectionState::Connected, |_| {
//!         // ...
//!     }));
//!     listeners.add(conversation.state().changed(|change| {
//!         if change.is(&ConversationState::Connected, &ConversationState::Disconnected) {
//!             let reason = change.reason.as_ref();
//!             // ...
//!         }
//!     }));
//!
//!     // The message is in `messages` as Pending when this returns. The future resolves when it was delivered.
//!     let delivered = chat.send_message("Hello!");
//!     drop(delivered);
//!     Ok(listeners)
//! }
//! ```
//!
//! A listener lives as long as its [`Subscription`] or, if that is detached, as the observed object. A listener that holds a
//! handle on the object that it observes keeps the object alive until the subscription is dropped.
//!
//! Futures wait for a value, on any runtime:
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
//! A command takes effect before it returns. Its end is a fact like any other: it is applied in the transaction that reports
//! it, whether or not the future is polled, and the future resolves after the deliveries of that transaction. Dropping the
//! future cancels nothing. A command that is not enabled fails at once with [`ReasonCode::CommandDisabled`] and has no
//! effect. Each command exists as a method, which invokes it, and as a [`Command`], a value with an
//! [`enabled`](Command::enabled) property: `chat.accept()` and `chat.accept_command()`.
//!
//! # A protocol
//!
//! A protocol implements [`Backend`], the port, and gets a [`ModelWriter`] from [`Application::new`]. The model sends a
//! [`Request`] for each command, in the order in which the commands took effect. The protocol writes facts, a page at a time,
//! and ends each request with [`Fact::Completed`]. The model owns the state machines: a fact that does not fit the present
//! state changes nothing, so the protocol may report the end of a conversation by several facts, in any order and more than
//! once. If the protocol drops the writer, the model signs out and every command ends.
//!
//! `examples/echo.rs` is a small protocol with async functions.
//!
//! # Stability
//!
//! Types that may get more variants or fields are `#[non_exhaustive]`, and so are the variants with named fields. Those that
//! a protocol creates have a function that creates them, such as [`Fact::sign_in`] and [`ConversationFact::ended`], or a
//! default whose fields can be set. Exhaustive are [`Direction`], [`Resend`] and the IDs, to which nothing can be added.
//!
//! One trait of another crate is part of the API: the streams implement `futures_core::Stream`, because the combinators and
//! runtimes of async Rust take it. No type of another crate is in a signature.
//!
//! # Where the facts come from
//!
//! Names, members and rules are those published for the Skype Web SDK (`PropertyModel`, `ObjectModel`,
//! `Conversations`, `ConversationsManager`, `ChatService`, `HistoryService`, `Participant`, `Person`, `Groups`,
//! `PersonsAndGroupsManager`, `Reason`, `ConversationEnums`), with these differences: names are in snake case; `changed` also replays a value that is `None`; a
//! participant who left stays in the collection, Disconnected; a message can have the status
//! [`Unknown`](MessageStatus::Unknown); `sort` takes a key instead of a comparison; the future of a change of the contact list
//! resolves with the server's response, while the collections change with the fact that reports the change.

mod application;
mod archive;
mod backend;
mod body;
mod call_forwarding;
mod chat_service;
mod command_state;
mod contact_list;
mod contact_list_fact;
mod contact_list_request;
mod conversation;
mod conversation_facts;
mod conversation_messages;
mod conversations_manager;
mod fact;
mod fact_parts;
mod group;
mod group_commands;
mod group_registry;
mod history;
mod html;
mod id_map;
mod ids;
mod me;
mod message;
mod model;
mod moderation;
mod observable;
mod participant;
mod people;
mod person;
mod persons_and_groups_manager;
mod photo;
mod presence;
mod reason;
mod remote_collection;
mod remote_id;
mod remote_property;
mod request;
mod roster;
mod states;
mod sync;
mod writer;

pub use application::Application;
pub use backend::Backend;
#[cfg(feature = "mock")]
pub use backend::MockBackend;
pub use body::MessageBody;
pub use call_forwarding::{CallForwarding, CallForwardingMode, CallForwardingTarget, UserPhone};
pub use chat_service::ChatService;
pub use contact_list_fact::{
    ContactList, ContactListFact, GroupFact, GroupKey, GroupType, PrivacyLevel,
};
pub use contact_list_request::ContactsRequest;
pub use conversation::{ActiveModalities, Conversation};
pub use conversations_manager::ConversationsManager;
pub use fact::{ConversationFact, Fact, PersonFact};
pub use fact_parts::{
    Archived, ArchivedMessage, Discovered, Incoming, Modalities, ParticipantCapabilities,
    ParticipantFact, ParticipantUpdate, SenderFact,
};
pub use group::Group;
pub use group_commands::Contact;
pub use history::{ActivityItem, HistoryService, ParticipantActivity};
pub use ids::{CommandId, ConversationId, MessageId, ParticipantId};
pub use me::MePerson;
pub use message::TextMessage;
pub use observable::{
    Change, Changes, Closed, Collection, CollectionChange, Command, CommandFuture, Key, Latest,
    Property, Reader, Subscription, Subscriptions,
};
pub use participant::{Participant, ParticipantChat};
pub use person::Person;
pub use persons_and_groups_manager::{
    FoundGroups, FoundPersons, GroupSearch, PersonSearch, PersonsAndGroupsManager,
};
pub use photo::{Photo, PhotoSize};
pub use presence::{
    Capabilities, EndpointType, Note, NoteKind, PersonStatus, PersonType, PhoneNumber,
};
pub use reason::{ErrorDetails, Reason, ReasonCode, Resend};
pub use remote_collection::RemoteCollection;
pub use remote_property::{PublishedProperty, RemoteProperty};
pub use request::{
    Context, Interest, MeChange, Outcome, OutgoingMessage, Peer, PersonField, Request, StartOptions,
};
pub use roster::Invitee;
pub use states::{
    CallConnectionState, ConnectionState, ConversationState, Direction, Importance, MessageFormat,
    MessageStatus, ParticipantRole, ParticipantState, SignInState,
};
pub use writer::ModelWriter;
