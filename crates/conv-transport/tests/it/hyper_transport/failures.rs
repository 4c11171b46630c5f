//! Tests of errors: their kind, stage and host, and whether the server may have seen the request.

use std::{error::Error as _, io::Write, time::Duration};

use bytes::Bytes;
use conv_transport::{
    ConnectionAuth, HttpTransport, HyperConfig, HyperTransport, Lane, Proxy, SendOptions, Sent,
    Stage, TransportErrorKind,
};
use flate2::{Compression, write::GzEncoder};
use http::Request;
use tokio::join;

use super::{get, post};
use crate::server::Server;

/// A deadline that always passes, because the server never responds. It is short, so that the tests are fast.
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_closed_port() {
    let server = Server::bind().await;
    let url = server.url("/");
    let host = server.address.to_string();
    drop(server);
    let error = get(&HyperTransport::new(), url, Lane::Commands)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Connect);
    assert_eq!(error.stage(), Stage::Connect);
    assert_eq!(error.sent(), Sent::No);
    assert_eq!(error.host(), host);
    assert!(error.source().is_some());
    assert!(error.to_string().contains(&host), "{error}");
}

#[tokio::test]
async fn a_name_without_an_address() {
    // RFC 6761 reserves `.invalid` for names that never resolve.
    let url = "http://pool.invalid/".to_owned();
    let mut config = HyperConfig::default();
    config.proxy = Proxy::none();
    let error = get(&HyperTransport::with_config(config), url, Lane::Commands)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Resolve);
    assert_eq!(error.stage(), Stage::Resolve);
    assert_eq!(error.sent(), Sent::No);
    assert_eq!(error.host(), "pool.invalid:80");
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let request = Request::get(server.url("/")).body(Bytes::new()).unwrap();
    let sending = transport.send(request, SendOptions::new(Lane::Commands, SHORT));
    let (error, _peer) = join!(sending, async {
        let mut peer = server.accept().await;
        peer.request().await.unwrap();
        peer
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
    assert_eq!(error.stage(), Stage::Wait);
    assert_eq!(error.sent(), Sent::Maybe);
}

#[tokio::test]
async fn a_server_that_stalls_in_the_body() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let request = Request::get(server.url("/")).body(Bytes::new()).unwrap();
    let sending = transport.send(request, SendOptions::new(Lane::Commands, SHORT));
    let (error, _peer) = join!(sending, async {
        let mut peer = server.accept().await;
        peer.request().await.unwrap();
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
            .await;
        peer
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
    assert_eq!(error.stage(), Stage::Body);
}

#[tokio::test]
async fn the_read_deadline_applies_to_commands_but_not_to_events() {
    let server = Server::bind().await;
    let mut config = HyperConfig::default();
    config.read_deadline = SHORT;
    let transport = HyperTransport::with_config(config);
    let events = get(&transport, server.url("/events"), Lane::Events);
    let serve = async {
        let mut parked = server.accept().await;
        parked.request().await.unwrap();
        for (answer, stage) in [
            ("", Stage::Wait),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
                Stage::Body,
            ),
        ] {
            let command = get(&transport, server.url("/"), Lane::Commands);
            let (error, _peer) = join!(command, async {
                let mut peer = server.accept().await;
                peer.request().await.unwrap();
                peer.write(answer).await;
                peer
            });
            let error = error.unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::Timeout);
            assert_eq!(error.stage(), stage);
            assert!(error.detail().unwrap().contains("silent"), "{error}");
        }
        // The poll has been pending for twice the read deadline.
        parked.respond("page").await;
    };
    let (page, ()) = join!(events, serve);
    assert_eq!(page.unwrap().body(), "page");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls() {
    let server = Server::bind().await;
    let mut config = HyperConfig::default();
    config.connect_deadline = SHORT;
    let transport = HyperTransport::with_config(config);
    let url = format!("https://{}/", server.address);
    let (error, _peer) = join!(get(&transport, url, Lane::Commands), server.accept());
    let error = error.unwrap_err();
    assert_eq!(error.stage(), Stage::Tls);
    assert_eq!(error.sent(), Sent::No);
}

#[tokio::test]
async fn a_connection_that_ends_in_the_head_or_in_the_body() {
    for (answer, stage) in [
        ("", Stage::Wait),
        ("HTTP/1.1 200 OK\r\ncontent-le", Stage::Wait),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
            Stage::Body,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nha",
            Stage::Body,
        ),
    ] {
        let server = Server::bind().await;
        let transport = HyperTransport::new();
        let (error, ()) = join!(post(&transport, server.url("/"), "text"), async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            peer.write(answer).await;
        });
        let error = error.unwrap_err();
        assert_eq!(
            error.kind(),
            TransportErrorKind::Closed,
            "{answer}: {error}"
        );
        assert_eq!(error.stage(), stage, "{answer}");
        assert_eq!(error.sent(), Sent::Maybe, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http() {
    for (answer, stage) in [
        ("220 mail.contoso.com ready\r\n\r\n", Stage::Wait),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            Stage::Body,
        ),
    ] {
        let server = Server::bind().await;
        let transport = HyperTransport::new();
        let (error, _peer) = join!(get(&transport, server.url("/"), Lane::Commands), async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            peer.write(answer).await;
            peer
        });
        let error = error.unwrap_err();
        assert_eq!(
            error.kind(),
            TransportErrorKind::Protocol,
            "{answer}: {error:?}"
        );
        assert_eq!(error.stage(), stage, "{answer}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n4\r\nfghi\r\n",
    ] {
        let server = Server::bind().await;
        let mut config = HyperConfig::default();
        config.body_limit = 8;
        let transport = HyperTransport::with_config(config);
        let (error, _peer) = join!(get(&transport, server.url("/"), Lane::Commands), async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            peer.write(answer).await;
            peer
        });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::BodyTooLarge, "{answer}");
        assert_eq!(error.stage(), Stage::Body);
        assert!(error.to_string().contains("8 bytes"), "{error}");
    }
}

