//! Tests of the transport for real servers, against scripted servers on loopback.

mod certificate;
mod connections;
mod deadlines;
mod failures;
#[cfg(target_os = "linux")]
mod keep_alive;
#[cfg(feature = "native-tls")]
mod native_tls;
mod proxy;
mod responses;
mod tls;
mod tls_refusals;
#[cfg(feature = "windows-auth")]
mod windows_auth;

use std::time::Duration;

use bytes::Bytes;
use conv_transport::{HttpTransport, Lane, SendOptions, TransportError};
use http::{Request, Response};

/// A deadline that never passes in a test.
const LONG: Duration = Duration::from_secs(60);

async fn get(
    transport: &dyn HttpTransport,
    url: String,
    lane: Lane,
) -> Result<Response<Bytes>, TransportError> {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    transport.send(request, SendOptions::new(lane, LONG)).await
}

async fn post(
    transport: &dyn HttpTransport,
    url: String,
    body: &'static str,
) -> Result<Response<Bytes>, TransportError> {
    let request = Request::post(url).body(Bytes::from(body)).unwrap();
    transport
        .send(request, SendOptions::new(Lane::Commands, LONG))
        .await
}
