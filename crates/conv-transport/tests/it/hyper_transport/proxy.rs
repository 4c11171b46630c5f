//! Tests of requests through an HTTP proxy. The proxies are scripted on loopback, and the servers behind them do not exist.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::{
    HttpTransport, HyperConfig, HyperTransport, Lane, Proxy, SendOptions, Sent, Stage, TlsConfig,
    TransportErrorKind,
};
use http::Request;
use tokio::join;
use tokio_rustls::TlsAcceptor;

use super::{
    LONG, get, post,
    tls::{TestPki, server},
};
use crate::server::{Peer, Server};

fn through(proxy: &Server, tls: TlsConfig) -> HyperTransport {
    let mut config = HyperConfig::default();
    config.proxy = Proxy::new(&format!("http://user:sesame@{}", proxy.address), "").unwrap();
    config.tls = tls;
    HyperTransport::with_config(config)
}

/// The base64 of `user:sesame`.
const CREDENTIALS: &str = "proxy-authorization: Basic dXNlcjpzZXNhbWU=\r\n";

#[tokio::test]
async fn plain_requests_go_to_the_proxy_with_an_absolute_target() {
    let proxy = Server::bind().await;
    let transport = through(&proxy, TlsConfig::new());
    let serve = async {
        let mut peer = proxy.accept().await;
        for _ in 0..2 {
            let request = peer.request().await.unwrap();
            assert!(
                request.starts_with("POST http://pool.invalid/a?b=c HTTP/1.1\r\n"),
                "{request}"
            );
            assert!(request.contains("host: pool.invalid\r\n"), "{request}");
            assert!(request.contains(CREDENTIALS), "{request}");
            peer.respond("proxied").await;
        }
    };
    let client = async {
        for _ in 0..2 {
            let url = "http://pool.invalid/a?b=c".to_owned();
            assert_eq!(post(&transport, url, "x").await.unwrap().body(), "proxied");
        }
    };
    join!(client, serve);
}

