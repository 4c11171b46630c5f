//! HTTP transports: one trait, with backends and wrappers that can replace each other.
//!
//! [`HttpTransport::send`] takes a complete request and returns a complete response or a [`TransportError`]. The error says what
//! failed, in which stage, at which host, and whether the server may have received the request. The crate contains no UCWA: no link
//! relation, no grammar of tokens, no event.
//!
//! | transport | feature | use |
//! |---|---|---|
//! | `MockHttpTransport` | `mock` | Tests of one object: `expect_request` for one request and its response, mockall's `expect_send` for anything else. |
//! | `Faulty` | `faulty` | Tests with delayed, malformed or missing responses. It wraps any transport. The same seed gives the same faults. |
//! | `Replay` | `har` | Tests of a whole client against recorded traffic. The replay keeps cause and effect in order; with a paused clock it takes no real time. |
//! | `Record` | `har` | Recordings without secrets. It wraps any transport. |
//! | `HyperTransport` | `hyper` (default) | A server: a real one, or the in-memory server on loopback. |
//! | `Cookies` | `cookies` | A server behind a load balancer or a reverse proxy that assigns sessions by a cookie. It wraps any transport. |
//! | `TowerTransport` | `tower` | An HTTP client of the application, or layers of tower. |
//!
//! In a test, use the first transport of the table that can show the defect. Each feature only adds items. The constructor selects
//! the transport, never a feature.

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
    HyperConfig, HyperTransport, Proxy, ProxyError, ServerCertificate, TlsConfig, TlsConfigError,
    TlsVersion,
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
