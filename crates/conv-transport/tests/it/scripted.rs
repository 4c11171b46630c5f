//! A transport whose results come from a closure, after a delay in virtual time.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, Lane, SendOptions, Stage, TransportError, TransportErrorKind};
use http::{Request, Response};
use tokio::time::{sleep, timeout};

pub(crate) type Answer = (Duration, Result<Response<Bytes>, TransportError>);

type Script = dyn Fn(&Request<Bytes>) -> Answer + Send + Sync;

pub(crate) struct Scripted(Box<Script>);

impl Scripted {
    pub(crate) fn new(answer: impl Fn(&Request<Bytes>) -> Answer + Send + Sync + 'static) -> Self {
        Self(Box::new(answer))
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl HttpTransport for Scripted {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let (delay, result) = (self.0)(&request);
        match timeout(options.deadline, sleep(delay)).await {
            Ok(()) => result,
            Err(_) => {
                let host = request.uri().host().unwrap_or_default();
                Err(TransportError::new(
                    TransportErrorKind::Timeout,
                    Stage::Wait,
                    host,
                ))
            }
        }
    }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn ok(body: impl Into<Bytes>) -> Result<Response<Bytes>, TransportError> {
    Ok(Response::new(body.into()))
}

pub(crate) fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

pub(crate) fn post(url: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(url).body(body.into()).unwrap()
}

/// Options with a deadline that no response of these tests exceeds.
pub(crate) fn events() -> SendOptions {
    SendOptions::new(Lane::Events, seconds(1000))
}

pub(crate) fn commands() -> SendOptions {
    SendOptions::new(Lane::Commands, seconds(1000))
}