#[tokio::test]
async fn requests_over_tls_go_through_a_tunnel() {
    let pki = TestPki::new().await;
    let identity = pki.identity("pool.invalid");
    let transport = through(&pki.server, pki.trusting());
    let serve = async {
        let mut peer = pki.server.accept().await;
        let request = peer.request().await.unwrap();
        assert!(
            request.starts_with("CONNECT pool.invalid:443 HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains(CREDENTIALS), "{request}");
        peer.write("HTTP/1.1 200 Connection established\r\n\r\n")
            .await;
        let acceptor = TlsAcceptor::from(Arc::new(server(&identity)));
        let mut peer = Peer(acceptor.accept(peer.0).await.unwrap());
        for _ in 0..2 {
            let request = peer.request().await.unwrap();
            assert!(request.starts_with("GET /a HTTP/1.1\r\n"), "{request}");
            assert!(!request.contains("proxy-authorization"), "{request}");
            peer.respond("tunnelled").await;
        }
    };
    let client = async {
        for _ in 0..2 {
            let url = "https://pool.invalid/a".to_owned();
            let response = get(&transport, url, Lane::Commands).await.unwrap();
            assert_eq!(response.body(), "tunnelled");
        }
    };
    join!(client, serve);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    let proxy = Server::bind().await;
    let transport = through(&proxy, TlsConfig::new());
    let url = "https://pool.invalid/".to_owned();
    let (error, _peer) = join!(get(&transport, url, Lane::Commands), async {
        let mut peer = proxy.accept().await;
        peer.request().await.unwrap();
        // The proxy never sends the body, and the transport does not wait for it.
        peer.write(
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 99\r\n\
             proxy-authenticate: Negotiate, NTLM\r\nproxy-authenticate: Basic realm=\"a, b\"\r\n\r\n",
        )
        .await;
        peer
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Proxy);
    assert_eq!(error.stage(), Stage::Connect);
    assert_eq!(error.sent(), Sent::No);
    assert_eq!(error.host(), "pool.invalid:443");
    let expected = format!(
        "the proxy {} answered 407 Proxy Authentication Required; the user name and the password in the address of the \
         proxy were refused; schemes offered: Negotiate, NTLM, Basic (only Basic can be used)",
        proxy.address
    );
    assert!(error.to_string().contains(&expected), "{error}");
    assert!(!format!("{error:?} {transport:?}").contains("sesame"));
}

#[tokio::test]
async fn a_proxy_that_closes_or_cannot_be_reached_is_named() {
    let proxy = Server::bind().await;
    let transport = through(&proxy, TlsConfig::new());
    let url = || "https://pool.invalid/".to_owned();
    let (error, ()) = join!(get(&transport, url(), Lane::Commands), async {
        proxy.accept().await.request().await.unwrap();
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Proxy);
    assert_eq!(error.sent(), Sent::No);

    let expected = format!("through the proxy {}", proxy.address);
    drop(proxy);
    let error = get(&transport, url(), Lane::Commands).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Connect);
    assert_eq!(error.host(), "pool.invalid:443");
    assert!(error.to_string().contains(&expected), "{error}");
}

#[tokio::test]
async fn a_proxy_that_never_answers_is_named_within_the_deadline() {
    let short = Duration::from_millis(50);
    for (connecting, whole, expected) in [
        (
            short,
            LONG,
            "the deadline of the connection, through the proxy",
        ),
        (LONG, short, "through the proxy"),
    ] {
        // The proxy listens, but never accepts.
        let proxy = Server::bind().await;
        let mut config = HyperConfig::default();
        config.proxy = Proxy::new(&proxy.url("/"), "").unwrap();
        config.connect_deadline = connecting;
        let transport = HyperTransport::with_config(config);
        let request = Request::get("https://pool.invalid/").body(Bytes::new());
        let options = SendOptions::new(Lane::Commands, whole);
        let error = transport.send(request.unwrap(), options).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Timeout);
        assert_eq!(error.stage(), Stage::Connect);
        assert_eq!(error.sent(), Sent::No);
        let expected = format!(": {expected} {}", proxy.address);
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_may_itself_be_reached_over_tls() {
    let pki = TestPki::new().await;
    let identity = pki.identity("localhost");
    let mut config = HyperConfig::default();
    // A server on loopback is reached without the proxy. A proxy on loopback is used.
    let proxy = format!("https://localhost:{}", pki.server.address.port());
    config.proxy = Proxy::new(&proxy, "").unwrap();
    config.tls = pki.trusting();
    let transport = HyperTransport::with_config(config);
    let url = || "http://pool.invalid/".to_owned();
    let (response, ()) = join!(get(&transport, url(), Lane::Commands), async {
        let acceptor = TlsAcceptor::from(Arc::new(server(&identity)));
        let tcp = pki.server.accept().await.0;
        let mut peer = Peer(acceptor.accept(tcp).await.unwrap());
        peer.request().await.unwrap();
        peer.respond("over TLS").await;
    });
    assert_eq!(response.unwrap().body(), "over TLS");

    // The TLS connection to the server is inside the TLS connection to the proxy.
    let pool = pki.identity("pool.invalid");
    let secure = || "https://pool.invalid/".to_owned();
    let (response, ()) = join!(get(&transport, secure(), Lane::Commands), async {
        let acceptor = TlsAcceptor::from(Arc::new(server(&identity)));
        let tcp = pki.server.accept().await.0;
        let mut peer = Peer(acceptor.accept(tcp).await.unwrap());
        let request = peer.request().await.unwrap();
        assert!(
            request.starts_with("CONNECT pool.invalid:443 "),
            "{request}"
        );
        peer.write("HTTP/1.1 200 Connection established\r\n\r\n")
            .await;
        let acceptor = TlsAcceptor::from(Arc::new(server(&pool)));
        let mut peer = Peer(acceptor.accept(peer.0).await.unwrap());
        peer.request().await.unwrap();
        peer.respond("over TLS twice").await;
    });
    assert_eq!(response.unwrap().body(), "over TLS twice");

    let stranger = TestPki::new().await.identity("localhost");
    let fresh = || "https://pool.invalid/".to_owned();
    let (error, _) = join!(get(&transport, fresh(), Lane::Events), async {
        let acceptor = TlsAcceptor::from(Arc::new(server(&stranger)));
        let tcp = pki.server.accept().await.0;
        acceptor.accept(tcp).await
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls);
    assert_eq!(error.host(), "pool.invalid:443");
    assert!(
        error.to_string().contains("through the proxy localhost:"),
        "{error}"
    );
}
