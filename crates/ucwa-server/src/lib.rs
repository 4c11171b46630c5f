//! A UCWA 2.0 server in memory, for development and tests: many users, who sign in and chat with each other.
//!
//! The [`Engine`] contains no socket, no clock, no runtime and no unseeded randomness: requests and time go in, responses
//! and released polls come out, so the same server runs on a socket, inside a process, and in a simulated world.
//! [`Server`] (feature `http`, on by default) is the shell that puts it on a TCP port, with limits against broken and hostile
//! clients. [`HttpConfig`] sets the limits, the certificate (feature `tls`), the proxies in front of the server, and the web pages
//! of other origins that may use it: by CORS, and by the cross-domain frame, which is also at `/xframe`.
//!
//! It serves what the published chats need: autodiscovery, tokens by password, as a guest of a conference, by a sign-in page or
//! of another issuer, applications with their event channel, presence, in which a user of whose activity nothing is reported
//! for five minutes looks idle, contact lists with their groups, photos, the settings of calls, invitations, conversations,
//! messages with a verdict, typing, batches; archived conversations of users who ask for them, and for those invitations that
//! it accepts itself; in JSON and in XML, by `Accept`. Hrefs, bodies and the order of events follow the published transcripts
//! of `SendAnIM` and `ReceiveAnIM`.
//!
//! # Driving the engine
//!
//! 1. Give it a request, a lost connection, or the passing of time with [`Engine::handle`], and the time since an
//!    epoch of your choice.
//! 2. Call [`Engine::poll_output`] until it returns [`Output::Idle`]. Each request gets one [`Output::Reply`]; that of a
//!    pending GET may come many calls later.
//! 3. Call `handle` again when something arrives, or with [`Input::Timeout`] when `wake_at` has come.
//!
//! # A server that lies
//!
//! [`Fault`]s make it misbehave as real deployments do: [`Engine::inject`].

mod config;
mod engine;
mod fault;
mod origin;
mod seed;
#[cfg(feature = "http")]
mod shell;

pub use config::{
    CallForwarding, Card, DistributionGroup, ForwardingTarget, InitialContacts, IssuedToken, Photo,
    ScheduledMeeting, ServerConfig, User,
};
pub use engine::{
    Activity, Engine, Input, Output, RecordChanges, RecordId, RecordValue, RequestId, RestoreError,
};
pub use fault::{Fault, RetryAfter};
pub use origin::parse_origin;
pub use seed::Seed;
#[cfg(feature = "http")]
pub use shell::{ConnectionLimits, HttpConfig, RequestError, Server, ServerStatus, StateStore};
#[cfg(feature = "tls")]
pub use shell::{TlsIdentity, TlsIdentityError};
/// The type of the addresses in the configuration.
pub use ucwa_proto::{SipUri, SipUriError};
