//! A deterministic UCWA 2.0 client without I/O, clocks, async code and unseeded randomness.
//!
//! [`Session`] signs in to a Skype for Business Server, keeps exactly one pending GET open, correlates its requests with
//! the events that answer them, and owns the queue of outgoing messages, the tokens and the retries. It turns event pages
//! into [`SessionEvent`]s. Its inputs are operations, responses and the time; its outputs are requests, events and results.
//! The driver that connects the two chooses sockets, runtime and clock.
//!
//! # The drive contract
//!
//! 1. Call [`Session::submit`] for an operation or [`Session::handle`] for an input, with the current time as a
//!    [`Duration`](std::time::Duration) since an epoch of the driver's choice.
//! 2. Call [`Session::poll_output`] until it returns [`Output::Idle`], and carry out each [`Output`] in order. Put an
//!    [`Output::Send`] on the wire before showing later events: the pending GET that acknowledges a page precedes the
//!    events of the page, unless it has to wait for a token.
//! 3. Show the events of one such run as one change. The events of a page come out in one run.
//! 4. At [`Output::Idle`], wait for a response, an answer, a new operation, or `wake_at`.
//! 5. Read the wall clock and hand it in as [`Input::WallClock`]; then continue at 1 with the input that ended the wait. A
//!    session that gets readings asks to be woken at least every 15 s, to notice a suspend of the machine soon. A driver
//!    without a wall clock, as in a simulation, omits this step; dates then count from [`SessionConfig::wall_at_epoch`].
//!
//! [`Session::workload`] counts the work in progress, for a caller that wants to know whether it can stop.
//!
//! Guarantees to the driver:
//!
//! - `handle` never fails: a bad response becomes an event or a failed operation.
//! - Every [`Ticket`] gets exactly one [`Output::Completed`], also on [`Input::Shutdown`], after the events that decided
//!   its result.
//! - A late response to an aborted request is ignored.
//! - Only the session decides on retries, tokens and responses with 401. It repeats a POST only if the failure says that
//!   nothing was sent. The exceptions are idempotent: the steps of a sign-in, reports of activity, and batches of GETs.
//!
//! Requirement on the driver: the transport gives up at the deadline of a request. If it does not, the session gives the
//! request up five seconds later.
//!
//! # Handover of a session
//!
//! [`Session::checkpoint`] returns the state that another process needs, and [`Session::detach`] also ends the session
//! without deleting anything at the server. [`Session::resume`] continues from a [`Checkpoint`]: the first request polls
//! where the earlier session stopped, the second one reads the application, and no credential is sent while the token is
//! valid. A checkpoint is plain data: a driver without files or sockets passes it on as it is.
//! [`Checkpoint::add_doubtful_message`] adds a message that may have been sent after the checkpoint was stored.
//!
//! # Dependencies in the API
//!
//! These types of other crates are part of the API: `http::Request` and `http::Response` with `bytes::Bytes`, because every
//! transport of the field speaks them; `secrecy::SecretString`, which erases a password from memory; and [`Representation`],
//! [`SipUri`] and `ucwa_proto::Limits`, which describe the wire format. [`Checkpoint`] implements the traits of `serde`, so
//! that a program can store it in a format of its choice.
//!
//! # Stability
//!
//! Types that may get more variants or fields are `#[non_exhaustive]`, and so are the variants of outputs, events, outcomes
//! and errors with named fields. For the tests of a driver, [`SessionEvent::of`] and the functions of [`ConversationChange`]
//! create such values. Structs that a driver creates have a constructor or a default. The variants of [`Operation`],
//! [`Credentials`] and [`Input`] are exhaustive, because a driver has to decide on each of their fields. [`Lane`],
//! [`ConnectionAuth`], [`Sent`] and [`SignInState`] are exhaustive, because a driver has to handle each variant.
//!
//! # Traces
//!
//! Every exchange is a [`tracing`] span named `exchange` that lasts until its last attempt has ended, with the fields
//! `operation` (the resource), `host`, `attempts`, `status`, `subcode` and `correlation_id`. All attempts send the same
//! correlation ID, as `X-MS-Correlation-Id`; if a response carries another ID, the span records that one. `status` and
//! `subcode` are those of the last response. A read that travels in a batch has no `attempts`. No trace contains a token, a
//! password, a cookie or a message text, at any level.

mod application_check;
mod auth;
mod batching;
mod cancellation;
mod channel;
mod chats;
mod checkpoint;
mod clock;
mod commit_gate;
mod config;
mod contact_list;
mod core;
mod doubtful_message;
mod event;
mod exchange;
mod failure;
mod grant;
mod hash_map;
mod history;
mod io;
mod keys;
mod operation;
mod people;
mod person;
mod question;
mod recent;
mod response;
mod session;
mod sign_in;
mod telephony;
mod text_limits;
mod timers;
mod trust;
mod workload;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{
    ChannelOptions, DataUriEncoding, ReplacementPolicy, Root, SessionConfig, TrustPolicy,
};
pub use contact_list::{
    ContactGroup, ContactList, ContactListChange, ContactsOperation, GroupKey, GroupKind,
    PrivacyLevel,
};
pub use doubtful_message::DoubtfulMessage;
pub use event::{
    ArchivedMessage, ConversationChange, MessageStatus, Participant, ParticipantCapabilities, Role,
    SessionEvent, SignInState, Standing,
};
pub use failure::{Failure, FailureKind, Stage};
pub use io::{
    Answer, BearerToken, ConnectionAuth, Input, Lane, Output, Question, Sent, TransportFailure,
    TransportFailureKind,
};
pub use keys::{ConversationKey, MessageKey, ParticipantKey, QuestionId, RequestId, Ticket};
pub use operation::{Credentials, CustomContent, Importance, MessageBody, Operation, Outcome};
pub use person::{
    Capabilities, EndpointType, FoundPerson, Interest, MeChange, Note, NoteKind, PersonFact,
    PersonField, PersonStatus, PersonType, PhoneNumber,
};
pub use session::Session;
pub use telephony::{
    CallForwarding, CallForwardingMode, CallForwardingTarget, Photo, PhotoResult, UserPhone,
};
/// Types of the wire format that appear in this crate's API.
pub use ucwa_proto::{Representation, SipUri};
pub use workload::Workload;
