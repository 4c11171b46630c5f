//! How bytes travel: one trait for HTTP transports, with backends and wrappers that can be exchanged for one another.
//!
//! [`HttpTransport`] takes a whole request and gives a whole response, or a [`TransportError`] that says what failed, in which
//! stage, at which host, and whether the server may have seen the request. The crate knows HTTP and nothing above it: no link
//! relation, no token grammar, no event.
//!
//! | use this | when |
//! |---|---|
//! | `MockHttpTransport` (feature `mock`) | one object is tested in isolation: `expect_request` for this request and that answer, mockall's `expect_send` for anything else |
//! | `Faulty` (feature `faulty`) | it is to be seen what a client does when answers are late, broken or missing: around any other transport, the same faults for the same seed |
//! | `Replay` (feature `har`) | a whole client is tested against traffic that was once real: the order of cause and effect is kept, and in virtual time a long recording takes an instant |
//! | `Record` (feature `har`) | such a recording is made, of any transport, without its secrets |
//! | `HyperTransport` (feature `hyper`, on by default) | there is a server: one embedded in a test, on loopback, or a real one |
//! | `Cookies` (feature `cookies`) | that server is behind a load balancer or a reverse proxy that ties a session to it by a cookie |
//! | `TowerTransport` (feature `tower`) | the application has an HTTP client of its own, or layers of tower |
//!
//! Take the first that can show the defect. A feature adds an item and changes nothing else; which transport is used is
//! decided by which one is constructed.

#[cfg(any(feature = "har", feature = "hyper"))]
mod coding;
#[cfg(feature = "cookies")]
mod cookies;
mod error;
#[cfg(feature = "faulty")]
mod faulty;
#[cfg(feature = "har")]
mod har;
#[cfg(feature = "hyper")]
mod hyper_transport;
#[cfg(feature = "mock")]
mod mock;
#[cfg(feature = "har")]
mod record;
#[cfg(feature = "har")]
mod redact;
#[cfg(feature = "har")]
mod replay;
#[cfg(feature = "tower")]
mod tower_transport;
mod transport;

#[cfg(feature = "cookies")]
pub use cookies::Cookies;
pub use error::{Sent, Stage, TransportError, TransportErrorKind};
#[cfg(feature = "faulty")]
pub use faulty::{Effect, Fault, FaultError, Faulty};
#[cfg(feature = "har")]
pub use har::{
    Content, Creator, Entry, Extra, FormField, Har, HarBodyError, HarError, HarHeader, HarPlace,
    HarRequest, HarResponse, Log, PostData, RecordedError,
};
#[cfg(feature = "hyper")]
pub use hyper_transport::{
    HyperConfig, HyperTransport, Proxy, ProxyError, TlsConfig, TlsConfigError, TlsVersion,
};
#[cfg(feature = "windows-auth")]
pub use hyper_transport::{WindowsCredentials, WindowsCredentialsError};
#[cfg(feature = "mock")]
pub use mock::ExpectedRequest;
#[cfg(feature = "har")]
pub use record::{Record, RecordOptions};
#[cfg(feature = "har")]
pub use redact::{HarField, HarFieldKind};
#[cfg(feature = "har")]
pub use replay::{LeftOut, LeftOutReason, Nearest, Replay, ReplayOptions, ReplayReport, Unmatched};
#[cfg(feature = "tower")]
pub use tower_transport::TowerTransport;
#[cfg(feature = "mock")]
pub use transport::MockHttpTransport;
pub use transport::{ConnectionAuth, HttpTransport, Lane, SendOptions};
