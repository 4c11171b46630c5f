//! A deterministic UCWA 2.0 client that contains no I/O, no clock, no async and no unseeded randomness.
//!
//! [`Session`] signs in to a Skype for Business Server, keeps exactly one pending GET open, correlates what it asked for
//! with what the event channel tells, owns the queue of outgoing messages, the tokens and the retries, and turns event
//! pages into [`SessionEvent`]s. Bytes, time and answers go in; requests, events and verdicts come out. Who drives it
//! decides on sockets, runtime and clock.
//!
//! # The drive contract
//!
//! 1. Call [`Session::submit`] (something is wanted) or [`Session::handle`] (something happened), with the present time
//!    as a [`Duration`](std::time::Duration) since an epoch of the driver's choice.
//! 2. Call [`Session::poll_output`] until it returns [`Output::Idle`], carrying out each [`Output`] in order. A
//!    [`Output::Send`] is put on the wire before later events are shown to anybody: the pending GET that acknowledges a
//!    page precedes the page's events, unless it has to wait for a token.
//! 3. Treat the events of one such run as one change: an event page of the server comes out as one run.
//! 4. At [`Output::Idle`], wait for a response, an answer, a new operation, or `wake_at`.
//! 5. Read the wall clock and hand it in as [`Input::WallClock`]; then go to 1 with what ended the wait. A session that gets
//!    readings asks to be woken every 15 s, so that it notices a suspend of the machine soon. A driver without a wall
//!    clock, as in a simulation, leaves this step out; dates count from
//!    [`SessionConfig::wall_at_epoch`] then.
//!
//! [`Session::workload`] counts what is under way, for a caller who wants to know whether it can stop.
//!
//! What the driver may rely on: `handle` never fails, a bad response becomes an event or a failed operation; every
//! [`Ticket`] gets exactly one [`Output::Completed`], on [`Input::Shutdown`] too, and after the events that settled it;
//! a late response to an aborted request is ignored; only the session decides on retries, tokens and 401s, and repeats
//! a POST only when the failure says that nothing was sent. The exceptions are the steps of a sign-in, reports of
//! activity and batches of GETs, which do nothing more when they are done twice: a sign-in survives a lost answer.
//!
//! # Traces
//!
//! Every exchange is a [`tracing`] span named `exchange`, from its beginning to its end over all repeats, with the fields
//! `operation` (the resource), `host`, `attempts`, `status`, `subcode` and `correlation_id`. The correlation id is sent as
//! `X-MS-Correlation-Id`, the same with each repeat; an answer that has another one brings that one into the span. Where
//! a repeat has another status or subcode, the last one counts. A read that was carried in a batch has no attempts of its
//! own. No token, password, cookie or message text stands in a trace, at any level.
//!
//! # What both sides rely on
//!
//! What the session relies on: the transport gives up at the deadline of a request. Should it not, the session gives
//! the request up five seconds later.

mod auth;
mod channel;
mod chats;
mod clock;
mod config;
mod core;
mod event;
mod exchange;
mod failure;
mod grant;
mod history;
mod io;
mod keys;
mod lengths;
mod operation;
mod people;
mod person;
mod question;
mod recent;
mod response;
mod session;
mod sign_in;
mod timers;
mod together;
mod trust;
mod workload;

pub use config::{ChannelOptions, DataUriEncoding, Root, SessionConfig, TrustPolicy};
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
pub use operation::{Credentials, CustomContent, MessageBody, Operation, Outcome};
pub use person::{
    Capabilities, EndpointType, FoundPerson, Interest, MeChange, Note, NoteKind, PersonFact,
    PersonField, PersonStatus, PhoneNumber,
};
pub use session::Session;
/// Words of UCWA that a caller of the session needs.
pub use ucwa_proto::{Representation, SipUri};
pub use workload::Workload;
