//! Tests of transports that are made of tower services.

use std::{
    convert::Infallible,
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use conv_transport::{
    ConnectionAuth, HttpTransport, Lane, SendOptions, Sent, Stage, TowerTransport, TransportError,
    TransportErrorKind,
};
use http::{Request, Response, StatusCode};
use http_body_util::{Full, channel::Channel};
use tokio::{join, time::Instant};
use tower::{Service, service_fn};

use crate::{
    scripted::{commands, events, get, post, seconds},
    server::Server,
};

#[path = "../../examples/reqwest.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod reqwest_example;

type Anything = Box<dyn Error + Send + Sync>;

#[tokio::test(start_paused = true)]
async fn a_service_receives_the_request_and_its_options() {
    let transport = TowerTransport::new(service_fn(async |request: Request<Bytes>| {
        let options = request.extensions().get::<SendOptions>().unwrap();
        let seen = format!("{} {:?} {:?}", request.uri(), options.lane, request.body());
        let response = Response::builder().status(StatusCode::FOUND);
        Ok::<_, Infallible>(response.body(Full::new(Bytes::from(seen))).unwrap())
    }));
    let response = transport
        .send(post("http://pool/a", "text"), events())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.body(), "http://pool/a Events b\"text\"");
}

#[tokio::test(start_paused = true)]
async fn errors_of_a_service_keep_their_source() {
    let transport = TowerTransport::new(service_fn(async |request: Request<Bytes>| {
        Err::<Response<Full<Bytes>>, Anything>(match request.uri().path() {
            "/own" => {
                let error = TransportError::new(TransportErrorKind::Resolve, Stage::Resolve, "x");
                error.into()
            }
            _ => io::Error::other("of another kind").into(),
        })
    }));
    let error = transport
        .send(get("http://u:p@pool:81/"), commands())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Service);
    assert_eq!(error.sent(), Sent::Maybe);
    assert_eq!(error.host(), "pool:81");
    assert_eq!(error.source().unwrap().to_string(), "of another kind");
    let error = transport
        .send(get("http://pool/own"), commands())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.host()),
        (TransportErrorKind::Resolve, "x")
    );
}

/// A service that never becomes ready, or fails.
#[derive(Clone)]
struct Unready(bool);

impl Service<Request<Bytes>> for Unready {
    type Response = Response<Full<Bytes>>;
    type Error = Anything;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Anything>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Anything>> {
        if self.0 {
            Poll::Ready(Err("closed".into()))
        } else {
            Poll::Pending
        }
    }

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        panic!("called before it was ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_ready_is_not_called() {
    let options = || SendOptions::new(Lane::Commands, seconds(5));
    let began = Instant::now();
    let never = TowerTransport::new(Unready(false));
    let error = never
        .send(get("http://pool/"), options())
        .await
        .unwrap_err();
    assert_eq!(began.elapsed(), seconds(5));
    assert_eq!(
        (error.kind(), error.sent()),
        (TransportErrorKind::Timeout, Sent::No)
    );
    let fails = TowerTransport::new(Unready(true));
    let error = fails
        .send(get("http://pool/"), options())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (TransportErrorKind::Service, Sent::No)
    );
}

#[tokio::test(start_paused = true)]
async fn the_deadline_and_the_size_limit_apply_to_the_body() {
    let transport = TowerTransport::new(service_fn(async |request: Request<Bytes>| {
        let (mut sender, body) = Channel::<Bytes, Anything>::new(1);
        tokio::spawn(async move {
            match request.uri().path() {
                "/stalls" => tokio::time::sleep(Duration::MAX).await,
                "/breaks" => sender.abort("broken".into()),
                _ => {
                    while sender
                        .send_data(Bytes::from(vec![0; 1 << 20]))
                        .await
                        .is_ok()
                    {}
                }
            }
        });
        Ok::<_, Infallible>(Response::new(body))
    }));
    for (path, kind) in [
        ("stalls", TransportErrorKind::Timeout),
        ("breaks", TransportErrorKind::Closed),
        ("floods", TransportErrorKind::BodyTooLarge),
    ] {
        let request = get(&format!("http://pool/{path}"));
        let error = transport.send(request, commands()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.stage()),
            (kind, Stage::Body),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn authentication_of_the_connection_is_unsupported() {
    let transport = TowerTransport::new(Unready(false));
    let mut options = commands();
    options.authentication = Some(ConnectionAuth::Windows);
    let error = transport
        .send(get("http://pool/"), options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Unsupported);
}

#[tokio::test]
async fn reqwest_can_be_the_transport() {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let transport = reqwest_example::transport(client);
    let server = Server::bind().await;
    let (response, request) = join!(
        transport.send(post(&server.url("/a?b=c"), "text"), commands()),
        async {
            let mut peer = server.accept().await;
            let request = peer.request().await.unwrap();
            peer.respond("by reqwest").await;
            request
        }
    );
    assert_eq!(response.unwrap().body(), "by reqwest");
    assert!(request.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\ntext"), "{request}");
}

#[tokio::test]
async fn errors_of_reqwest_name_the_stage_of_the_failure() {
    let client = || reqwest::Client::builder().no_proxy();
    let transport =
        |client: reqwest::ClientBuilder| reqwest_example::transport(client.build().unwrap());
    let short = Duration::from_millis(50);

    let server = Server::bind().await;
    let (address, url) = (server.address.to_string(), server.url("/secret?t=sesame"));
    drop(server);
    let error = transport(client())
        .send(get(&url), commands())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.stage()),
        (TransportErrorKind::Connect, Stage::Connect)
    );
    assert_eq!((error.sent(), error.host()), (Sent::No, &*address));
    assert!(!format!("{error:?}").contains("sesame"), "{error:?}");

    // A server that accepts the connection and never responds.
    let server = Server::bind().await;
    let slow = transport(client().read_timeout(short));
    for (answer, stage) in [
        ("", Stage::Wait),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
            Stage::Body,
        ),
    ] {
        let url = server.url("/");
        let (error, _peer) = join!(slow.send(get(&url), commands()), async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            peer.write(answer).await;
            peer
        });
        let error = error.unwrap_err();
        assert_eq!(
            (error.kind(), error.stage()),
            (TransportErrorKind::Timeout, stage),
            "{error:?}"
        );
        assert_eq!(error.sent(), Sent::Maybe);
    }

    // A server that closes the connection.
    let transport = transport(client());
    let url = server.url("/");
    let (error, ()) = join!(transport.send(post(&url, "text"), commands()), async {
        server.accept().await.request().await.unwrap();
    });
    let error = error.unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (TransportErrorKind::Closed, Sent::Maybe)
    );
}
