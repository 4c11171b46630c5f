//! Peer-to-peer chat on Skype for Business Server (2015, 2019, Subscription Edition), over UCWA 2.0.
//!
//! The objects follow the retired Skype Web SDK: observable properties, collections and commands. They come from
//! [`conv_model`] and are re-exported here.
//!
//! ```no_run
//! use skype_p2p::{Application, CallConnectionState, Credentials, Subscriptions};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let application = Application::builder().build()?;
//!     application.sign_in_manager().sign_in(Credentials::password("toshm@contoso.com", "password")).await?;
//!
//!     // This sends no request: the conversation exists at once.
//!     let conversation = application.conversations_manager().get_conversation("sip:lenea@contoso.com")?;
//!     let chat = conversation.chat_service();
//!
//!     let mut listeners = Subscriptions::new();
//!     let self_chat = conversation.self_participant().chat();
//!     listeners.add(self_chat.state().when(CallConnectionState::Connected, |_| println!("we can talk")));
//!     listeners.add(conversation.participants().added(|participant, _, _| {
//!         println!("{} is here", participant.display_name().get());
//!     }));
//!     listeners.add(chat.messages().added(|message, _, _| {
//!         println!("{}: {}", message.sender().display_name().get(), message.text());
//!     }));
//!     listeners.add(conversation.state().changed(|change| {
//!         println!("{:?} -> {:?} ({:?})", change.old, change.new, change.reason);
//!     }));
//!
//!     // The invitation carries the message. The future resolves when the message is delivered, or with the reason why not.
//!     chat.send_message("Hi Lene, have you got a minute?").await?;
//!
//!     conversation.leave().await?;
//!     application.sign_in_manager().sign_out().await?;
//!     Ok(())
//! }
//! ```
//!
//! # How it works
//!
//! An application has one task, the driver. It owns the [session](ucwa_session), a state machine that implements UCWA and does
//! no I/O. The flow of data:
//!
//! 1. A command of the model calls the port, and the port sends an operation to the driver's mailbox before the command
//!    returns. So commands take effect in call order.
//! 2. The driver passes the next input to the session: an operation, a response, the answer to a question, or a timeout.
//! 3. It then carries out every output of the session. Each request goes to the [transport](conv_transport) in a task of
//!    its own, whose future is polled once before the model changes: the next request for events is under way before the
//!    listeners are called for the page that it acknowledges.
//! 4. The events, and the results of the operations that they complete, become facts, which the model commits as one
//!    transaction. Then the listeners run, on the driver's task: a listener that blocks also blocks the application. A listener
//!    may invoke a command and must not wait for its result; a task that it spawns may wait.
//! 5. The futures of the completed commands resolve. The facts that completed them are in the model by then.
//!
//! In one turn the driver takes at most one command, one ended task and one timeout, and then yields to the [`Runtime`], so
//! that no load of one kind starves the others.
//!
//! # Runtimes
//!
//! The crate takes time, timers and tasks from a [`Runtime`]. With the feature `tokio`, which is enabled by default,
//! `TokioRuntime` is one, and an application uses the tokio runtime that it is built in. Without the feature the crate
//! names no runtime and compiles for `wasm32-unknown-unknown`; [`runtime`](ApplicationBuilder::runtime) and
//! [`transport`](ApplicationBuilder::transport) are then required.
//!
//! # Types of other crates in the API
//!
//! The objects come from [`conv_model`], and the types of the transports from [`conv_transport`]; the checkpoint, the root and
//! the options of a session come from [`ucwa_session`]. All of them are re-exported here. [`Events`] implements
//! `futures_core::Stream`, because the combinators of async Rust take it. An own [`HttpTransport`] names `http::Request`,
//! `http::Response` and `bytes::Bytes`, the common types of HTTP libraries, and is written with `async_trait`.
//!
//! The crate contains no rule of UCWA except the table that maps failures to [`ReasonCode`]s.

mod application;
mod builder;
mod contacts;
mod driver;
mod events;
mod exchange;
mod home;
mod jar;
mod keys;
mod mailbox;
mod person;
mod port;
mod projection;
mod questions;
mod reason;
mod resend;
mod resumption;
mod runtime;
mod sign_in;
mod tasks;
#[cfg(feature = "tokio")]
mod tokio_runtime;

pub use application::Application;
pub use builder::{ApplicationBuilder, BuildError};
pub use conv_model::{
    ActiveModalities, ActivityItem, CallConnectionState, CallForwarding, CallForwardingMode,
    CallForwardingTarget, Capabilities, Change, Changes, ChatService, Closed, Collection,
    CollectionChange, Command, CommandFuture, ConnectionState, Contact, Context, Conversation,
    ConversationId, ConversationState, ConversationsManager, Direction, EndpointType, ErrorDetails,
    Group, GroupSearch, GroupType, HistoryService, Importance, Invitee, Key, Latest, MePerson,
    MessageBody, MessageFormat, MessageId, MessageStatus, Note, NoteKind, Participant,
    ParticipantActivity, ParticipantChat, ParticipantId, ParticipantRole, ParticipantState, Person,
    PersonSearch, PersonStatus, PersonType, PersonsAndGroupsManager, PhoneNumber, Photo, PhotoSize,
    PrivacyLevel, Property, PublishedProperty, Reader, Reason, ReasonCode, RemoteCollection,
    RemoteProperty, Resend, SignInState, StartOptions, Subscription, Subscriptions, TextMessage,
    UserPhone,
};
#[cfg(feature = "faulty")]
pub use conv_transport::{Effect, Fault, FaultError, Faulty};
#[cfg(feature = "har")]
pub use conv_transport::{
    Har, HarError, LeftOut, LeftOutReason, Nearest, Record, RecordOptions, Replay, ReplayOptions,
    ReplayReport, Unmatched,
};
pub use conv_transport::{HttpTransport, Lane, SendOptions, TransportError, TransportErrorKind};
#[cfg(feature = "tokio")]
pub use conv_transport::{
    HyperConfig, HyperTransport, Proxy, ProxyError, ServerCertificate, TlsConfig, TlsConfigError,
    TlsVersion,
};
#[cfg(feature = "windows-auth")]
pub use conv_transport::{WindowsCredentials, WindowsCredentialsError};
pub use events::{Event, EventBatch, Events};
pub use questions::{BrowserCookies, PassiveQuestion, TokenQuestion, TrustQuestion};
pub use runtime::{Runtime, RuntimeFuture};
pub use sign_in::{Credentials, SignInError, SignInErrorKind, SignInManager};
#[cfg(feature = "tokio")]
pub use tokio_runtime::TokioRuntime;
pub use ucwa_session::{
    BearerToken, ChannelOptions, Checkpoint, CheckpointError, DataUriEncoding, DoubtfulMessage,
    ReplacementPolicy, Representation, Root, Stage,
};
