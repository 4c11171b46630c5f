//! A UCWA 2.0 server in memory, for development and tests. Its users sign in, and chat with each other.
//!
//! The [`Engine`] contains no socket, no clock, no runtime and no unseeded randomness. Its inputs are requests and the time, its
//! outputs are responses. The same server therefore runs on a socket, inside a process, and in a simulated world.
//! [`Server`] (feature `http`, on by default) runs the engine on a TCP port, with limits against broken and hostile clients.
//! [`HttpConfig`] sets the limits, the certificate (feature `tls`), the proxies in front of the server, and the web pages of
//! other
//! origins that may use it: by CORS, and by the cross-domain frame, which is also at `/xframe`.
//!
//! The server supports:
//!
//! - autodiscovery; tokens for a password, for a guest of a conference, for a user of the sign-in page, and of another issuer,
//! - applications with their event channel, and batches,
//! - presence, notes and locations; a user without activity for five minutes is idle,
//! - contact lists with their groups and privacy levels, distribution groups, photos,
//! - phones and call forwarding settings, and scheduled meetings, which clients can read and not change,
//! - invitations, conversations, conferences, messages with their delivery results, typing,
//! - archived conversations of applications that enable them; the server accepts invitations of such applications itself.
//!
//! Bodies are JSON or XML, by `Accept`. Hrefs, bodies and the order of events follow the published transcripts of `SendAnIM` and
//! `ReceiveAnIM`.
//!
//! # Driving the engine
//!
//! 1. Call [`Engine::handle`] with an input: a request, a closed connection, or a timeout. Pass the time since an epoch of your
//!    choice.
//! 2. Call [`Engine::poll_output`] until it returns [`Output::Idle`]. Each request gets one [`Output::Reply`]. The reply to a
//!    pending GET may follow many calls later.
//! 3. Call `handle` again when an input arrives, or with [`Input::Timeout`] at the time `wake_at`.
//!
//! # Faults
//!
//! [`Engine::inject`] injects a [`Fault`] that occurs in real deployments.

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
pub use shell::{
    ConnectionLimits, HttpConfig, RequestError, Server, ServerStatus, StateStore, WebFile,
};
#[cfg(feature = "tls")]
pub use shell::{TlsIdentity, TlsIdentityError};
/// The type of the SIP URIs in the configuration.
pub use ucwa_proto::{SipUri, SipUriError};
