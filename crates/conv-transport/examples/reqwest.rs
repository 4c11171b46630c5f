//! Uses reqwest as the HTTP client: `cargo run -p conv-transport --features tower --example reqwest -- http://localhost:8080/`
#![allow(clippy::print_stdout, reason = "the example prints its result")]

use std::{error::Error, time::Duration};

use bytes::Bytes;
use conv_transport::{
    HttpTransport, Lane, SendOptions, Stage, TowerTransport, TransportError, TransportErrorKind,
};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::service_fn;

/// Makes a transport from a reqwest client. The client must not follow redirects.
pub(crate) fn transport(client: reqwest::Client) -> impl HttpTransport {
    TowerTransport::new(service_fn(move |request: Request<Bytes>| {
        let client = client.clone();
        async move {
            let request = request
                .try_into()
                .map_err(|error| failure(error, Stage::Send))?;
            let response = client.execute(request).await;
            let response = Response::from(response.map_err(|error| failure(error, Stage::Wait))?);
            Ok::<_, TransportError>(
                response
                    .map(|body: reqwest::Body| body.map_err(|error| failure(error, Stage::Body))),
            )
        }
    }))
}

/// Converts an error of reqwest. The session retries a request only if the error shows that the server cannot have seen it, or if the
/// request is idempotent.
fn failure(error: reqwest::Error, stage: Stage) -> TransportError {
    let url = error.url();
    let host = url.and_then(|url| {
        Some(format!(
            "{}:{}",
            url.host_str()?,
            url.port_or_known_default()?
        ))
    });
    let (kind, stage) = match stage {
        _ if error.is_timeout() && error.is_connect() => {
            (TransportErrorKind::Timeout, Stage::Connect)
        }
        _ if error.is_timeout() => (TransportErrorKind::Timeout, stage),
        // The connection or the TLS handshake failed, so nothing was sent.
        _ if error.is_connect() => (TransportErrorKind::Connect, Stage::Connect),
        Stage::Send => (TransportErrorKind::InvalidRequest, Stage::Send),
        _ => (TransportErrorKind::Closed, stage),
    };
    // The text of the error must not contain the path, which may contain secrets.
    let failed = TransportError::new(kind, stage, host.unwrap_or_default());
    match stage {
        Stage::Send => failed.never_sent(),
        _ => failed,
    }
    .with_source(error.without_url())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args()
        .nth(1)
        .ok_or("the URL is missing; pass it as the first argument")?;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let request = Request::get(url).body(Bytes::new())?;
    let options = SendOptions::new(Lane::Commands, Duration::from_secs(10));
    let response = transport(client).send(request, options).await?;
    println!("{}, {} bytes", response.status(), response.body().len());
    Ok(())
}
