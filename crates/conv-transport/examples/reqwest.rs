//! reqwest as the backend: `cargo run -p conv-transport --features tower --example reqwest -- http://localhost:8080/`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, time::Duration};

use bytes::Bytes;
use conv_transport::{
    HttpTransport, Lane, SendOptions, Stage, TowerTransport, TransportError, TransportErrorKind,
};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::service_fn;

/// A transport made of a reqwest client, which must not follow redirects.
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

/// What reqwest knows of a failure. Whether the server may have seen the request decides whether it is sent again.
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
        // No connection, or no agreement on TLS: nothing was sent.
        _ if error.is_connect() => (TransportErrorKind::Connect, Stage::Connect),
        Stage::Send => (TransportErrorKind::InvalidRequest, Stage::Send),
        _ => (TransportErrorKind::Closed, stage),
    };
    // The text of the error must not show the path, which may hold secrets.
    let failed = TransportError::new(kind, stage, host.unwrap_or_default());
    match stage {
        Stage::Send => failed.never_sent(),
        _ => failed,
    }
    .with_source(error.without_url())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("which URL?")?;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let request = Request::get(url).body(Bytes::new())?;
    let options = SendOptions::new(Lane::Commands, Duration::from_secs(10));
    let response = transport(client).send(request, options).await?;
    println!("{}, {} bytes", response.status(), response.body().len());
    Ok(())
}
