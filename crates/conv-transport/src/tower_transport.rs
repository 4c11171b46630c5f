//! Any tower service as a transport.

use std::{error::Error, fmt, future::poll_fn};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;
use tower_service::Service;

use crate::{HttpTransport, SendOptions, Stage, TransportError, TransportErrorKind};

/// The largest body of a response, in bytes.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// A [`tower_service::Service`] from request to response as a transport: another HTTP client, or layers around one.
///
/// The service is cloned for each request, and the clone is made ready before it is called. It finds the [`SendOptions`] among the
/// extensions of the request. A layer that limits concurrency must let [`Lane::Events`](crate::Lane::Events) pass, or keep a place for
/// it: one request of that lane is parked for minutes.
///
/// The deadline is kept here. A response may have any kind of body up to 8 MiB. An error of the service is
/// [`Service`](TransportErrorKind::Service), of which nothing is known but its source, unless it is a [`TransportError`] already.
/// Redirects are the service's affair: it must be told not to follow them, as most clients do.
#[derive(Clone)]
pub struct TowerTransport<S> {
    service: S,
}

impl<S> TowerTransport<S> {
    /// The transport that `service` is.
    pub fn new(service: S) -> Self {
        Self { service }
    }
}

impl<S> fmt::Debug for TowerTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl<S, B> HttpTransport for TowerTransport<S>
where
    S: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let host = host(&request);
        let error = |kind, stage| TransportError::new(kind, stage, host.clone());
        if options.authentication.is_some() {
            return Err(error(TransportErrorKind::Unsupported, Stage::Send).never_sent());
        }
        let deadline = options.deadline;
        request.extensions_mut().insert(options);

        let mut service = self.service.clone();
        let mut stage = Stage::Send;
        let exchange = async {
            poll_fn(|cx| service.poll_ready(cx))
                .await
                .map_err(|source| {
                    let error = error(TransportErrorKind::Service, Stage::Send).never_sent();
                    caused_by(error, source.into())
                })?;
            stage = Stage::Wait;
            let response = service.call(request).await.map_err(|source| {
                caused_by(
                    error(TransportErrorKind::Service, Stage::Wait),
                    source.into(),
                )
            })?;
            stage = Stage::Body;
            let (head, body) = response.into_parts();
            let body = Box::pin(Limited::new(body, BODY_LIMIT)).collect().await;
            let body = body.map_err(|source| {
                if source.is::<LengthLimitError>() {
                    error(TransportErrorKind::BodyTooLarge, Stage::Body)
                        .with_detail(format!("the limit is {BODY_LIMIT} bytes"))
                } else {
                    caused_by(error(TransportErrorKind::Closed, Stage::Body), source)
                }
            })?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        match timeout(deadline, exchange).await {
            Ok(result) => result,
            Err(_) => {
                let error = error(TransportErrorKind::Timeout, stage);
                Err(match stage {
                    // The service was not ready in time, so it was never called.
                    Stage::Send => error.never_sent(),
                    _ => error,
                })
            }
        }
    }
}

/// `error` with its cause, or the cause itself where that says it all.
fn caused_by(error: TransportError, cause: Box<dyn Error + Send + Sync>) -> TransportError {
    match cause.downcast::<TransportError>() {
        Ok(cause) => *cause,
        Err(cause) => error.with_source(cause),
    }
}

/// `host` or `host:port`, without a user.
fn host(request: &Request<Bytes>) -> String {
    let authority = request.uri().authority().map_or("", |it| it.as_str());
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}
