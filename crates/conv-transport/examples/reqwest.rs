//! reqwest as the backend: `cargo run -p conv-transport --features tower --example reqwest -- http://localhost:8080/`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, time::Duration};

use bytes::Bytes;
use conv_transport::{HttpTransport, Lane, SendOptions, TowerTransport};
use http::{Request, Response};
use tower::service_fn;

/// A transport made of a reqwest client.
fn transport(client: reqwest::Client) -> impl HttpTransport {
    TowerTransport::new(service_fn(move |request: Request<Bytes>| {
        let client = client.clone();
        async move {
            let response = client.execute(request.try_into()?).await?;
            Ok::<Response<reqwest::Body>, reqwest::Error>(response.into())
        }
    }))
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
