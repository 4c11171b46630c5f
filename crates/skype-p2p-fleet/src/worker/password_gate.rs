//! The password of an identity leaves the worker after the attempt was recorded in the store.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::Sent;
use http::{Method, Request, Response, StatusCode};
use skype_p2p::TransportError;
use tokio::{sync::watch, time::Instant};

use super::metrics::Metrics;
use crate::store::{Lease, Store, StoreError};

/// The beginning of the form that a token service gets with a password.
const PASSWORD_GRANT: &[u8] = b"grant_type=password&";

/// Records the attempts to sign in with the password of a lease. A worker may die after the server has refused the password, and before
/// the identity is suspended. Its heir finds the attempt without a result, and must not send the password again soon: every further
/// refusal brings the account closer to being locked.
#[derive(Debug)]
pub(super) struct PasswordGate {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    lease: Lease,
    /// The time for which the password must not be sent.
    pause: watch::Sender<Option<Duration>>,
}

impl PasswordGate {
    pub(super) fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, lease: Lease) -> Self {
        Self {
            store,
            metrics,
            lease,
            pause: watch::Sender::new(None),
        }
    }

    /// Whether a request contains the password.
    pub(super) fn guards(request: &Request<Bytes>) -> bool {
        *request.method() == Method::POST && request.body().starts_with(PASSWORD_GRANT)
    }

    /// Records an attempt. An error is the reason why the password must not be sent now.
    pub(super) async fn begin(&self) -> Result<(), &'static str> {
        let began = Instant::now();
        let outcome = self.store.begin_password_attempt(self.lease).await;
        self.metrics.statement(began.elapsed(), &outcome);
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(pause)) => {
                self.pause.send_replace(Some(pause));
                Err("a worker died while the server checked the password")
            }
            Err(StoreError::LeaseLost) => Err("the lease is lost"),
            Err(error) => {
                tracing::debug!(identity = self.lease.identity.0, %error, "an attempt cannot be recorded");
                Err("the attempt to sign in cannot be recorded")
            }
        }
    }

    /// Records the end of an attempt, unless the password may have been refused: then the session suspends the identity.
    pub(super) async fn end(&self, outcome: &Result<Response<Bytes>, TransportError>) {
        let is_harmless = match outcome {
            Ok(response) => says_nothing_against(response.status()),
            Err(error) => error.sent() == Sent::No,
        };
        if !is_harmless {
            return;
        }
        let began = Instant::now();
        let outcome = self.store.end_password_attempt(self.lease).await;
        self.metrics.statement(began.elapsed(), &outcome);
        if let Err(error) = outcome {
            // The release of the identity ends the attempt, too.
            tracing::debug!(identity = self.lease.identity.0, %error, "an attempt remains recorded");
        }
    }

    /// Completes when the password must not be sent. Returns the time for which that is so.
    pub(super) async fn closed(&self) -> Duration {
        let mut pause = self.pause.subscribe();
        // The sender is a part of this value, so the wait does not fail.
        let pause = pause.wait_for(Option::is_some).await;
        pause.ok().and_then(|it| *it).unwrap_or_default()
    }
}

/// Whether a status does not refuse the password: it is accepted, or the server could not check it.
fn says_nothing_against(status: StatusCode) -> bool {
    !status.is_client_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        )
}
