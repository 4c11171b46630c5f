//! Layers of tower around the transport for real servers: a timeout, and at most four commands at a time.
//! `cargo run -p conv-transport --features tower --example tower_layers -- http://localhost:8080/`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::{HttpTransport, HyperTransport, Lane, SendOptions, TowerTransport};
use http::Request;
use http_body_util::Full;
use tower::{ServiceBuilder, service_fn, util::Either};

/// The layers are for commands only: a request for events is parked for minutes, and would time out and hold a place.
fn transport(inner: HyperTransport) -> impl HttpTransport {
    let inner = Arc::new(inner);
    let plain = service_fn(move |request: Request<Bytes>| {
        let inner = Arc::clone(&inner);
        async move {
            let options = request.extensions().get::<SendOptions>().cloned();
            let options = options.ok_or("a request without options")?;
            let response = inner.send(request, options).await?;
            Ok::<_, Box<dyn Error + Send + Sync>>(response.map(Full::new))
        }
    });
    let layered = ServiceBuilder::new()
        .concurrency_limit(4)
        .timeout(Duration::from_secs(5))
        .service(plain.clone());
    TowerTransport::new(service_fn(move |request: Request<Bytes>| {
        let lane = request.extensions().get::<SendOptions>().map(|it| it.lane);
        let service = match lane {
            Some(Lane::Events) => Either::Left(plain.clone()),
            _ => Either::Right(layered.clone()),
        };
        tower::ServiceExt::oneshot(service, request)
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("which URL?")?;
    let transport = transport(HyperTransport::new());
    let request = Request::get(url).body(Bytes::new())?;
    let options = SendOptions::new(Lane::Commands, Duration::from_secs(10));
    let response = transport.send(request, options).await?;
    println!("{}, {} bytes", response.status(), response.body().len());
    Ok(())
}
