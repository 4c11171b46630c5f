//! A transport that sends nothing for an identity which the worker may have lost.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::Stage;
use http::{Method, Request, Response};
use skype_p2p::{HttpTransport, SendOptions, TransportError, TransportErrorKind};

use super::lease_clock::LeaseClock;

/// The permission of a session to send requests.
#[derive(Clone, Debug)]
pub(super) struct Permit {
    clock: Arc<LeaseClock>,
    is_revoked: Arc<AtomicBool>,
}

impl Permit {
    pub(super) fn new(clock: Arc<LeaseClock>) -> Self {
        Self {
            clock,
            is_revoked: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Ends the permission: the session sends no further request, so it also deletes nothing at the server.
    pub(super) fn revoke(&self) {
        self.is_revoked.store(true, Ordering::Release);
    }

    /// Whether the worker has the lease with certainty.
    pub(super) fn is_valid(&self) -> bool {
        !self.is_revoked.load(Ordering::Acquire) && self.clock.is_valid()
    }

    /// Whether a request that changes nothing at the server may be sent. While the store is away, sessions keep polling.
    fn may_read(&self) -> bool {
        !self.is_revoked.load(Ordering::Acquire) && !self.clock.was_paused()
    }
}

/// Sends requests while a [`Permit`] is valid. UCWA accepts a POST from any process that has the token, so this is what
/// keeps a worker that was paused from sending the message of an identity which has another owner.
#[derive(Debug)]
pub(super) struct FencedTransport {
    inner: Arc<dyn HttpTransport>,
    permit: Permit,
}

impl FencedTransport {
    pub(super) fn new(inner: Arc<dyn HttpTransport>, permit: Permit) -> Self {
        Self { inner, permit }
    }
}

#[async_trait]
impl HttpTransport for FencedTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let authority = request.uri().authority();
        let host = authority.map(ToString::to_string).unwrap_or_default();
        let is_read = request.method() == Method::GET;
        let is_permitted = match is_read {
            true => self.permit.may_read(),
            false => self.permit.is_valid(),
        };
        if !is_permitted {
            let error = TransportError::new(TransportErrorKind::Closed, Stage::Connect, host);
            return Err(error.with_detail("the worker may have lost its lease"));
        }
        if is_read {
            return self.inner.send(request, options).await;
        }
        tokio::select! {
            biased;
            // A request that waits for a connection, for example, must not be written after the lease.
            () = self.permit.clock.expired() => {
                let error = TransportError::new(TransportErrorKind::Timeout, Stage::Wait, host);
                Err(error.with_detail("the lease of the worker ended"))
            }
            response = self.inner.send(request, options) => response,
        }
    }
}
