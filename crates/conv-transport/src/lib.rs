//! Pluggable HTTP transports with recording and replay on HAR files.

mod error;
#[cfg(feature = "hyper")]
mod hyper_transport;
mod transport;

pub use error::{Sent, Stage, TransportError, TransportErrorKind};
#[cfg(feature = "hyper")]
pub use hyper_transport::{HyperConfig, HyperTransport};
#[cfg(feature = "mock")]
pub use transport::MockHttpTransport;
pub use transport::{ConnectionAuth, HttpTransport, Lane, SendOptions};
