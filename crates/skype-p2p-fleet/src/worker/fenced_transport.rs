//! A transport that sends nothing for an identity which the worker may have lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::Stage;
use http::{Method, Request, Response};
use skype_p2p::{HttpTransport, Lane, SendOptions, TransportError, TransportErrorKind};
use tokio::time::Instant;

use super::{lease_clock::LeaseClock, password_gate::PasswordGate};

/// The first time of a lease, in which the session resumes.
const RESUMPTION: Duration = Duration::from_secs(5);

/// The deadline of a read that begins in this time. If a response is lost, the session repeats the read, and still polls within
/// 15 s after the death of the former owner. The deadline of the session is 30 s.
const RESUMPTION_DEADLINE: Duration = Duration::from_secs(4);

/// The permission of a session to send requests.
#[derive(Clone, Debug)]
pub(super) struct Permit {
    clock: Arc<LeaseClock>,
    is_revoked: Arc<AtomicBool>,
    began: Instant,
}

impl Permit {
    pub(super) fn new(clock: Arc<LeaseClock>) -> Self {
        Self {
            clock,
            is_revoked: Arc::new(AtomicBool::new(false)),
            began: Instant::now(),
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
    password: Arc<PasswordGate>,
}

impl FencedTransport {
    pub(super) fn new(
        inner: Arc<dyn HttpTransport>,
        permit: Permit,
        password: Arc<PasswordGate>,
    ) -> Self {
        Self {
            inner,
            permit,
            password,
        }
    }
}

#[async_trait]
impl HttpTransport for FencedTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        mut options: SendOptions,
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
        if is_read && options.lane == Lane::Commands && self.permit.began.elapsed() < RESUMPTION {
            options.deadline = options.deadline.min(RESUMPTION_DEADLINE);
        }
        if is_read {
            return self.inner.send(request, options).await;
        }
        let has_password = PasswordGate::guards(&request);
        if has_password && let Err(why) = self.password.begin().await {
            let error = TransportError::new(TransportErrorKind::Closed, Stage::Connect, host);
            return Err(error.with_detail(why));
        }
        let outcome = tokio::select! {
            biased;
            // A request that waits for a connection, for example, must not be written after the lease.
            () = self.permit.clock.expired() => {
                let error = TransportError::new(TransportErrorKind::Timeout, Stage::Wait, host);
                Err(error.with_detail("the lease of the worker ended"))
            }
            response = self.inner.send(request, options) => response,
        };
        if has_password {
            self.password.end(&outcome).await;
        }
        outcome
    }
}