#[tokio::test]
async fn a_body_of_the_length_of_the_limit() {
    let server = Server::bind().await;
    let mut config = HyperConfig::default();
    config.body_limit = 8;
    let transport = HyperTransport::with_config(config);
    let (response, _peer) = join!(get(&transport, server.url("/"), Lane::Commands), async {
        let mut peer = server.accept().await;
        peer.request().await.unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nabcdefgh";
        peer.write(answer).await;
        peer
    });
    assert_eq!(&response.unwrap().body()[..], b"abcdefgh");
}

#[tokio::test]
async fn a_body_may_have_eight_mebibytes_by_default() {
    for (length, is_too_large) in [(8 << 20, false), ((8 << 20) + 1, true)] {
        let server = Server::bind().await;
        let transport = HyperTransport::new();
        let (error, ()) = join!(get(&transport, server.url("/"), Lane::Commands), async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            // The connection is closed before the body.
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            peer.write(head).await;
        });
        let is_refused = error.unwrap_err().kind() == TransportErrorKind::BodyTooLarge;
        assert_eq!(is_refused, is_too_large, "{length}");
    }
}

#[tokio::test]
async fn a_compressed_body_over_the_limit_or_malformed() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&[0; 100_000]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1000);
    for (body, kind) in [
        (&bomb[..], TransportErrorKind::BodyTooLarge),
        (&bomb[..20], TransportErrorKind::Protocol),
    ] {
        let server = Server::bind().await;
        let mut config = HyperConfig::default();
        config.body_limit = 10_000;
        let transport = HyperTransport::with_config(config);
        let (error, ()) = join!(get(&transport, server.url("/"), Lane::Commands), async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            let length = body.len();
            peer.write(format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n"
            ))
            .await;
            peer.write(body).await;
        });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert_eq!(error.stage(), Stage::Body);
    }
}

#[tokio::test]
async fn windows_authentication_without_credentials_is_reported_as_unsupported() {
    let request = Request::post("https://pool.contoso.com/webticket")
        .body(Bytes::new())
        .unwrap();
    let mut options = SendOptions::new(Lane::Commands, SHORT);
    options.authentication = Some(ConnectionAuth::Windows);
    let error = HyperTransport::new()
        .send(request, options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Unsupported);
    assert_eq!(error.sent(), Sent::No);
}

#[tokio::test]
async fn errors_and_debug_output_show_no_secret() {
    let url = "http://127.0.0.1:1/path?token=sesame".to_owned();
    let transport = HyperTransport::new();
    let request = Request::post(url)
        .header("authorization", "Bearer sesame")
        .body(Bytes::from_static(b"password=sesame"))
        .unwrap();
    let options = SendOptions::new(Lane::Commands, super::LONG);
    let error = transport.send(request, options).await.unwrap_err();
    let shown = format!("{error} {error:?} {transport:?}");
    assert!(!shown.contains("sesame"), "{shown}");
}
