//! A transport over a tower service.

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

/// A transport over a [`tower_service::Service`]: another HTTP client, or layers around one.
///
/// Each request clones the service and waits until the clone is ready. The [`SendOptions`] are among the extensions of the request.
/// A layer that limits concurrency must exempt [`Lane::Events`](crate::Lane::Events), because the server holds a request of that lane for
/// minutes.
///
/// The transport enforces the deadline, and limits response bodies to 8 MiB. If the service fails with a [`TransportError`], the error
/// is returned unchanged. Any other error becomes [`Service`](TransportErrorKind::Service) with the error as its source. The
/// service must be configured not to follow redirects, which most clients do by default.
#[derive(Clone)]
pub struct TowerTransport<S> {
    service: S,
}

impl<S> TowerTransport<S> {
    /// A transport over this service.
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
                    // The service was not ready in time and was not called.
                    Stage::Send => error.never_sent(),
                    _ => error,
                })
            }
        }
    }
}

/// Returns `cause` if it is a [`TransportError`], and otherwise `error` with it as the source.
fn caused_by(error: TransportError, cause: Box<dyn Error + Send + Sync>) -> TransportError {
    match cause.downcast::<TransportError>() {
        Ok(cause) => *cause,
        Err(cause) => error.with_source(cause),
    }
}

/// The `host` or `host:port` of a request, without user information.
fn host(request: &Request<Bytes>) -> String {
    let authority = request.uri().authority().map_or("", |it| it.as_str());
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}
